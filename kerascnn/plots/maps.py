"""Pictures of what networks say of each pixel: masks, restored images, and the overlap with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics import psnr
from kerascnn.plots.images import show
from kerascnn.plots.painting import WHITE, WRONG, legend, mask_colours, painted, present
from kerascnn.plots.style import BLUE, INK, ORANGE, blank, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 1.7  # of an image, in inches


@styled
def segmentation(
    images: Sequence[np.ndarray],
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    class_names: Sequence[str],
    *,
    ignore: int = 255,
) -> Figure:
    """A row an image: the image, the true mask, the predicted one, and red where they differ, with the share of that.

    Of masks with several labels a pixel has the mean of their colours, and pale grey where there is none.

    Args:
        images: `(n, height, width, channels)` in 0..255, or a list of images of several sizes.
        truths: masks `(n, height, width)` of classes, or `(n, height, width, classes)` of 0 and 1.
        predictions: masks, or probabilities `(n, height, width, classes)`, of which the largest counts, or with several
            labels each from 0.5.
        class_names: one a class.
        ignore: the value of pixels that do not count; they are white.
    """
    _check_rows(images=images, truths=truths, predictions=predictions)
    several = np.ndim(truths[0]) == 3
    palette = mask_colours(len(class_names) + several)[int(several) :]
    figure, panels = _rows(images, ("image", "truth", "prediction", "errors"))
    seen, ignored = np.zeros(len(class_names), bool), False
    for row, (image, truth, prediction) in enumerate(zip(images, map(np.asarray, truths), predictions, strict=True)):
        answer = _answer(prediction, several)
        counted = truth != ignore
        wrong = (truth != answer) & counted
        pale = 255 - 0.45 * (255 - np.mean(image, axis=-1, keepdims=True).repeat(3, axis=-1))
        pale[wrong.any(axis=-1) if several else wrong] = WRONG
        for panel, mask in zip(panels[row, 1:], (truth, answer), strict=False):
            show(panel, painted(mask, palette, ignore))
            seen |= present(mask, len(class_names))
        show(panels[row, 0], image)
        show(panels[row, 3], pale)
        panels[row, 3].set_xlabel(f"{wrong.sum() / max(counted.sum(), 1):.1%} wrong", loc="left", fontsize=8.5)
        ignored |= not counted.all()
    entries = [(class_names[i], palette[i]) for i in np.flatnonzero(seen)] + [("ignored", WHITE)] * ignored
    legend(figure, [*entries, ("wrong", WRONG)])
    return figure


@styled
def restoration(inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> Figure:
    """A row an image: input, output, target, and by how much the output is lighter or darker than the target.

    All are `(n, height, width, channels)` in 0..255, or lists of images of several sizes; what is outside of 0..255 is
    drawn clipped. The PSNR of inputs of the target's shape and of outputs stands below them, of values as they are.
    """
    _check_rows(inputs=inputs, outputs=outputs, targets=targets)
    differences = [np.subtract(a, b, dtype=np.float32) for a, b in zip(outputs, targets, strict=True)]
    most = max(1, int(np.ceil(max(np.percentile(np.abs(each), 99.5) for each in differences))))
    figure, panels = _rows(targets, ("input", "output", "target", f"difference, ±{most} levels"))
    for row, (*images, difference) in zip(panels, zip(inputs, outputs, targets, differences, strict=True), strict=True):
        for panel, image in zip(row, (*images, 127.5 + 127.5 * difference / most), strict=True):
            show(panel, image)
        for panel, image in zip(row[:2], images, strict=False):
            if np.shape(image) == np.shape(images[2]):
                own = psnr(np.asarray(image)[None], np.asarray(images[2])[None])
                panel.set_xlabel(f"{float(np.squeeze(own)):.1f} dB", loc="left", fontsize=8.5)
    return figure


@styled
def iou_bars(per_class: Sequence[Mapping[str, Any]]) -> Figure:
    """A bar a class: `per_class` has dicts with "class" and "iou" in 0..1, the worst on top, 40 at most.

    Classes whose IoU is None or not a number are left out of the bars and of the mean.
    """
    known = [row for row in per_class if row["iou"] is not None and np.isfinite(row["iou"])]
    if not known:
        raise ValueError(checks.message("per_class", "have at least one class with an IoU", list(per_class)))
    rows = sorted(known, key=lambda row: row["iou"])[:40][::-1]
    values, mean = [row["iou"] for row in rows], float(np.mean([row["iou"] for row in known]))
    figure = blank(5.4, 0.24 * len(rows) + 1.0)
    panel = figure.subplots()
    panel.barh(range(len(rows)), values, 0.7, color=BLUE)
    for place, value in enumerate(values):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        panel.text(value + 0.01, place, f"{value:.3f}", va="center", fontsize=8, color=INK, bbox=box)
    panel.axvline(mean, color=ORANGE, linewidth=1.2, linestyle="--")
    panel.set_yticks(range(len(rows)), [short(row["class"]) for row in rows])
    panel.set(xlim=(0, 1.1), xticks=np.linspace(0, 1, 6), ylim=(-0.6, len(rows) - 0.4))
    panel.grid(False, axis="y")
    which = f"the {len(rows)} worst of {len(known)} classes" if len(rows) < len(known) else f"{len(known)} classes"
    panel.set_title(f"mean IoU {mean:.3f}, {which}")
    return figure


def _check_rows(**columns: Sequence) -> None:
    (name, first), *others = columns.items()
    if not len(first):
        raise ValueError(checks.message(name, "hold at least one image", first))
    for other_name, other in others:
        checks.same_length(name, first, other_name, other)


def _rows(images: Sequence[np.ndarray], titles: Sequence[str]) -> tuple[Figure, np.ndarray]:
    """A figure with a row of panels an image, `(n, columns)`, under the titles."""
    height, width = np.max([np.shape(image)[:2] for image in images], axis=0)
    figure, panels = grid(len(images) * len(titles), len(titles), WIDTH, WIDTH * height / width + 0.25)
    for panel, title in zip(panels, titles, strict=False):
        panel.set_title(title, fontsize=9, pad=4)
    return figure, np.reshape(panels, (len(images), len(titles)))


def _answer(prediction: np.ndarray, several: bool) -> np.ndarray:
    prediction = np.asarray(prediction)
    if several:
        return prediction >= 0.5
    return prediction.argmax(axis=-1) if prediction.ndim == 3 else prediction
