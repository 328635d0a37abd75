"""Masks in colours that the colour-blind tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.plots.style import MUTED, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHITE, EMPTY, WRONG = (255, 255, 255), (232, 232, 232), (209, 36, 47)
PALETTE = (
    "#4a4f57", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
    "#882255", "#999933", "#332288", "#ffaabb",
)  # fmt: skip
"""Grey for the first class, mostly the background; then Okabe and Ito's colours, and Tol's that differ from them."""


def mask_colours(count: int) -> np.ndarray:
    """`(count, 3)` in 0..255; after twelve colours come the same paler, then darker."""
    from matplotlib.colors import to_rgb

    plain = 255 * np.array([to_rgb(colour) for colour in PALETTE])
    shades = np.concatenate([plain, 0.5 * plain + 127.5, 0.5 * plain])
    return shades[np.arange(count) % len(shades)]


def painted(mask: np.ndarray, palette: np.ndarray, ignore: int) -> np.ndarray:
    """The mask in colours, `(height, width, 3)` in 0..255."""
    if mask.ndim == 2:
        return np.concatenate([palette, [WHITE]])[np.where(mask == ignore, len(palette), mask)]
    on = (mask == 1).astype(float)
    count = on.sum(axis=-1, keepdims=True)
    painted = np.where(count > 0, on @ palette / np.maximum(count, 1), EMPTY)
    return np.where((mask == ignore).any(axis=-1, keepdims=True), WHITE, painted)


def present(mask: np.ndarray, classes: int) -> np.ndarray:
    """`(classes,)`, whether a pixel of the mask has the class."""
    found = np.flatnonzero((mask == 1).any(axis=(0, 1))) if mask.ndim == 3 else np.unique(mask)
    return np.isin(np.arange(classes), found)


def legend(figure: Figure, entries: Sequence[tuple[str, Any]]) -> None:
    """Names of colours under the pictures, and what red means; the figure grows by their height."""
    from matplotlib.patches import Patch

    names = [short(name, 18) for name, _ in entries] + ["wrong"]
    colours = [np.divide(colour, 255) for colour in [*(colour for _, colour in entries), WRONG]]
    patches = [
        Patch(facecolor=colour, edgecolor=MUTED, linewidth=0.5, label=name)
        for name, colour in zip(names, colours, strict=True)
    ]
    width, height = figure.get_size_inches()
    columns = min(len(names), max(1, int(width / (0.075 * max(map(len, names)) + 0.45))))
    figure.set_size_inches(width, height + 0.1 + 0.2 * -(-len(names) // columns))
    figure.legend(handles=patches, loc="outside lower center", ncols=columns, handlelength=1.2, fontsize=8.5)
