"""Which cells of a detector answer for which object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.plots.boxes import class_colours, draw_box
from kerascnn.plots.images import show
from kerascnn.plots.style import grid, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.2  # of a grid, in inches


@styled
def assignment(
    image: np.ndarray,
    truth: np.ndarray,
    places: Sequence[np.ndarray],
    *,
    steps: Sequence[float] | None = None,
) -> Figure:
    """The cells that answer for each object, in a colour an object; a panel a grid of cells.

    The cells of a single grid are filled, as in the paper on YOLO (Redmon et al. 2016, figure 2); of several grids, one
    a scale, the centres of the cells are dots.

    Args:
        image: `(height, width, channels)` in 0..255.
        truth: `(objects, 5)`, left, top, right, bottom in pixels and class, -1 where there is no object.
        places: of each grid `(rows, columns)`, the row of `truth` for which a cell answers, -1 for none.
        steps: pixels from cell to cell of each grid; with None each divides the image evenly.

    Raises: ValueError without a grid, for an answer to no row of `truth`, and for other numbers of steps.
    """
    places, truth = [np.asarray(each, int) for each in places], np.asarray(truth)
    _check(truth, places)
    if steps is not None:
        checks.same_length("places", places, "steps", steps)
    colours = class_colours(len(truth))
    height, width = np.shape(image)[:2]
    figure, panels = grid(len(places), 3, WIDTH, WIDTH * height / width + 0.3)
    for number, (panel, owners) in enumerate(zip(panels, places, strict=True)):
        step = (steps[number],) * 2 if steps is not None else (height / owners.shape[0], width / owners.shape[1])
        show(panel, image)
        (_fill if len(places) == 1 else _dot)(panel, owners, step, colours)
        for box, label, colour in zip(truth[:, :4], truth[:, 4], colours, strict=True):
            if label != -1:
                draw_box(panel, box, colour)
        panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        panel.set_title(f"{owners.shape[0]} x {owners.shape[1]} cells, {(owners >= 0).sum()} responsible", fontsize=9)
    return figure


def _fill(panel: Axes, owners: np.ndarray, step: tuple[float, float], colours: Sequence[str]) -> None:
    """Draws the lines between the cells, fills those that answer, and marks the centres of their objects' grids."""
    from matplotlib.patches import Rectangle

    rows, columns = owners.shape
    lines = {"color": "white", "linewidth": 0.7, "alpha": 0.8}
    panel.hlines(np.arange(1, rows) * step[0] - 0.5, -0.5, columns * step[1] - 0.5, **lines)
    panel.vlines(np.arange(1, columns) * step[1] - 0.5, -0.5, rows * step[0] - 0.5, **lines)
    for row, column in np.argwhere(owners >= 0):
        corner = column * step[1] - 0.5, row * step[0] - 0.5
        colour = colours[owners[row, column]]
        panel.add_patch(Rectangle(corner, step[1], step[0], facecolor=colour, edgecolor="white", alpha=0.55))


def _dot(panel: Axes, owners: np.ndarray, step: tuple[float, float], colours: Sequence[str]) -> None:
    """Draws the centres of all cells, larger and in colour those that answer."""
    rows, columns = np.indices(owners.shape)
    x, y = (columns + 0.5) * step[1] - 0.5, (rows + 0.5) * step[0] - 0.5
    idle = owners < 0
    panel.scatter(x[idle], y[idle], 1.5, color="white", alpha=0.5, linewidth=0)
    chosen = [colours[owner] for owner in owners[~idle]]
    panel.scatter(x[~idle], y[~idle], 14, color=chosen, edgecolor="white", linewidth=0.5, zorder=5)


def _check(truth: np.ndarray, places: Sequence[np.ndarray]) -> None:
    if not places:
        raise ValueError(checks.message("places", "hold at least one grid", places))
    for owners in places:
        if owners.ndim != 2 or owners.max(initial=-1) >= len(truth):
            rule = f"be grids (rows, columns) of rows of `truth`, below {len(truth)}"
            raise ValueError(checks.message("places", rule, owners))
