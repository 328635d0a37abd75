"""Pictures of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.plots.style import BLUE, INK, MUTED, ORANGE, blank, grid, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def curves(history: Mapping[str, Sequence[float]]) -> Figure:
    """One panel a quantity of `history`, training and validation (`val_`) together, the best validated epoch marked."""
    names = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    if not names:
        raise ValueError(checks.message("history", "hold at least one quantity", dict(history)))
    figure, panels = grid(len(names), 3, 3.6, 2.7)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    for panel, name in zip(panels, names, strict=True):
        validation = history.get(f"val_{name}", ())
        _line(panel, history.get(name, ()), "training", MUTED if len(validation) else BLUE)
        _line(panel, validation, "validation", BLUE)
        panel.set(title=name.replace("_", " "), xlabel="epoch")
        panel.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        if np.isfinite(validation).any():
            _mark_best(panel, name, validation)
    if any(name.startswith("val_") for name in history):
        panels[0].legend(loc="best")
    return figure


@styled
def learning_curve(
    scores: Mapping[str, Mapping[float, Sequence[float]]],
    *,
    title: str = "",
    xlabel: str = "training images a class",
    ylabel: str = "accuracy, %",
) -> Figure:
    """What more data bring: a line a name through the mean score at each count, in a band from lowest to highest.

    `scores`: of each name, the scores of one or more trainings for each count. Counts lie on a logarithmic axis.

    Raises: ValueError where there is nothing to draw, for a count not above 0, and for one without a score.
    """
    if not scores or not all(scores.values()):
        raise ValueError(checks.message("scores", "hold a count at least for each of one or more names", dict(scores)))
    figure = blank(5.2, 3.4)
    panel = figure.subplots()
    for number, (name, found) in enumerate(scores.items()):
        counts = sorted(found)
        _check_counts(name, found)
        colour = (BLUE, ORANGE, INK, MUTED)[number % 4]
        panel.plot(counts, [np.mean(found[count]) for count in counts], "o-", color=colour, markersize=4, label=name)
        low, high = ([bound(found[count]) for count in counts] for bound in (np.min, np.max))
        panel.fill_between(counts, low, high, color=colour, alpha=0.18, linewidth=0)
    ticks = sorted({count for found in scores.values() for count in found})
    panel.set(xscale="log", title=title, xlabel=xlabel, ylabel=ylabel)
    panel.set_xticks(ticks, [f"{count:,g}" for count in ticks], minor=False)
    panel.set_xticks([], minor=True)
    panel.legend(loc="best")
    return figure


@styled
def learning_rate(rates: Sequence[float], losses: Sequence[float], suggestion: float) -> Figure:
    """The losses of a learning-rate search against the rates, on a logarithmic axis, with the rate that it suggests."""
    figure = blank(5.2, 3.2)
    panel = figure.subplots()
    panel.plot(rates, losses, color=BLUE)
    panel.axvline(suggestion, color=ORANGE, linewidth=1.2)
    finite = np.asarray(losses)[np.isfinite(losses)]
    if len(finite):
        start = np.median(finite[: max(1, len(finite) // 10)])
        reach = max(start - finite.min(), 1e-6)
        panel.set_ylim(finite.min() - 0.1 * reach, start + reach)  # what diverges leaves the picture
    panel.set(xscale="log", xlabel="learning rate", ylabel="loss", title="learning-rate search")
    panel.set_title(f"suggested {suggestion:.2g}", loc="right", color=ORANGE, fontsize=9)
    return figure


def _check_counts(name: str, found: Mapping[float, Sequence[float]]) -> None:
    for count, values in found.items():
        if count <= 0 or not len(values):
            rule = "have counts above 0, each with one score or more"
            raise ValueError(checks.message(f"scores[{name!r}]", rule, {count: values}))


def _line(panel: Axes, values: Sequence[float], label: str, colour: str) -> None:
    if len(values):
        marker = "." if len(values) == 1 else ""  # a line of one epoch cannot be seen
        panel.plot(range(1, len(values) + 1), values, color=colour, label=label, marker=marker)


def _mark_best(panel: Axes, name: str, values: Sequence[float]) -> None:
    best = int(np.nanargmin(values) if "loss" in name else np.nanargmax(values))
    panel.plot(best + 1, values[best], "o", color=BLUE, markersize=5)
    panel.set_title(f"best {values[best]:.4g} in epoch {best + 1}", loc="right", color=BLUE, fontsize=8)
