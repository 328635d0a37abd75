"""Pictures of how a network answers to an image that is moved, turned or enlarged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.style import BLUE, INK, MUTED, ORANGE, grid, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXES = {"shift": "shift, pixels", "rotation": "rotation, degrees", "scale": "scale"}
COLOURS = (BLUE, ORANGE, "#009e73", INK, "#cc79a7", MUTED)
MARKERS = "osD^vX"


@styled
def equivariance(curves: Mapping[str, Any]) -> Figure:
    """How far layers are from equivariance (left) and from invariance (right), a line a name, 0 where they are not.

    Args:
        curves: by name what `inspect.equivariance` returns, all of one change. Those without a map, which have no
            equivariance, are drawn on the right only.

    Raises: ValueError for none, and for curves of several changes.
    """
    changes = {curve.change for curve in curves.values()}
    if len(changes) != 1:
        raise ValueError(checks.message("curves", "hold at least one, all of one change", sorted(changes)))
    (change,) = changes
    figure, (left, right) = grid(2, 2, 3.9, 3.2)
    figure.get_layout_engine().set(w_pad=0.1)
    for number, (name, curve) in enumerate(curves.items()):
        look = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)], "label": name}
        if curve.equivariance is not None:
            _line(left, curve.amounts, curve.equivariance, look)
        _line(right, curve.amounts, curve.invariance, look)
    left.set(title="from equivariance", ylabel="relative error")
    right.set(title="from invariance")
    left.text(0.03, 0.96, "|f(Tx) \N{MINUS SIGN} T f(x)| / |f(x)|", transform=left.transAxes, color=MUTED, va="top")
    right.text(0.03, 0.96, "|f(Tx) \N{MINUS SIGN} f(x)| / |f(x)|", transform=right.transAxes, color=MUTED, va="top")
    for panel in (left, right):
        panel.set_xlabel(AXES.get(change, change))
        panel.set_ylim(0, 1.18 * max(panel.get_ylim()[1], 0.05))  # room for the formula
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8.5)
    return figure


def _line(panel: Axes, amounts, errors, look) -> None:
    order = np.argsort(amounts, kind="stable")
    panel.plot(np.asarray(amounts)[order], np.asarray(errors)[order], markersize=3.5, linewidth=1.5, **look)
