"""The scores of a sweep as its pictures draw them: without trials that have none, the far tail brought to the edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.style import MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Scores:
    """Scores that can be drawn.

    Attributes:
        kept: which of the trials have a finite score.
        exact: their scores.
        drawn: the same, none further on the worse side than the edge.
        sign: 1 where more is better, -1 where less is.
    """

    kept: np.ndarray
    exact: np.ndarray
    drawn: np.ndarray
    sign: int

    @property
    def best(self) -> int:
        """The place of the best one."""
        return int(np.argmax(self.sign * self.exact))

    @property
    def beyond(self) -> np.ndarray:
        """Which ones stand at the edge and not at their score."""
        return self.exact != self.drawn

    @property
    def note(self) -> str:
        """How many stand at the edge, for the title."""
        if not self.beyond.any():
            return ""
        edge = self.drawn[self.beyond][0]
        return f"{self.beyond.sum()} {'below' if self.sign > 0 else 'above'} {edge:.3g}, at the edge"


def drawable(
    name: str, columns: Mapping[str, Sequence[Any]], scores: Sequence[float | None], direction: str
) -> tuple[dict[str, list], Scores]:
    """The columns and the scores of the trials that have a finite score; `name` is that of the argument `columns`.

    The edge is at 1.5 times the distance of the quartiles from the worse one, as in Tukey's box plot.

    Raises: ValueError for a column of another length, another direction, and where there is nothing to draw.
    """
    checks.one_of("direction", direction, ("max", "min"))
    if not columns:
        raise ValueError(checks.message(name, "hold one sequence at least", dict(columns)))
    for each, column in columns.items():
        checks.same_length(f"{name}[{each!r}]", column, "scores", scores)
    every = np.array(scores, float)
    kept = np.isfinite(every)
    if not kept.any():
        raise ValueError(checks.message("scores", "hold a finite number at least", list(scores)))
    sign = 1 if direction == "max" else -1
    found = {each: [value for value, has in zip(column, kept, strict=True) if has] for each, column in columns.items()}
    return found, Scores(kept, every[kept], sign * _cut(sign * every[kept]), sign)


def draw_points(panel: Axes, x: np.ndarray, scores: Scores, colour: str) -> None:
    """Dots, triangles where the score lies beyond the edge, and the best on top."""
    for group, marker in ((~scores.beyond, "o"), (scores.beyond, "v" if scores.sign > 0 else "^")):
        panel.plot(x[group], scores.drawn[group], marker, color=colour, alpha=0.6, markersize=4.5, markeredgewidth=0)
    panel.plot(x[scores.best], scores.drawn[scores.best], "o", color=ORANGE, markersize=7, zorder=4)


def limit(panel: Axes, scores: Scores) -> None:
    """Gives the panel a vertical axis for the scores."""
    low, high = scores.drawn.min(), scores.drawn.max()
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1
    panel.set_ylim(low - room, high + room)


def head(panel: Axes, title: str, note: str, colour: str = MUTED) -> None:
    """Writes a title, and a note at its right."""
    panel.set_title(title)
    panel.set_title(note, loc="right", color=colour, fontsize=8)


def _cut(merits: np.ndarray) -> np.ndarray:
    low, high = np.quantile(merits, (0.25, 0.75))
    return np.maximum(merits, low - 1.5 * (high - low)) if high > low else merits
