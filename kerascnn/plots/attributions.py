"""Pictures of what speaks for an answer, by several methods side by side, and of what channels look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.plots.images import show
from kerascnn.plots.style import grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 1.6  # of an image, in inches


@styled
def attributions(images: Sequence[np.ndarray], maps: Mapping[str, np.ndarray], *, titles: Sequence[str] = ()) -> Figure:
    """A row an image: the image, and a column a method: where it says that the image speaks for its class.

    What only speaks for the class, such as of `inspect.grad_cam` and `saliency`, lies over the grey image from dark to
    bright; a method that gives negative values too, such as `integrated_gradients` and `occlusion`, is red where the
    image speaks for the class and blue where against it. Each map has its own scale, up to its 99th percentile.

    Args:
        images: `(n, height, width, channels)` in 0..255.
        maps: by the method's name `(n, height, width)`.
        titles: one an image, written below it, such as its class.
    """
    for name, value in (("images", images), ("maps", maps)):
        if not len(value):
            raise ValueError(checks.message(name, "hold at least one", value))
    for name, found in maps.items():
        checks.same_length("images", images, name, found)
    height, width = np.shape(images[0])[:2]
    columns = 1 + len(maps)
    figure, panels = grid(columns * len(images), columns, WIDTH, WIDTH * height / width + (0.25 if titles else 0.1))
    rows = np.reshape(panels, (len(images), columns))
    for panel, name in zip(rows[0], ("image", *maps), strict=True):
        panel.set_title(short(name), fontsize=9, pad=4)
    for index, (first, *others) in enumerate(rows):
        show(first, images[index])
        if len(titles):
            first.set_xlabel(short(titles[index]), loc="left", fontsize=8.5)
        for panel, found in zip(others, maps.values(), strict=True):
            _overlay(panel, images[index], found[index], signed=np.min(found) < 0)
    return figure


@styled
def maximal_inputs(
    images: Sequence[np.ndarray], names: Sequence[str], *, patches: Sequence[np.ndarray] | None = None
) -> Figure:
    """Images of `inspect.maximal_input` under the names of their channels; beside each the patches that excite it most.

    Args:
        images: `(n, height, width, channels)` in 0..255.
        names: one an image.
        patches: for each image `(count, height, width, channels)`, of `inspect.top_patches`; None draws none.
    """
    if not len(images):
        raise ValueError(checks.message("images", "hold at least one", images))
    for name, value in (("names", names), ("patches", images if patches is None else patches)):
        checks.same_length("images", images, name, value)
    beside = [()] * len(images) if patches is None else patches
    rows = [[image, *own] for image, own in zip(images, beside, strict=True)]
    columns = 6 if patches is None else len(rows[0])
    figure, panels = grid(sum(map(len, rows)), columns, WIDTH, WIDTH + 0.22)
    for panel, image in zip(panels, chain.from_iterable(rows), strict=True):
        show(panel, image)
    for panel, name in zip(panels[:: len(rows[0])], names, strict=True):
        panel.set_title(short(name), fontsize=8.5, pad=3)
    return figure


def _overlay(panel: Axes, image: np.ndarray, found: np.ndarray, *, signed: bool) -> None:
    """The map over the image in grey, which stays visible where the map is small."""
    grey = np.mean(image, axis=-1, keepdims=True)
    size = np.abs(found)
    scaled = np.clip(found / (np.percentile(size, 99) or size.max() or 1), -1, 1)
    show(panel, 255 - 0.4 * (255 - grey) if signed else 0.6 * grey)
    colours = {"cmap": "RdBu_r", "vmin": -1.2, "vmax": 1.2} if signed else {"cmap": "inferno", "vmin": 0, "vmax": 1}
    panel.imshow(scaled, alpha=np.abs(scaled) ** 0.7, **colours)
