"""Pictures of embeddings: where images lie, and which pairs are hardest to tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.images import show
from kerascnn.plots.painting import hexadecimal, mask_colours
from kerascnn.plots.style import BLUE, ORANGE, blank, short, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELLS = 18  # thumbnails across the map
LOW, ROOM = 0.4, 1 / CELLS  # least height of the map, and room around it for the thumbnails at its edges
NAMED = 12  # classes that are named in the legend
COLUMNS = 4  # pairs beside each other


@styled
def embedding_map(
    points: Any, images: Sequence[np.ndarray], labels: Sequence[int], class_names: Sequence[str], *, title: str = ""
) -> Figure:
    """Where embeddings lie in a plane: dots in the colours of their classes, and images in the middle of what is there.

    Args:
        points: `(n, 2)`.
        images: `n` of them, `(height, width, channels)` in 0..255.
        labels: `(n,)`, indices into `class_names`.
        class_names: of all classes; colours are given to those that occur, and repeat after 36.
        title: of the picture.

    Raises:
        ValueError: for points of another shape, and for lengths that differ.
    """
    points, labels = np.asarray(points, float), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(checks.message("points", "be of shape (n, 2), one at least", points.shape))
    checks.same_length("points", points, "images", images)
    checks.same_length("points", points, "labels", labels)
    points, height = _framed(points)
    classes, places = np.unique(labels, return_inverse=True)
    colours = [hexadecimal(colour) for colour in mask_colours(len(classes))]
    figure = blank(11.4, 5.1 * height + 0.35)
    dots, thumbnails = figure.subplots(1, 2)
    for place, label in enumerate(classes):
        mine = points[places == place]
        dots.plot(*mine.T, ".", color=colours[place], markersize=6, alpha=0.75, label=short(class_names[label], 18))
    for panel in (dots, thumbnails):
        panel.set(xlim=(-ROOM, 1 + ROOM), ylim=(-ROOM, height + ROOM), aspect="equal", xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set_visible(False)
    dots.set_title(title)
    if len(classes) <= NAMED:
        figure.legend(loc="outside right upper", fontsize=8.5, markerscale=1.6)
    _thumbnails(thumbnails, points, images, [colours[place] for place in places])
    return figure


@styled
def hardest_pairs(
    different: Sequence[tuple[np.ndarray, np.ndarray, str]], same: Sequence[tuple[np.ndarray, np.ndarray, str]]
) -> Figure:
    """Pairs of images that are hardest to tell: those `different` that are near, and the `same` that are far.

    Each is an image, another, both `(height, width, channels)` in 0..255, and a title. Raises: ValueError without any.
    """
    parts = {"different classes, yet near": (different, ORANGE), "the same class, yet far": (same, BLUE)}
    parts = {heading: part for heading, part in parts.items() if len(part[0])}
    if not parts:
        raise ValueError(checks.message("different", "hold a pair, or `same`", different))
    rows = [-(-len(pairs) // COLUMNS) for pairs, _ in parts.values()]
    figure = blank(COLUMNS * 2.5, sum(1.5 * each + 0.35 for each in rows))
    halves = np.ravel(figure.subfigures(len(parts), 1, height_ratios=rows, squeeze=False))
    for half, count, (heading, (pairs, colour)) in zip(halves, rows, parts.items(), strict=True):
        half.suptitle(heading, x=0.01, ha="left", color=colour, fontsize=10)
        panels = half.subplots(count, 3 * COLUMNS - 1, squeeze=False, width_ratios=([1, 1, 0.25] * COLUMNS)[:-1])
        for panel in panels.ravel():
            panel.axis("off")
        for number, (left, right, title) in enumerate(pairs):
            row, column = divmod(number, COLUMNS)
            show(panels[row, 3 * column], left)
            show(panels[row, 3 * column + 1], right)
            panels[row, 3 * column].set_title(title, fontsize=8, pad=3)
    return figure


def _framed(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The points in a frame of width 1 and the height that they need, in LOW..1, with one scale for both axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = max((high - low).max(), 1e-9)
    height = max(float((high - low)[1] / reach), LOW)
    return np.array([0.5, height / 2]) + (points - (low + high) / 2) / reach, height


def _thumbnails(panel, points, images, colours) -> None:
    """In each cell of a grid, the image that is nearest to its middle, in a frame of its colour."""
    from matplotlib.patches import Rectangle

    cells = (points * CELLS).astype(int)
    away = np.abs(points * CELLS - cells - 0.5).max(axis=1)
    shown: dict[tuple[int, int], int] = {}
    for index in np.argsort(away, kind="stable"):
        shown.setdefault(tuple(cells[index].tolist()), int(index))
    limits = panel.get_xlim(), panel.get_ylim()
    for (column, row), index in shown.items():
        left, bottom, side = (column + 0.06) / CELLS, (row + 0.06) / CELLS, 0.88 / CELLS
        pixels = np.clip(np.asarray(images[index]), 0, 255).astype(np.uint8)
        pixels = pixels if pixels.shape[-1] == 3 else pixels[..., 0]
        panel.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=(left, left + side, bottom, bottom + side))
        frame = Rectangle((left, bottom), side, side, fill=False, edgecolor=colours[index], linewidth=1.6)
        panel.add_patch(frame)
    panel.set(xlim=limits[0], ylim=limits[1], aspect="equal")
