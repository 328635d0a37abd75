"""Pictures of what `kerascnn.inspect` finds in a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.plots.images import show, wall
from kerascnn.plots.style import BLUE, ORANGE, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 1.4  # of an image, in inches
CHANNELS = 8  # of a layer that are shown


@styled
def grad_cam(
    images: Sequence[np.ndarray],
    maps: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
) -> Figure:
    """Images, and the same in grey under the map that speaks for the answer: right ones left, wrong ones right.

    Above each image the answer and its probability, blue where right and orange where wrong, below it the truth. Where
    all are right, or all wrong, they fill both sides.

    Args:
        images: `(count, height, width, channels)` in 0..255.
        maps: `(count, height, width)` in 0..1, of `inspect.grad_cam`.
        labels: the true classes, `(count,)`.
        probabilities: `(count, classes)`.
        class_names: one a class.
    """
    _check_filled("images", images)
    checks.same_length("images", images, "maps", maps)
    answers = np.asarray(probabilities).argmax(axis=1)
    right, wrong = (np.flatnonzero(which).tolist() for which in (answers == labels, answers != labels))
    order = list(chain.from_iterable(zip_longest(right, wrong))) if right and wrong else right + wrong
    height, width = np.shape(images[0])[:2]
    figure, panels = grid(2 * len(order), 4, WIDTH, WIDTH * height / width + 0.45)
    for place, index in enumerate(order):
        plain, under = panels[2 * place : 2 * place + 2]
        if index is None:
            plain.axis("off")
            under.axis("off")
            continue
        show(plain, images[index])
        show(under, np.mean(images[index], axis=-1, keepdims=True))  # the map's colours stand out from grey
        under.imshow(maps[index], cmap="inferno", vmin=0, vmax=1, alpha=0.75 * np.clip(maps[index], 0, 1))
        _name(plain, class_names, probabilities[index], labels[index])
    return figure


@styled
def feature_maps(image: np.ndarray, maps: Mapping[str, np.ndarray]) -> Figure:
    """One image and, a row a layer, the 8 channels that vary most over it, each from its lowest (dark) to its highest.

    `image` is `(height, width, channels)` in 0..255; `maps` by layer `(height, width, channels)`, one image's of
    `inspect.feature_maps`.
    """
    _check_filled("maps", maps)
    columns = 1 + CHANNELS
    height, width = np.shape(image)[:2]
    figure, panels = grid(columns * len(maps), columns, 1.05, 1.05 * height / width + 0.22)
    for row, (name, found) in enumerate(maps.items()):
        first, *others = panels[row * columns : (row + 1) * columns]
        show(first, image)
        rows, across, channels = found.shape
        first.set_title(f"{short(name, 60)}, {rows} x {across} x {channels}", fontsize=7.5, pad=3)
        strongest = np.argsort(-found.std(axis=(0, 1)), kind="stable")[:CHANNELS].tolist()
        for panel, channel in zip_longest(others, strongest):
            panel.axis("off")
            if channel is not None:
                panel.imshow(found[..., channel], cmap="inferno", aspect=height / width * across / rows)
    return figure


@styled
def filters(pictures: np.ndarray) -> Figure:
    """Kernels of a layer as pictures `(count, height, width, 3 or 1)` in 0..1, of `inspect.filters`; 128 at most."""
    _check_filled("pictures", pictures)
    tiles = np.round(255 * np.asarray(pictures)[:128])
    enlarged = max(1, round(24 / tiles.shape[1]))  # whole pixels, so that the white lines between are thin
    tiles = tiles.repeat(enlarged, axis=1).repeat(enlarged, axis=2)
    tiled = wall(tiles, min(len(tiles), 16))
    figure, (panel,) = grid(1, 1, tiled.shape[1] / 50 + 0.1, tiled.shape[0] / 50 + 0.1)
    show(panel, tiled)
    return figure


def _name(panel: Axes, class_names: Sequence[str], probabilities: np.ndarray, label: int) -> None:
    """The answer, its probability and the truth around an image."""
    answer = int(np.argmax(probabilities))
    colour = BLUE if answer == label else ORANGE
    panel.set_title(f"{short(class_names[answer], 15)} {probabilities[answer]:.0%}", color=colour, fontsize=8.5, pad=4)
    panel.set_xlabel(f"is {short(class_names[label], 18)}", loc="left", fontsize=8.5)


def _check_filled(name: str, value: Sized) -> None:
    if not len(value):
        raise ValueError(checks.message(name, "hold at least one", value))
