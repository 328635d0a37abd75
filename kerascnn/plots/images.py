"""Grids of images with what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.metrics import worst_mistakes
from kerascnn.plots.style import ORANGE, blank, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def mistakes(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], n: int = 25
) -> Figure:
    """The n worst mistakes among `images` `(count, height, width, channels)` in 0..255, worst first.

    Above each image the answer and its probability, below it the truth. `labels` are `(count,)`, `probabilities`
    `(count, classes)`.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    chosen = worst_mistakes(labels, probabilities, n)
    if not len(chosen):
        figure = blank(4, 1.2)
        figure.text(0.5, 0.5, f"No mistakes among {len(labels):,} images", ha="center", va="center", fontsize=11)
        return figure
    figure, panels = grid(len(chosen), 5, 1.7, 2.2)
    figure.get_layout_engine().set(h_pad=0.1)
    for panel, i in zip(panels, chosen, strict=True):
        answer = probabilities[i].argmax()
        show(panel, images[i])
        title = f"{short(class_names[answer], 15)} {probabilities[i, answer]:.0%}"
        panel.set_title(title, color=ORANGE, fontsize=8.5, pad=4)
        panel.set_xlabel(f"is {short(class_names[labels[i]], 18)}", loc="left", fontsize=8.5)
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
