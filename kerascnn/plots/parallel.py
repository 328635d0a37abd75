"""A whole sweep in one picture: parallel coordinates (Inselberg, "The plane with parallel coordinates", 1985)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.plots.scale import ABSENT, Scale, scale
from kerascnn.plots.scores import Scores, drawable, head
from kerascnn.plots.style import INK, MUTED, ORANGE, blank, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

AXES = 14
"""Most hyperparameters in one picture."""
SHADES = ("#e2e7ec", "#b5cde4", "#7cadd6", "#3579b8", "#0b3a75")  # from the worst score to the best
BUNDLE = 0.05  # of an axis: the lines through one value are spread so far, the better the higher


@styled
def parallel_coordinates(
    values: Mapping[str, Sequence[Any]],
    scores: Sequence[float | None],
    *,
    direction: str = "max",
    score_name: str = "score",
) -> Figure:
    """One line a trial through its values on parallel axes to its score; the darker the better, the best in orange.

    `values`: of each hyperparameter, its value in each trial: a number, a text, a bool, or None where it is inactive,
    which stands below the axis. Numbers over a wide range lie on a logarithmic axis. The first 14 are drawn.
    `scores`: one a trial; a trial without a finite one is left out. `direction`: "max" or "min"; the best is on top.

    Scores far worse than most stand at the edge, and the title says how many.

    Raises: ValueError for sequences of other lengths, and where there is nothing to draw.
    """
    values, scores = drawable("values", values, scores, direction)
    scales = {name: scale(column) for name, column in list(values.items())[:AXES]}
    last = scale(scores.drawn.tolist(), logarithmic=False)
    last = last if direction == "max" else _upside_down(last)
    figure = blank(1.12 * len(scales) + 2.2, 3.9)
    panel = figure.subplots()
    _draw_lines(panel, list(scales.values()), last, scores)
    for at, (name, each) in enumerate(scales.items()):
        _draw_axis(panel, at, short(name.replace("_", " "), 15), each)
    _draw_score_axis(panel, len(scales), short(score_name.replace("_", " "), 15), last)
    absent = any((each.places == ABSENT).any() for each in scales.values())
    panel.set(xlim=(-0.55, len(scales) + 0.55), ylim=(ABSENT - 0.13 if absent else -0.05, 1.16))
    panel.axis("off")
    title = f"{len(scores.exact)} trials, best {score_name.replace('_', ' ')} {scores.exact[scores.best]:.4g}"
    hidden = f"{len(scales)} of {len(values)} hyperparameters" if len(scales) < len(values) else ""
    head(panel, title, "; ".join(filter(None, (hidden, scores.note))))
    return figure


def _draw_lines(panel: Axes, scales: Sequence[Scale], last: Scale, scores: Scores) -> None:
    """The worst first, so that the best lie on top."""
    from matplotlib.collections import LineCollection

    order = np.lexsort((np.arange(len(scores.exact)) == scores.best, scores.sign * scores.exact))
    spread = np.empty(len(order))
    spread[order] = BUNDLE * (np.arange(len(order)) / max(1, len(order) - 1) - 0.5)
    places = np.stack([*(each.places + spread * each.steps for each in scales), last.places])[:, order]
    colours = [*_shades()(last.places[order[:-1]]), ORANGE]
    widths = [*(0.8 + last.places[order[:-1]] ** 2), 2.6]
    curves = [np.column_stack(_bent(heights)) for heights in places.T]
    panel.add_collection(LineCollection(curves, colors=colours, linewidths=widths, capstyle="round"))


def _bent(heights: np.ndarray, points: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """A curve through the heights at 0, 1, 2, ..., level where it crosses an axis, so that the eye can follow it."""
    way = np.linspace(0, len(heights) - 1, points * (len(heights) - 1) + 1)
    left = np.minimum(way.astype(int), len(heights) - 2)
    share = way - left
    return way, heights[left] + (heights[left + 1] - heights[left]) * share**2 * (3 - 2 * share)


def _draw_axis(panel: Axes, at: int, name: str, each: Scale) -> None:
    panel.plot((at, at), (-BUNDLE / 2, 1 + BUNDLE / 2), color=INK, linewidth=0.9, zorder=3)
    panel.text(at, 1.07, name, ha="center", va="bottom", weight="bold", fontsize=8.5)
    for place, label in each.ticks:
        if place == ABSENT:
            panel.text(at, ABSENT - 0.05, "inactive", ha="center", va="top", fontsize=8, color=MUTED)
        else:
            panel.plot((at - 0.03, at), (place, place), color=INK, linewidth=0.9, zorder=3)
            _write(panel, at - 0.06, place, short(label, 11), "right")


def _draw_score_axis(panel: Axes, at: int, name: str, last: Scale) -> None:
    """The axis is a strip of the lines' colours."""
    panel.imshow(
        np.linspace(0, 1, 256)[:, None],
        cmap=_shades(),
        extent=(at, at + 0.07, 0, 1),
        origin="lower",
        aspect="auto",
        zorder=3,
    )
    panel.text(at, 1.07, name, ha="center", va="bottom", weight="bold", fontsize=8.5)
    for place, label in last.ticks:
        panel.plot((at + 0.07, at + 0.1), (place, place), color=INK, linewidth=0.9)
        _write(panel, at + 0.13, place, label, "left")


def _write(panel: Axes, x: float, y: float, text: str, side: str) -> None:
    """Text with a white edge, which stays legible above lines."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.5, foreground="white")]
    panel.text(x, y, text, ha=side, va="center", fontsize=8, path_effects=halo, zorder=4)


def _upside_down(each: Scale) -> Scale:
    return replace(each, places=1 - each.places, ticks=[(1 - place, label) for place, label in each.ticks])


def _shades() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("scores", SHADES)
