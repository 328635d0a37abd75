"""Grids of images with what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.plots.style import ORANGE, blank, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def mistakes(
    images: Sequence[np.ndarray], labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> Figure:
    """Images `(height, width, channels)` in 0..255 that were answered wrongly, in the order given.

    Above each image the answer and its probability, below it the truth. `labels` are `(count,)`, `probabilities`
    `(count, classes)`; `metrics.worst_mistakes` says which images to pass.
    """
    if not len(images):
        figure = blank(4, 1.2)
        figure.text(0.5, 0.5, "No mistakes", ha="center", va="center", fontsize=11)
        return figure
    figure, panels = grid(len(images), 5, 1.7, 2.2)
    figure.get_layout_engine().set(h_pad=0.1)
    for panel, image, label, answers in zip(panels, images, labels, np.asarray(probabilities), strict=True):
        answer = answers.argmax()
        show(panel, image)
        panel.set_title(f"{short(class_names[answer], 15)} {answers[answer]:.0%}", color=ORANGE, fontsize=8.5, pad=4)
        panel.set_xlabel(f"is {short(class_names[label], 18)}", loc="left", fontsize=8.5)
    return figure


@styled
def examples(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The first 40 of `images` `(count, height, width, channels)` in 0..255 under their class names."""
    count = min(len(images), 40)
    figure, panels = grid(count, 8, 1.25, 1.45)
    for panel, image, label in zip(panels, images[:count], labels[:count], strict=True):
        show(panel, image)
        panel.set_title(short(class_names[label], 15), fontsize=8, pad=3)
    return figure


def show(panel: Axes, image: np.ndarray) -> None:
    """Draws an image `(height, width, channels)` in 0..255: three channels in colour, the first of any other number."""
    pixels = np.clip(np.asarray(image), 0, 255).astype(np.uint8)
    panel.imshow(pixels if pixels.shape[-1] == 3 else pixels[..., 0], cmap="gray", vmin=0, vmax=255)
    panel.set(xticks=[], yticks=[])
    panel.spines[:].set_visible(False)
    panel.grid(False)


def wall(tiles: np.ndarray, columns: int, gap: int = 3) -> np.ndarray:
    """Pictures `(count, height, width, channels)` in 0..255 in rows of `columns` as one, `gap` white pixels between.

    >>> wall(np.zeros((3, 8, 8, 1)), 2).shape
    (19, 19, 1)
    """
    count, height, width, channels = tiles.shape
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + gap, width + gap, channels), 255.0)
    cells[:count, :height, :width] = tiles
    cells = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    return cells.reshape(rows * (height + gap), columns * (width + gap), channels)[:-gap, :-gap]
