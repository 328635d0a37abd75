"""The score of a sweep's trials against what they cost. The best one is orange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.scores import Scores, draw_points, drawable, head, limit
from kerascnn.plots.style import BLUE, INK, MUTED, grid, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def pareto(
    costs: Mapping[str, Sequence[float | None]],
    scores: Sequence[float | None],
    *,
    direction: str = "max",
    score_name: str = "score",
    names: Sequence[Any] = (),
) -> Figure:
    """The score against each cost, one panel a cost, and the Pareto front: the best score that so much can buy.

    `costs`: of each quantity (parameters, FLOPs), what each trial's network takes, above 0; None where it is unknown.
    Costs lie on a logarithmic axis. `scores`: one a trial; a trial without a finite one is left out. `direction`:
    "max" or "min". `names`: one a trial, such as its number, written beside the points of the front.

    Scores far worse than most stand at the edge as triangles, and the title says how many.

    Raises: ValueError for sequences of other lengths, a cost not above 0, and where there is nothing to draw.
    """
    if len(names):
        checks.same_length("names", names, "scores", scores)
    costs, scores = drawable("costs", costs, scores, direction)
    labels = np.array([str(name) for name in names], object)[scores.kept] if len(names) else None
    figure, panels = grid(len(costs), 2, 4.6, 3.5)
    figure.get_layout_engine().set(w_pad=0.1)
    for panel, (name, column) in zip(panels, costs.items(), strict=True):
        cost = np.array(column, float)
        if (cost <= 0).any():
            raise ValueError(checks.message(f"costs[{name!r}]", "be above 0", float(np.nanmin(cost))))
        front = _front(cost, scores.sign * scores.exact)
        draw_points(panel, cost, scores, MUTED)
        _draw_front(panel, cost, scores, front, labels)
        limit(panel, scores)
        _cost_axis(panel, cost[np.isfinite(cost)], name)
        head(panel, f"{len(front)} of {np.isfinite(cost).sum()} on the front", scores.note)
    panels[0].set_ylabel(score_name.replace("_", " "))
    return figure


def _front(cost: np.ndarray, merit: np.ndarray) -> list[int]:
    """The places of the trials that no other matches at a lower cost, nor beats at the same, the cheapest first."""
    best, front = -np.inf, []
    for at in np.lexsort((-merit, cost)):
        if np.isfinite(cost[at]) and merit[at] > best:
            best = merit[at]
            front.append(int(at))
    return front


def _draw_front(panel: Axes, cost: np.ndarray, scores: Scores, front: list[int], names: np.ndarray | None) -> None:
    if not front:
        return
    inside = [at for at in front if not scores.beyond[at]]
    ends = [*cost[front], np.nanmax(cost) * 10]  # on to the right edge: more cost buys no less
    panel.step(ends, [*scores.drawn[front], scores.drawn[front[-1]]], where="post", color=BLUE, linewidth=1.5)
    panel.plot(cost[inside], scores.drawn[inside], "o", color=BLUE, markersize=5)
    for at in front if names is not None else ():
        panel.annotate(  # nothing is cheaper and better, so that side of the point is free
            names[at], (cost[at], scores.drawn[at]), (-4, 4 * scores.sign), textcoords="offset points",
            ha="right", va="bottom" if scores.sign > 0 else "top", fontsize=7.5, color=INK,
        )  # fmt: skip


def _cost_axis(panel: Axes, cost: np.ndarray, name: str) -> None:
    """Logarithmic, with ticks such as 200k, 1M, over a factor of six at least."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    middle = np.log([cost.min(), cost.max()]).mean() if len(cost) else 0.0
    half = max(np.log(6) / 2, 0.58 * np.log(cost.max() / cost.min()) if len(cost) else 0)
    panel.set(xscale="log", xlabel=name, xlim=np.exp((middle - half, middle + half)))
    digits = (1, 2, 5) if half < np.log(10) else (1, 3) if half < np.log(60) else (1,)
    panel.xaxis.set_major_locator(LogLocator(subs=digits))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))
