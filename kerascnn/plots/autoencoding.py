"""Pictures of autoencoders: what comes back, what lies between two images, what is drawn, what is unlike the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.plots.boxes import check_columns
from kerascnn.plots.images import show, wall
from kerascnn.plots.style import BLUE, INK, ORANGE, blank, grid, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, WHOLE = 1.1, 10.0  # of an image and of a picture, in inches
ACROSS = 12  # samples in a row
BINS = 60


@styled
def reconstructions(
    images: Sequence[np.ndarray], outputs: Sequence[np.ndarray], targets: Sequence[np.ndarray] | None = None
) -> Figure:
    """A column an image: it, what came back, and where that is too dark (blue) or too light (red), with its error.

    All are `(n, height, width, channels)` in 0..255. `targets` are what should come back, if not the images; they are
    drawn in a row of their own where they differ from the images. The error is the mean square of values in 0..1.
    """
    targets = images if targets is None else targets
    check_columns(images=images, outputs=outputs, targets=targets)
    rows = {"image": images, "reconstruction": outputs}
    if not all(map(np.array_equal, images, targets)):
        rows = {"input": images, "reconstruction": outputs, "target": targets}
    wrong = [np.mean(np.subtract(a, b, dtype=np.float32), axis=-1) for a, b in zip(outputs, targets, strict=True)]
    most = max(1.0, float(np.ceil(np.percentile(np.abs(wrong), 99.5))))
    height, width = np.shape(images[0])[:2]
    figure, panels = grid((len(rows) + 1) * len(images), len(images), WIDTH, WIDTH * height / width + 0.08)
    figure.set_size_inches(figure.get_size_inches() + (0, 0.3))
    panels = np.reshape(panels, (len(rows) + 1, len(images)))
    for row, (name, shown) in zip(panels, rows.items(), strict=False):
        _name(row[0], name)
        for panel, image in zip(row, shown, strict=True):
            show(panel, image)
    _name(panels[-1, 0], f"error, ±{most:.0f}")
    for panel, error, output, target in zip(panels[-1], wrong, outputs, targets, strict=True):
        show(panel, target)
        panel.imshow(error, cmap="RdBu_r", vmin=-most, vmax=most)
        square = np.mean((np.subtract(output, target, dtype=np.float32) / 255) ** 2)
        panel.set_xlabel(f"{square:.4f}", fontsize=8.5)
    return figure


@styled
def interpolations(
    left: Sequence[np.ndarray], between: Sequence[Sequence[np.ndarray]], right: Sequence[np.ndarray]
) -> Figure:
    """A row a pair: an image, what the decoder makes of the codes from its own to the other's, and the other image.

    All images are `(height, width, channels)` in 0..255; `left` and `right` have `n` of them, `between` `n` times as
    many as there are steps.
    """
    check_columns(left=left, between=between, right=right)
    steps = len(between[0])
    height, width = np.shape(left[0])[:2]
    side = WHOLE / (steps + 2.6)
    figure = blank(WHOLE, len(left) * side * height / width + 0.35)
    panels = figure.subplots(1, 3, width_ratios=[1, steps, 1])
    middle = np.concatenate([np.asarray(row) for row in between])
    for panel, tiles, columns, title in zip(
        panels, (left, middle, right), (1, steps, 1), ("image", "from its code to the other's", "image"), strict=True
    ):
        show(panel, _wall(tiles, columns))
        panel.set_title(title, fontsize=9, pad=4)
    return figure


@styled
def samples(images: Sequence[np.ndarray], *, title: str = "") -> Figure:
    """Images `(n, height, width, channels)` in 0..255 beside each other, under a title that says their source."""
    check_columns(images=images)
    columns = min(len(images), ACROSS)
    height, width = np.shape(images[0])[:2]
    side = WHOLE / ACROSS
    figure = blank(max(columns * side, 4), -(-len(images) // columns) * side * height / width + 0.35)
    panel = figure.subplots()
    show(panel, _wall(images, columns))
    panel.set_title(title)
    return figure


@styled
def anomalies(
    errors: Sequence[float],
    images: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    own: Sequence[float],
    *,
    threshold: float | None = None,
) -> Figure:
    """How often each reconstruction error occurs, and the images that come back worst, each beside what came back.

    Args:
        errors: of all images, `(n,)`, mean squares of values in 0..1.
        images: those to be shown, `(m, height, width, channels)` in 0..255.
        outputs: what the network made of them.
        own: their errors, `(m,)`.
        threshold: an error that few exceed.
    """
    check_columns(images=images, outputs=outputs, own=own)
    columns = min(len(images), 3)
    rows = -(-len(images) // columns)
    height, width = np.shape(images[0])[:2]
    figure = blank(4.0 + 2 * columns, max(rows * (0.85 * height / width + 0.3), 3.0))
    left, right = figure.subfigures(1, 2, width_ratios=(4.0, 2 * columns))
    _histogram(left.subplots(), np.asarray(errors, float), threshold)
    panels = right.subplots(rows, 3 * columns - 1, squeeze=False, width_ratios=([1, 1, 0.2] * columns)[:-1])
    for panel in panels.ravel():
        panel.axis("off")
    for number, (image, output, error) in enumerate(zip(images, outputs, own, strict=True)):
        row, column = divmod(number, columns)
        show(panels[row, 3 * column], image)
        show(panels[row, 3 * column + 1], output)
        panels[row, 3 * column].set_title(f"{error:.4f}", fontsize=8.5, pad=3)
    return figure


def _histogram(panel, errors: np.ndarray, threshold: float | None) -> None:
    panel.hist(errors, np.linspace(0, errors.max() or 1, BINS + 1), color=BLUE, alpha=0.8, rwidth=0.92)
    panel.set(xlabel="mean squared error, values in 0..1", ylabel="images", xlim=(0, None))
    panel.set_title(f"mean {errors.mean():.4f}")
    panel.grid(False, axis="x")
    if threshold is not None:
        panel.set_title(f"mean {errors.mean():.4f}, {np.mean(errors > threshold):.1%} above {threshold:.4f}")
        panel.axvline(threshold, color=ORANGE, linewidth=1.2, linestyle="--")


def _wall(images: Sequence[np.ndarray], columns: int) -> np.ndarray:
    return wall(np.asarray(images), columns, gap=max(1, np.shape(images[0])[1] // 14))


def _name(panel, name: str) -> None:
    """Writes the name of a row beside its first panel."""
    panel.set_ylabel(name, color=INK, fontsize=9)
