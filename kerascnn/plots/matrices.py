"""Matrices with their numbers written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.style import INK, MUTED, blank, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL, WIDEST = 0.3, 9.0  # inches: of a cell, and of all cells beside each other
TITLE, LETTER, GAP = 0.25, 0.072, 0.2  # inches: height of a title, width of its letters, between matrices
WRITTEN = 400  # cells up to which numbers are written into them


@styled
def matrices(matrices: Mapping[str, Any], *, columns: int = 3) -> Figure:
    """Matrices `(rows, columns)` or vectors `(columns,)` by name, each number in its cell: orange above 0, blue below.

    The cells of all are of one size, and each matrix has its own scale: its largest number, of either sign, has the
    full colour. Beyond 400 cells the colours stand alone. NaN leaves a cell empty.

    Raises: ValueError for none, and for what is neither matrix nor vector.
    """
    if not matrices:
        raise ValueError(checks.message("matrices", "hold at least one", matrices))
    columns = min(checks.positive_int("columns", columns), len(matrices))
    drawn = [(name, _two_axes(name, value)) for name, value in matrices.items()]
    cell = min(CELL, WIDEST / sum(max(value.shape[1] for _, value in drawn[at::columns]) for at in range(columns)))
    widths = [max(_width(*each, cell) for each in drawn[at::columns]) for at in range(columns)]
    rows = [drawn[at : at + columns] for at in range(0, len(drawn), columns)]
    heights = [TITLE + cell * max(len(value) for _, value in row) for row in rows]
    figure = blank(sum(widths) + GAP * (columns + 1), sum(heights) + GAP * (len(rows) + 1))
    figure.set_layout_engine("none")
    across, down = figure.get_size_inches()
    for place, (name, value) in enumerate(drawn):
        row, column = divmod(place, columns)
        left, top = GAP + sum(widths[:column]) + GAP * column, GAP * (row + 1) + sum(heights[:row]) + TITLE
        high, wide = cell * np.array(value.shape)
        panel = figure.add_axes((left / across, 1 - (top + high) / down, wide / across, high / down))
        panel.set_title(name, fontsize=9, pad=4)
        _draw(panel, value, cell)
    return figure


def _two_axes(name: str, value: Any) -> np.ndarray:
    value = np.atleast_2d(np.asarray(value, float))
    if value.ndim != 2 or not value.size:
        raise ValueError(checks.message(f"matrices[{name!r}]", "be a matrix or a vector", value.shape))
    return value


def _width(name: str, value: np.ndarray, cell: float) -> float:
    return max(cell * value.shape[1], LETTER * len(name))


def _draw(panel: Axes, value: np.ndarray, cell: float) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    signed = LinearSegmentedColormap.from_list("signed", ("#5b97cf", "white", "#eda063"))  # light under dark numbers
    reach = np.abs(value[np.isfinite(value)]).max(initial=0) or 1
    edges = [np.arange(count + 1) - 0.5 for count in value.shape]
    line = {"edgecolors": "#d0d7de", "linewidth": 0.5, "clip_on": False}
    panel.pcolormesh(*edges[::-1], value, cmap=signed, vmin=-reach, vmax=reach, **line)
    panel.set(xlim=edges[1][[0, -1]], ylim=edges[0][[-1, 0]])
    panel.axis("off")
    if value.size > WRITTEN:
        return
    texts = {place: f"{number:.3g}".replace("-", "\N{MINUS SIGN}") for place, number in np.ndenumerate(value)}
    size = min(9.0, 105 * cell / max(3, *map(len, texts.values())))
    for (row, column), number in np.ndenumerate(value):
        if np.isfinite(number):
            style = {"color": INK if number else MUTED, "fontsize": size, "ha": "center", "va": "center_baseline"}
            panel.text(column, row, texts[row, column], **style)
