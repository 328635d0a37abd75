"""Pictures of how well a distance tells pairs of one class from others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.plots.style import BLUE, INK, ORANGE, blank, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kerascnn.metrics import Verification

BINS = 60


@styled
def distance_histogram(distances: Sequence[float], same: Sequence[bool], tau: float | None = None) -> Figure:
    """How often each distance occurs among pairs of the same class and of different ones, and the threshold `tau`.

    `distances` `(n,)` are of pairs, `same` `(n,)` says which are of one class; each kind sums to 100 %.
    Raises: ValueError for no pair, and for lengths that differ.
    """
    checks.same_length("distances", distances, "same", same)
    if not len(distances):
        raise ValueError(checks.message("distances", "hold at least one", distances))
    distances, same = np.asarray(distances, float), np.asarray(same, bool)
    edges = np.linspace(min(distances.min(), 0), distances.max() or 1, BINS + 1)
    figure = blank(5.6, 3.3)
    panel = figure.subplots()
    for name, part, colour in (("different", ~same, ORANGE), ("same", same, BLUE)):
        weights = np.full(part.sum(), 100 / max(part.sum(), 1))
        options = {"weights": weights, "color": colour, "histtype": "stepfilled"}
        panel.hist(distances[part], edges, alpha=0.55, label=f"{name} class, {part.sum():,} pairs", **options)
    if tau is not None:
        panel.axvline(tau, color=INK, linewidth=1.2, linestyle="--", label=f"tau {tau:.3g}")
        accepted = distances <= tau
        wrong = f"{_share(accepted[~same])} of different pairs within tau, {_share(~accepted[same])} of same ones not"
        panel.set_title(wrong)
    panel.set(xlabel="distance", ylabel="pairs, %", xlim=(edges[0], edges[-1]))
    panel.grid(False, axis="x")
    panel.margins(y=0.38)  # room for the legend
    panel.legend(loc="upper right")
    return figure


@styled
def roc(found: Verification, tau: float | None = None) -> Figure:
    """The share of same pairs that are accepted against that of different pairs, on a logarithmic axis.

    `found` is what `metrics.verification` returns. Marked are the equal error rate and the point of `tau`.
    """
    figure = blank(4.6, 3.6)
    panel = figure.subplots()
    least = max(found.fpr[found.fpr > 0].min(), 1e-6)
    panel.plot(np.maximum(found.fpr, least), found.tpr, color=BLUE, drawstyle="steps-post")
    equal = f"equal error rate {found.eer:.2%}"
    panel.plot(max(found.eer, least), 1 - found.eer, "o", color=INK, markersize=5, label=equal)
    if tau is not None:
        place = int(np.searchsorted(found.thresholds, tau, side="right")) - 1
        at = max(found.fpr[place], least), found.tpr[place]
        panel.plot(*at, "D", color=ORANGE, markersize=5.5, label=f"tau {tau:.3g}")
    panel.set(xscale="log", xlabel="different pairs accepted", ylabel="same pairs accepted")
    panel.set(xlim=(least, 1), ylim=(0, 1.02), title=f"area under the curve {found.auc:.4f}")
    panel.legend(loc="lower right")
    return figure


def _share(which: np.ndarray) -> str:
    return f"{which.mean():.1%}" if which.size else "none"
