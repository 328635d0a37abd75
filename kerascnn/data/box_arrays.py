"""Arrays in memory whose targets are boxes: `(x, boxes)`, or two or three such pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kerascnn import checks
from kerascnn.data.annotated import Objects, check_counts, targets_of
from kerascnn.data.array_checks import check_images
from kerascnn.data.arrays import NAMES, check_shapes, pairs_of
from kerascnn.data.boxes import ABSENT, count_objects, counting
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.images import fit
from kerascnn.data.options import Options
from kerascnn.data.sources import Pairs
from kerascnn.data.splits import carve

FORMS = (
    "Pass an array (objects, 5) for each image, its box and its class; one array (images, objects, 5) with class -1 "
    'where there is none; or a dict of "boxes" and "labels".'
)


def from_box_arrays(data, options: Options, name: str = "arrays") -> Data:
    """A `Data` of `(x, boxes)` pairs, the boxes in `options.box_format`; validation is split off where there is one.

    Raises ValueError for boxes that do not fit the images, and as `annotated.targets_of`, by the numbers of images and
    objects, images counted from 0 and objects from 1; and for a class without a training object.
    """
    report = {"warnings": [], "skipped": [], "in_memory": True}
    report["resize"] = options.resize if options.image_size else None
    arrays = {}
    for split, (x, y) in zip(SPLITS, pairs_of(data), strict=False):
        images = check_images(NAMES[split][0], x, options.replace(image_size=None), report)
        arrays[split] = images, objects_of(NAMES[split][1], y, images, options.box_format)
    if not options.image_size:
        check_shapes(arrays)
    names = _class_names(arrays["train"][1], options)
    fitted = _fitted(arrays, names, options, report)
    report["bytes"] = sum(each.nbytes for pair in fitted.values() for each in pair)
    sources = {split: Pairs(*pair, count_objects(pair[1], len(names))) for split, pair in fitted.items()}
    sources = carve(sources, options, report)
    check_counts({split: source.counts for split, source in sources.items()}, names, report)
    return from_sources(sources, names, name=name, report=report, targets=options.targets)


def objects_of(name: str, y, images: np.ndarray, box_format: str) -> list[Objects]:
    """The objects that `y` gives each of `images`, in pixels; raises ValueError if it does not fit them."""
    from kerascnn.boxes import convert

    if images.ndim != 4:
        raise ValueError(checks.message("x", "be images (n, height, width, channels) for boxes", images.shape))
    rows = [_row(f"{name}[{i}]", each) for i, each in enumerate(_each(name, y))]
    checks.same_length("x", images, name, rows)
    found = []
    for i, row in enumerate(rows):
        row = row[row[:, 4] != ABSENT]
        classes, apart = counting(row[:, 4]), row[:, 4] < ABSENT
        if (classes != np.rint(classes)).any():
            raise ValueError(checks.message(f"classes of {name}[{i}]", "be whole numbers", classes.tolist()[:20]))
        boxes = convert(row[:, :4], box_format, "xyxy", images.shape[1:3])
        found.append(Objects(f"{name}[{i}]", boxes, tuple(classes.astype(int).tolist()), apart))
    return found


def _each(name, y) -> list:
    """What `y` says of each image: rows of five, or a dict of "boxes" and "labels"."""
    if not isinstance(y, Mapping):
        return list(y)
    if set(y) != {"boxes", "labels"}:
        raise ValueError(checks.message(f"keys of {name}", 'be "boxes" and "labels"', sorted(y), FORMS))
    checks.same_length('boxes"', y["boxes"], 'labels"', y["labels"])
    return [{"boxes": boxes, "labels": labels} for boxes, labels in zip(y["boxes"], y["labels"], strict=True)]


def _row(name, each) -> np.ndarray:
    """The boxes and classes of one image, `(m, 5)`."""
    try:
        if isinstance(each, Mapping):
            boxes, labels = (np.asarray(each[key], np.float64) for key in ("boxes", "labels"))
            row = np.concatenate([boxes.reshape(-1, 4), labels.reshape(-1, 1)], axis=1)
        else:
            row = np.asarray(each, np.float64)
            row = row.reshape(-1, 5) if row.size == 0 or row.shape == (5,) else row
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(checks.message(name, "be boxes and classes", str(error), FORMS)) from error
    if row.ndim != 2 or row.shape[1] != 5:
        raise ValueError(checks.message(f"{name}.shape", "be (objects, 5)", row.shape, FORMS))
    return row


def _class_names(training, options) -> tuple[str, ...]:
    if options.class_names:
        return tuple(options.class_names)
    classes = [number for each in training for number in each.classes]
    if not classes:
        raise ValueError(checks.message("y", "have at least one object", classes, FORMS))
    return tuple(map(str, range(1 + max(classes))))


def _fitted(arrays, names, options, report) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The images and targets of each split, in their size; targets have as many rows in all splits."""
    size = options.image_size or arrays["train"][0].shape[1:3]
    everything = [(each, images.shape[1:3]) for images, objects in arrays.values() for each in objects]
    targets, kept = targets_of(*zip(*everything, strict=True), size, range(len(names)), options, report)
    fitted, start = {}, 0
    for split, (images, objects) in arrays.items():
        here = (start <= kept) & (kept < start + len(objects))
        chosen = images if here.sum() == len(images) else images[kept[here] - start]
        if chosen.shape[1:3] != tuple(size):
            chosen = np.stack([fit(image, size, options.resize) for image in chosen])
        fitted[split] = chosen, targets[here]
        start += len(objects)
    return fitted
