"""The score of a sweep's trials against each hyperparameter. The best one is orange."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.plots.scale import ABSENT, Scale, scale
from kerascnn.plots.scores import Scores, draw_points, drawable, head, limit
from kerascnn.plots.style import BLUE, INK, MUTED, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = 16
"""Most hyperparameters in one picture."""
BINS = 5  # of equally many trials, along an axis with many values


@styled
def by_value(
    values: Mapping[str, Sequence[Any]],
    scores: Sequence[float | None],
    *,
    importance: Mapping[str, float] | None = None,
    direction: str = "max",
    score_name: str = "score",
) -> Figure:
    """The score against each hyperparameter, one panel each, the most important first; the bars are medians.

    A bar spans one value, or a fifth of the trials where there are many values. The first 16 are drawn.

    `values`: of each hyperparameter, its value in each trial, None where it is inactive. `scores`, `direction`: as in
    `pareto`. `importance`: shares in 0..1 by name, written into the titles; a name that is missing comes last.

    Raises: ValueError for sequences of other lengths, and where there is nothing to draw.
    """
    importance = importance or {}
    values, scores = drawable("values", values, scores, direction)
    names = sorted(values, key=lambda name: -importance.get(name, -1))[:PANELS]
    figure, panels = grid(len(names), 4, 2.75, 2.3)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    for panel, name in zip(panels, names, strict=True):
        _draw_values(panel, scale(values[name]), scores)
        limit(panel, scores)
        head(panel, short(name.replace("_", " "), 24), _percent(importance.get(name)), BLUE)
    for panel in panels[::4]:
        panel.set_ylabel(score_name.replace("_", " "))
    if scores.note:
        figure.supxlabel(scores.note, color=MUTED, fontsize=8, x=0.99, ha="right")
    return figure


def _percent(share: float | None) -> str:
    return "" if share is None else "<1%" if 0 < share < 0.01 else f"{share:.0%}"


def _draw_values(panel: Axes, each: Scale, scores: Scores) -> None:
    width = min(0.12, 0.4 / len(each.ticks)) if each.steps else 0
    swing = (np.arange(len(each.places)) * 0.618034) % 1 - 0.5  # even, and the same in every drawing
    draw_points(panel, each.places + width * swing, scores, BLUE)
    for group in _groups(each):
        low, high = each.places[group].min() - width, each.places[group].max() + width
        height = np.median(scores.drawn[group])
        panel.plot((low, high), (height, height), color=INK, linewidth=2, solid_capstyle="round", zorder=3)
    places, labels = zip(*((place, short(label, 11)) for place, label in each.ticks), strict=True)
    crowded = sum(map(len, labels)) > 30
    panel.set_xticks(places, labels, rotation=30 * crowded, ha="right" if crowded else "center")
    room = 0.06 + width
    panel.set_xlim((ABSENT if (each.places == ABSENT).any() else 0) - room, 1 + room)


def _groups(each: Scale) -> Iterator[np.ndarray]:
    """Trials of one value, or of neighbouring values, as indices."""
    if each.steps:
        yield from (np.flatnonzero(each.places == place) for place in np.unique(each.places))
        return
    order = np.argsort(each.places, kind="stable")
    absent = each.places[order] == ABSENT
    yield from (part for part in (order[absent], *np.array_split(order[~absent], BINS)) if len(part))
