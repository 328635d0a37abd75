"""The worst of what a detector missed or saw where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.plots.boxes import check_columns, draw_box
from kerascnn.plots.images import show
from kerascnn.plots.style import INK, ORANGE, blank, grid, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLOSE, LEAST = 2.5, 24  # side of a crop, in longer sides of its box and in pixels at least


@styled
def misses(
    images: Sequence[np.ndarray],
    boxes: np.ndarray,
    titles: Sequence[str],
    notes: Sequence[str],
    missed: Sequence[bool],
    *,
    near: Sequence[np.ndarray | None] = (),
) -> Figure:
    """Crops around boxes that are wrong, solid and orange, and around objects that were `missed`, dashed and white.

    `images` holds the image of each of the `boxes` `(n, 4)`, in pixels; `titles` stand above the crops, `notes` below.
    `near` may have for each the box of an object that it was meant for, dashed too, or None.
    """
    near = near or [None] * len(boxes)
    check_columns(boxes=boxes, images=images, titles=titles, notes=notes, missed=missed, near=near, least=0)
    if not len(images):
        figure = blank(4, 1.2)
        figure.text(0.5, 0.5, "Nothing missed, nothing wrong", ha="center", va="center", fontsize=11)
        return figure
    figure, panels = grid(len(images), 5, 1.7, 2.2)
    figure.get_layout_engine().set(h_pad=0.1)
    rows = zip(panels, images, boxes, titles, notes, missed, near, strict=True)
    for panel, image, box, title, note, lost, other in rows:
        left, top, right, bottom = _window(box, image.shape)
        show(panel, image[top:bottom, left:right])
        if other is not None:
            draw_box(panel, np.subtract(other, (left, top, left, top)), "white", dashed=True)
        draw_box(panel, np.subtract(box, (left, top, left, top)), "white" if lost else ORANGE, dashed=lost)
        panel.set(xlim=(-0.5, right - left - 0.5), ylim=(bottom - top - 0.5, -0.5))
        panel.set_title(title, color=INK if lost else ORANGE, fontsize=8.5, pad=4)
        panel.set_xlabel(note, loc="left", fontsize=8.5)
    return figure


def _window(box: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The edges of a square around the box, moved into the image, and cut only where that is smaller."""
    corners = np.reshape(np.asarray(box, float), (2, 2))
    side = int(np.ceil(max(CLOSE * np.max(corners[1] - corners[0]), LEAST)))
    within = np.array(shape[1::-1])  # width, height
    low = np.clip(np.rint(corners.mean(axis=0) - side / 2), 0, np.maximum(within - side, 0)).astype(int)
    high = np.minimum(low + side, within)
    return *low.tolist(), *high.tolist()
