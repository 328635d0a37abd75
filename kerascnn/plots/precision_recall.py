"""Pictures of how good a detector is over all scores, and a localizer over all overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.painting import hexadecimal, mask_colours
from kerascnn.plots.style import BLUE, INK, MUTED, ORANGE, blank, short, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURED = 12  # classes that have a colour and a line in the legend; the worst where there are more


@styled
def precision_recall(curves: Mapping[str, Sequence[float]], per_class: Sequence[Mapping[str, Any]]) -> Figure:
    """Precision against recall at IoU 0.5, a line a class, the worst first in the legend with its average precision.

    Args:
        curves: of each class the precision at recalls spaced evenly from 0 to 1.
        per_class: dicts with "class" and "ap50" in 0..1, None for a class without objects, which is left out.

    Raises: ValueError where no class has objects, and for a class without a curve.
    """
    rows = _by_precision(curves, per_class)
    figure = blank(6.4, 4.0)
    panel = figure.subplots()
    colours = [hexadecimal(colour) for colour in mask_colours(COLOURED + 1)[1:]]
    for place, row in reversed(list(enumerate(rows))):
        precision = np.asarray(curves[row["class"]], float)
        shown = place < COLOURED
        style = {"color": colours[place], "label": f"{short(row['class'])} {row['ap50']:.3f}"} if shown else {}
        panel.plot(np.linspace(0, 1, len(precision)), precision, **({"color": MUTED, "linewidth": 0.8} | style))
    mean = np.mean([row["ap50"] for row in rows])
    panel.set(xlabel="recall", ylabel="precision", xlim=(0, 1.005), ylim=(0, 1.02))
    panel.set_title(f"mean average precision {mean:.3f} at IoU 0.5")
    handles, labels = panel.get_legend_handles_labels()
    title = f"the {COLOURED} worst of {len(rows)}" if len(rows) > COLOURED else None
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper", title=title, fontsize=8.5)
    return figure


@styled
def iou_histogram(ious: Sequence[float], right: Sequence[bool]) -> Figure:
    """How often each IoU of predicted and true box occurs; orange where the class is wrong.

    `ious` `(n,)` are in 0..1, `right` `(n,)` says whose class is right.
    """
    checks.same_length("ious", ious, "right", right)
    if not len(ious):
        raise ValueError(checks.message("ious", "hold at least one", ious))
    ious, right = np.asarray(ious, float), np.asarray(right, bool)
    figure = blank(5.2, 3.2)
    panel = figure.subplots()
    parts = {"class right": (ious[right], BLUE), "class wrong": (ious[~right], ORANGE)}
    values, colours = zip(*parts.values(), strict=True)
    panel.hist(values, np.linspace(0, 1, 41), stacked=True, color=colours, label=list(parts), rwidth=0.92)
    panel.axvline(ious.mean(), color=INK, linewidth=1.2, linestyle="--")
    panel.set(xlabel="IoU", ylabel="images", xlim=(0, 1), title=f"mean IoU {ious.mean():.3f}")
    panel.grid(False, axis="x")
    panel.legend(loc="upper left")
    return figure


def _by_precision(curves: Mapping, per_class: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The classes that have objects, the worst first."""
    known = [row for row in per_class if row["ap50"] is not None and np.isfinite(row["ap50"])]
    if not known:
        raise ValueError(checks.message("per_class", "have at least one class with objects", list(per_class)))
    missing = [row["class"] for row in known if row["class"] not in curves]
    if missing:
        mend = f"Those of {missing} are missing."
        raise ValueError(checks.message("curves", "have one for each class with objects", list(curves), mend))
    return sorted(known, key=lambda row: row["ap50"])
