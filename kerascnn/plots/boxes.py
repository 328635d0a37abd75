"""Boxes on images: what was found beside what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.boxes import overlap
from kerascnn.plots.images import show
from kerascnn.plots.painting import hexadecimal, ink, legend, mask_colours
from kerascnn.plots.style import INK, MUTED, ORANGE, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS, WIDTH = 3, 3.0  # panels in a row, and inches of each
WORDS = 8  # detections in an image up to which each has its class written, and not only its score
DASHED = (0, (3.5, 2))
RIGHT = "#56b4e9"  # of a box whose class is right


@styled
def detections(
    images: Sequence[np.ndarray],
    truths: Sequence[np.ndarray] | None,
    predictions: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    class_names: Sequence[str],
) -> Figure:
    """A panel an image: what is there in dashed boxes, what was found in solid ones with class and score.

    Colours are those of the classes. Where more than 8 objects were found in an image, only scores are written. Grey
    boxes are objects that count neither way.

    Args:
        images: `(n, height, width, channels)` in 0..255, or a list of images of several sizes.
        truths: of each image `(objects, 5)`, left, top, right and bottom in pixels and the class: -1 where there is no
            object, -2 - class where one counts neither way. None where nothing is known.
        predictions: of each image boxes `(n, 4)`, scores `(n,)` in 0..1 and classes `(n,)`.
        class_names: one a class.
    """
    check_columns(images=images, truths=images if truths is None else truths, predictions=predictions)
    palette, seen = class_colours(len(class_names)), set()
    figure, panels = _panels(images)
    for place, (panel, image, (found, scores, classes)) in enumerate(zip(panels, images, predictions, strict=True)):
        show(panel, image)
        note = f"{len(found)} found"
        if truths is not None:
            there = np.asarray(truths[place])
            note = f"{(there[:, 4] >= 0).sum()} objects, {note}"
            seen |= _draw_truth(panel, there, palette)
        seen |= _draw_found(panel, found, scores, classes, palette, class_names)
        panel.set_xlabel(note, loc="left", fontsize=8.5)
    lines = {"there": DASHED, "found": "-"} if truths is not None else {}
    legend(figure, [(class_names[label], palette[label]) for label in sorted(seen)], lines=lines)
    return figure


@styled
def localizations(
    images: Sequence[np.ndarray],
    truths: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    class_names: Sequence[str],
) -> Figure:
    """A panel an image with one object: its true box dashed, the predicted one solid, orange where the class is wrong.

    Above it stands the predicted class, below it the IoU of the boxes, and the true class of what was taken for
    another.

    `truths` are `(n, 5)`, left, top, right, bottom in pixels and the class, `boxes` `(n, 4)`, `classes` `(n,)`.
    """
    check_columns(images=images, truths=truths, boxes=boxes, classes=classes)
    shares = np.asarray(overlap(np.float32(truths)[:, :4], np.float32(boxes), kind="iou"))
    figure, panels = _panels(images, 4, 2.0)
    for panel, image, truth, box, label, share in zip(panels, images, truths, boxes, classes, shares, strict=True):
        true = int(truth[4])
        wrong = true != int(label)
        show(panel, image)
        draw_box(panel, truth[:4], "white", dashed=True)
        draw_box(panel, box, ORANGE if wrong else RIGHT)
        panel.set_title(short(class_names[int(label)], 18), fontsize=8.5, pad=4, color=ORANGE if wrong else INK)
        panel.set_xlabel(f"IoU {share:.2f}" + f", is {short(class_names[true], 16)}" * wrong, loc="left", fontsize=8.5)
    return figure


def class_colours(count: int) -> list[str]:
    """A colour a class, as "#rrggbb"; none is grey."""
    return [hexadecimal(colour) for colour in mask_colours(count + 1)[1:]]


def draw_box(panel: Axes, box: np.ndarray, colour: str, *, dashed: bool = False, text: str = "") -> None:
    """Draws one box, in pixels from the image's outer edge, and a text at its upper left corner."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    left, top, right, bottom = (float(edge) - 0.5 for edge in box)  # 0 is the middle of the first pixel
    line = {"linestyle": DASHED if dashed else "-", "linewidth": 1.1 if dashed else 1.5, "zorder": 3 if dashed else 2}
    halo = [withStroke(linewidth=line["linewidth"] + 1.2, foreground="black" if dashed else "white", alpha=0.6)]
    panel.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, path_effects=halo, **line)
    )
    if text:
        below = top < 0.06 * panel.get_ylim()[0]  # no room above it
        frame = {"facecolor": colour, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        place = {"va": "top" if below else "bottom", "ha": "left", "clip_on": True, "zorder": 4}
        panel.text(max(left, -0.5), max(top, 0), text, fontsize=6, color=ink(colour), bbox=frame, **place)


def _draw_truth(panel: Axes, truth: np.ndarray, palette: Sequence[str]) -> set[int]:
    """Draws the objects that are there; returns the classes of those that count."""
    labels = truth[:, 4].astype(int).tolist()
    for box, label in zip(truth[:, :4], labels, strict=True):
        if label != -1:
            draw_box(panel, box, palette[label] if label >= 0 else MUTED, dashed=True)
    return {label for label in labels if label >= 0}


def _draw_found(panel: Axes, boxes, scores, classes, palette: Sequence[str], class_names: Sequence[str]) -> set[int]:
    """Draws what was found, the surest on top; returns the classes."""
    labels = np.asarray(classes, int).tolist()
    for row in np.argsort(scores, kind="stable"):
        name = f"{short(class_names[labels[row]], 12)} " if len(boxes) <= WORDS else ""
        draw_box(panel, boxes[row], palette[labels[row]], text=f"{name}{scores[row]:.2f}")
    return set(labels)


def _panels(images: Sequence[np.ndarray], columns: int = COLUMNS, width: float = WIDTH) -> tuple[Figure, list[Axes]]:
    ratio = max(np.shape(image)[0] / np.shape(image)[1] for image in images)
    return grid(len(images), columns, width, width * ratio + 0.35)


def check_columns(least: int = 1, **columns: Sequence) -> None:
    """Raises ValueError unless all columns, by name, are as long as the first, which has `least` rows or more."""
    (name, first), *others = columns.items()
    if len(first) < least:
        raise ValueError(checks.message(name, "hold at least one image", first))
    for other_name, other in others:
        checks.same_length(name, first, other_name, other)
