"""Colours that the colour-blind tell apart, masks in them, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.plots.style import INK, MUTED, short

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


def hexadecimal(colour: Sequence[float]) -> str:
    """A colour of three levels in 0..255 as matplotlib and Pillow read it.

    >>> hexadecimal((230, 159.0, 0))
    '#e69f00'
    """
    return "#" + "".join(f"{round(float(level)):02x}" for level in colour)


def ink(colour: str) -> str:
    """The one of "black" and "white" that is read more easily on a colour "#rrggbb".

    >>> ink("#f0e442"), ink("#332288")
    ('black', 'white')
    """
    red, green, blue = bytes.fromhex(colour[1:])
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


def legend(figure: Figure, entries: Sequence[tuple[str, Any]], *, lines: Mapping[str, Any] | None = None) -> None:
    """Names of colours, in 0..255 or "#rrggbb", and of styles of lines under the pictures; the figure grows by them."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=_plain(colour), edgecolor=MUTED, linewidth=0.5, label=short(name, 18))
        for name, colour in entries
    ]
    handles += [Line2D([], [], color=INK, linestyle=style, label=name) for name, style in (lines or {}).items()]
    if not handles:
        return
    width, height = figure.get_size_inches()
    longest = max(len(handle.get_label()) for handle in handles)
    columns = min(len(handles), max(1, int(width / (0.075 * longest + 0.45))))
    figure.set_size_inches(width, height + 0.1 + 0.2 * -(-len(handles) // columns))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=1.6, fontsize=8.5)


def _plain(colour: Any) -> Any:
    return colour if isinstance(colour, str) else np.divide(colour, 255)
