"""What a pipeline makes of images: a grid of images and their variations, with what is known of them drawn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.images import show
from kerascnn.plots.style import BLUE, INK, MUTED, ORANGE, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (ORANGE, BLUE, "#3a923a", "#8e5ea2", "#c2a83e", "#17a2a8", "#d6619c", "#7a5c43")
"""Of classes in boxes and masks, in turn."""
WIDTH = 1.4  # of an image, in inches
NAMES = {"labels": "labels", "masks": "segmentation_masks", "images": "target_images"}  # of targets, in a pipeline
BOXES = ("boxes", "box")  # targets of `Data` that hold boxes and their classes in one


@styled
def augmentations(
    data: Any,
    pipeline: Any,
    *,
    rows: int = 4,
    variations: int = 6,
    seed: int = 0,
    class_names: Sequence[str] = (),
    background: int | None = 0,
) -> Figure:
    """The first `rows` images, each at the left of a row of `variations` that `pipeline` makes of it.

    Masks lie over the image in the colours of their classes, boxes and key points are drawn on it, and labels stand
    above it, mixed ones with their shares.

    Args:
        data: a `kerascnn.data.Data`, images `(n, height, width, channels)` in 0..255, or a batch: a dict with "images"
            and any of "labels", "segmentation_masks", "bounding_boxes", "keypoints".
        pipeline: a `kerascnn.augmentation.Pipeline`.
        rows: number of images.
        variations: number of variations of each, as in so many epochs.
        seed: of the pipeline's draws.
        class_names: the names of the labels; those of a `Data` are known.
        background: the class of a mask that is left clear; None colours all.
    """
    checks.positive_int("rows", rows)
    columns = checks.positive_int("variations", variations) + 1
    class_names = class_names or getattr(data, "class_names", ())
    batch = _first(data, rows + pipeline.others)
    indices = np.arange(len(batch["images"]))
    count = min(rows, len(indices))
    made = [batch, *(pipeline.apply(batch, indices, epoch, seed) for epoch in range(variations))]
    height, width = batch["images"].shape[1:3]
    figure, panels = grid(count * columns, columns, WIDTH, WIDTH * height / width + 0.22 * ("labels" in batch))
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        _draw(panel, _taken(made[column], row), class_names, background)
        if column == 0:
            panel.spines[:].set(visible=True, color=INK, linewidth=1.2)
    return figure


def _first(data, count: int) -> dict[str, Any]:
    """A batch of the first `count` examples."""
    if isinstance(data, Mapping):
        return _taken(data, slice(count))
    if not hasattr(data, "class_names"):
        return {"images": np.asarray(data)[:count]}
    if "train" in data.sources:
        images, targets = map(np.asarray, data.sources["train"].fetch(np.arange(min(count, data.train_size))))
    else:
        images, targets = zip(*data.train.take(count).as_numpy_iterator(), strict=True)
        images, targets = np.stack(images), _stacked(targets)
    return {"images": images, **_named(targets, getattr(data, "targets", "labels"))}


def _named(targets, kind: str) -> dict[str, Any]:
    """Targets of a batch under the name that a pipeline has for them."""
    if isinstance(targets, dict):
        return targets
    if kind in BOXES:
        rows = targets if kind == "boxes" else targets[:, None]
        return {"bounding_boxes": {"boxes": rows[..., :4], "labels": rows[..., 4].astype(np.int32)}}
    return {NAMES[kind]: targets}


def _stacked(targets):
    """Targets of single examples as those of a batch."""
    if isinstance(targets[0], Mapping):
        return {key: _stacked([target[key] for target in targets]) for key in targets[0]}
    return np.stack(targets)


def _taken(batch, indices):
    """The examples of a batch (nested dicts of arrays) at `indices`."""
    if isinstance(batch, Mapping):
        return {key: _taken(value, indices) for key, value in batch.items()}
    return np.asarray(batch)[indices]


def _draw(panel: Axes, example: Mapping[str, Any], class_names: Sequence[str], background: int | None) -> None:
    """One image with its targets."""
    show(panel, example["images"])
    height, width = example["images"].shape[:2]
    panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    if "segmentation_masks" in example:
        panel.imshow(_painted(example["segmentation_masks"], background), interpolation="nearest")
    if "bounding_boxes" in example:
        _draw_boxes(panel, example["bounding_boxes"], class_names)
    if "keypoints" in example:
        points = np.asarray(example["keypoints"], float)
        points = points[(points > -1).all(axis=-1)]
        panel.plot(*points.T, "o", color=ORANGE, markersize=3.5, markeredgecolor="white", markeredgewidth=0.6)
    if "labels" in example:
        panel.set_title(_words(example["labels"], class_names), fontsize=7, pad=3)


def _painted(mask: np.ndarray, background: int | None) -> np.ndarray:
    """A mask `(height, width)`, or its first channel, as RGBA in 0..255; values outside 0..254 are grey."""
    from matplotlib.colors import to_rgb

    mask = (mask if mask.ndim == 2 else mask[..., 0]).astype(int)
    colours = np.array([to_rgb(colour) for colour in (*COLOURS, MUTED)])
    ignored = (mask < 0) | (mask >= 255)
    painted = np.where(ignored, len(COLOURS), (mask - 1) % len(COLOURS))
    opacity = np.where(mask == background, 0.0, 0.5)
    return (np.dstack([colours[painted], opacity]) * 255).astype(np.uint8)


def _draw_boxes(panel: Axes, boxes: Mapping[str, Any], class_names: Sequence[str]) -> None:
    """Boxes `(x0, y0, x1, y1)` in edges of pixels, without those of label -1."""
    for (left, top, right, bottom), label in zip(boxes["boxes"], np.asarray(boxes["labels"]).tolist(), strict=True):
        if label < 0:
            continue
        colour = COLOURS[label % len(COLOURS)]
        x, y = np.array([left, right, right, left, left]) - 0.5, np.array([top, top, bottom, bottom, top]) - 0.5
        panel.plot(x, y, color=colour, linewidth=1.4, solid_joinstyle="miter")
        if label < len(class_names):
            place = {"xytext": (1.5, -1.5), "textcoords": "offset points", "va": "top", "annotation_clip": True}
            panel.annotate(short(class_names[label], 10), (x[0], y[0]), color=colour, fontsize=6.5, **place)


def _words(label, class_names: Sequence[str]) -> str:
    """A label's name, or the names in a mixture with their shares, greatest first."""
    label = np.asarray(label)
    names = class_names or range(max(int(label.max()) + 1, label.size))
    if label.ndim == 0:
        return short(names[int(label)], 15)
    parts = [int(k) for k in np.argsort(-label, kind="stable")[:2] if label[k] > 0]
    if len(parts) == 1:
        return short(names[parts[0]], 15)
    return ", ".join(f"{short(names[k], 8)} {label[k]:.0%}" for k in parts)
