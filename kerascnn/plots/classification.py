"""Pictures of how good a classifier is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics import most_confused
from kerascnn.plots.style import BLUE, INK, MUTED, ORANGE, blank, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WRITTEN = 20
"""Up to so many classes the confusion matrix has its counts written in."""


@styled
def confusion(matrix: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The confusion matrix (rows: true class) in shares of each row, darker than in proportion so that mistakes show.

    Up to 20 classes the counts stand in it; above, the commonest mistakes are listed beside it.
    """
    matrix, classes = np.asarray(matrix), len(class_names)
    if matrix.shape != (classes, classes):
        raise ValueError(checks.message("matrix", f"be of shape ({classes}, {classes})", matrix.shape))
    many = classes > WRITTEN
    side = float(np.clip(0.42 * classes + 2, 3.6, 8))
    figure = blank(side + 3.2 * many, side)
    panel, *aside = figure.subplots(1, 1 + many, squeeze=False, width_ratios=(side, 3.2)[: 1 + many])[0]
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    right, total = int(np.trace(matrix)), int(matrix.sum())
    panel.imshow(
        np.sqrt(_folded(share)), cmap="Blues", vmin=0, vmax=1, extent=(-0.5, classes - 0.5, classes - 0.5, -0.5)
    )
    panel.set(xlabel="predicted", ylabel="true", title=f"{right:,} of {total:,} right, {right / max(total, 1):.2%}")
    _name_classes(panel, class_names)
    if many:
        _list_mistakes(aside[0], matrix, class_names)
    else:
        _write_counts(panel, matrix, share)
    return figure


@styled
def calibration(bins: Sequence[Mapping[str, float]], ece: float) -> Figure:
    """The reliability diagram of `metrics.calibration`: accuracy against confidence, and how often each occurs."""
    figure = blank(4.6, 5.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    keys = ("low", "high", "count", "confidence", "accuracy")
    low, high, count, confidence, accuracy = (np.array([each[key] for each in bins]) for key in keys)
    middle, width, full = (low + high) / 2, (high - low) * 0.92, count > 0
    upper.bar(middle, np.where(full, accuracy, 0), width, color=BLUE, alpha=0.85)
    upper.plot((0, 1), (0, 1), color=MUTED, linewidth=1, linestyle="--", label="perfect")
    upper.plot(confidence[full], accuracy[full], "o", color=ORANGE, markersize=4, label="mean of a bin")
    upper.set(ylabel="accuracy", ylim=(0, 1), xlim=(0, 1), title=f"calibration: expected error {ece:.2%}")
    upper.legend(loc="upper left")
    lower.bar(middle, count / max(count.sum(), 1), width, color=MUTED)
    lower.set(xlabel="confidence", ylabel="share")
    return figure


@styled
def per_class(report: Sequence[Mapping[str, Any]]) -> Figure:
    """Precision and recall of each class of `metrics.classification(...)["per_class"]`, worst on top, 40 at most."""
    rows = sorted(report, key=lambda row: row["f1"])[:40][::-1]
    figure = blank(6, 0.24 * len(rows) + 1.2)
    panel = figure.subplots()
    places = range(len(rows))
    for key, colour, marker in (("precision", ORANGE, "D"), ("recall", BLUE, "o")):
        panel.plot([row[key] for row in rows], places, marker, color=colour, markersize=5, label=key, clip_on=False)
    ends = np.array([(row["precision"], row["recall"]) for row in rows])
    panel.hlines(places, *ends.T, color=MUTED, linewidth=1.2, zorder=1.5)
    panel.set_yticks(places, [f"{short(row['class'])}  ({row['support']:,})" for row in rows])
    panel.set(ylim=(-0.6, len(rows) - 0.4), xlim=(max(0, ends.min() - 0.05 * (1.02 - ends.min())), 1))
    panel.set_title(
        "classes (examples)" if len(rows) == len(report) else f"the {len(rows)} worst of {len(report):,} classes"
    )
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _folded(share: np.ndarray, most: int = 200) -> np.ndarray:
    """`share` with square blocks of cells put down to their largest, as a cell of less than a pixel would be lost."""
    block = math.ceil(len(share) / most)
    padded = np.pad(share, (0, -len(share) % block))
    return padded.reshape(len(padded) // block, block, -1, block).max(axis=(1, 3))


def _name_classes(panel: Axes, class_names: Sequence[str]) -> None:
    classes = len(class_names)
    ticks, size = range(0, classes, math.ceil(classes / 60)), float(np.clip(300 / classes, 5, 9))
    names = [short(class_names[i], 16) for i in ticks]
    panel.set_xticks(ticks, names, rotation=90 if classes > 5 else 0, fontsize=size)
    panel.set_yticks(ticks, names, fontsize=size)
    panel.grid(False)


def _write_counts(panel: Axes, matrix: np.ndarray, share: np.ndarray) -> None:
    for i, j in zip(*np.nonzero(matrix), strict=True):
        colour = "white" if share[i, j] > 0.3 else INK
        panel.text(j, i, f"{matrix[i, j]}", ha="center", va="center", color=colour, fontsize=8)


def _list_mistakes(panel: Axes, matrix: np.ndarray, class_names: Sequence[str]) -> None:
    panel.axis("off")
    panel.set_title("most confused: true, taken for")
    for line, (true, predicted, count) in enumerate(most_confused(matrix, 25)):
        place = {"y": 0.98 - line * 0.039, "transform": panel.transAxes, "va": "top"}
        panel.text(x=0.09, s=f"{count}", ha="right", color=ORANGE, **place)
        panel.text(x=0.13, s=f"{short(class_names[true], 18)}, {short(class_names[predicted], 18)}", **place)
