"""What all pictures share: colours, figures and how they are written. Nothing of matplotlib's global state is kept."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, BLUE, ORANGE = "#24292f", "#8c959f", "#2166ac", "#d9722b"
STYLE = {
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a class name may hold a dollar sign
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e9ed",
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` under the style above."""

    @functools.wraps(draw)
    def drawn(*arguments: Any, **options: Any) -> Figure:
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*arguments, **options)

    return drawn


def save(figure: Figure, path: str | Path) -> None:
    """Writes the figure in the format of the path's suffix (png, svg, pdf, jpg), whole or not at all."""
    path = Path(path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # names in a script that the font lacks
        files.write_atomically(path, lambda file: figure.savefig(file, format=path.suffix[1:] or "png", dpi=150))


def blank(width: float, height: float) -> Figure:
    """An empty figure of so many inches, which makes room for its labels and needs no window."""
    from matplotlib.figure import Figure

    return Figure((width, height), layout="constrained", facecolor="white")


def grid(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels of `width` x `height` inches in rows of `columns` or fewer."""
    columns = max(1, min(count, columns))
    rows = max(1, math.ceil(count / columns))
    figure = blank(columns * width, rows * height)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[count:]:
        panel.axis("off")
    return figure, list(panels[:count])


def short(name: Any, length: int = 22) -> str:
    """The name, cut to `length` characters.

    >>> short("Rhododendron", 8)
    'Rhodode…'
    """
    text = str(name)
    return text if len(text) <= length else f"{text[: length - 1]}…"
