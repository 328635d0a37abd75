"""Arrays in memory: `(x, y)`, or two or three such pairs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.images import fit, recolor
from kerascnn.data.options import Options
from kerascnn.data.sources import Arrays, Subset
from kerascnn.data.splits import stratified

PAIRS = "Pass (x, y), ((x, y), (x_val, y_val)) or ((x, y), (x_val, y_val), (x_test, y_test))."


def from_arrays(data, options: Options, name: str = "arrays") -> Data:
    """A `Data` of one pair (validation is split off, stratified), two pairs, or three with a test split."""
    pairs = _pairs(data)
    report = {"warnings": [], "in_memory": True, "resize": options.resize if options.image_size else None}
    arrays = {}
    for split, (x, y) in zip(SPLITS, pairs, strict=False):
        suffix = {"train": "", "validation": "_val", "test": "_test"}[split]
        images, labels = check_images(f"x{suffix}", x, options, report), check_labels(f"y{suffix}", y)
        checks.same_length(f"x{suffix}", images, f"y{suffix}", labels)
        arrays[split] = (images, labels)
    class_names = _class_names({split: labels for split, (_, labels) in arrays.items()}, options)
    _same_shapes(arrays)
    report["bytes"] = sum(images.nbytes for images, _ in arrays.values())
    sources = {split: Arrays(*pair) for split, pair in arrays.items()}
    sources = carve(sources, options)
    check_classes(sources["train"].labels, class_names, report)
    return from_sources(sources, class_names, name=name, report=report)


def carve(sources, options: Options):
    """`sources` with a stratified, seeded validation split taken out of the training split, if there is none."""
    if "validation" in sources:
        return sources
    kept, held = stratified(sources["train"].labels, options.validation, options.seed)
    train = sources["train"]
    if not len(held):
        raise ValueError(
            checks.message(
                "data", "have a class of two images or more to split", train.size, "Pass a validation split."
            )
        )
    return {**sources, "train": Subset(train, kept), "validation": Subset(train, held)}


def check_images(name: str, x, options: Options, report) -> np.ndarray:
    """`x` as uint8 or float32 images `(n, height, width, channels)`; raises ValueError for what cannot be used."""
    x = np.asarray(x)
    if x.ndim not in (3, 4, 5) or 0 in x.shape:
        raise ValueError(checks.message(f"{name}.shape", "be (n, height, width[, channels]), none 0", x.shape))
    if x.ndim == 3:
        x = x[..., None]
    elif options.channels == "first":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    elif x.shape[-1] > 4 and x.shape[1] in (1, 3):
        warn(f"`{name}` has shape {x.shape}: if the channels come first, pass channels='first'.", report)
    x = _numbers(name, x, report)
    if options.color_channels and x.shape[-1] in (1, 3):
        x = recolor(x, options.color_channels)
    if options.image_size and x.shape[1:3] != options.image_size:
        x = np.stack([fit(image, options.image_size, options.resize) for image in x])
    return x


def check_labels(name: str, y) -> np.ndarray:
    """`y` as int32 labels `(n,)`; raises ValueError if they are no integers from 0 up, one an image."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        mend = f"If it is one-hot, pass {name}.argmax(-1)."
        raise ValueError(checks.message(f"{name}.shape", "be (n,), one integer an image", y.shape, mend))
    if y.dtype.kind not in "iu":
        mend = f"Pass np.unique({name}, return_inverse=True)[1], or {name}.astype('int32') if it holds whole numbers."
        raise ValueError(checks.message(f"{name}.dtype", "be an integer type", str(y.dtype), mend))
    if y.size and y.min() < 0:
        raise ValueError(checks.message(f"{name}.min()", "be 0 or more", int(y.min()), "Labels count from 0."))
    return y.astype(np.int32)


def check_classes(labels, class_names: Sequence[str], report) -> None:
    """Warns of one class only, of classes without a training image, and of classes with a single one."""
    counts = np.bincount(labels, minlength=len(class_names))
    if len(class_names) == 1:
        warn(f"There is one class only, {class_names[0]!r}: a model of it says nothing.", report)
    for count, what in ((0, "no training image"), (1, "one training image only")):
        names = [class_names[i] for i in np.flatnonzero(counts == count)]
        if names:
            shown = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
            warn(f"{len(names)} of {len(class_names)} classes with {what}: {shown}. Add images or drop them.", report)


def warn(text: str, report) -> None:
    """Warns, and keeps `text` in the report."""
    report["warnings"].append(text)
    warnings.warn(text, stacklevel=3)


def _pairs(data):
    if len(data) == 2 and not all(isinstance(part, tuple | list) and len(part) == 2 for part in data):
        data = (data,)
    if not 1 <= len(data) <= 3 or any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in data):
        raise ValueError(checks.message("data", "be one to three (x, y) pairs", f"{len(data)} parts", PAIRS))
    return data


def _numbers(name, x, report):
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "iufb":
        raise ValueError(checks.message(f"{name}.dtype", "be a number type", str(x.dtype), "Pass uint8 or float32."))
    if not np.isfinite(x).all():
        bad = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))
        where = f"{len(bad)} images with NaN or infinity, the first at index {bad[0]}"
        raise ValueError(checks.message(name, "be finite", where, "Mend or drop these images."))
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 255:
        mend = "Models take pixels in 0..255 and rescale them inside."
        raise ValueError(checks.message(name, "be in 0..255", f"{low:g} to {high:g}", mend))
    if x.dtype.kind in "iu":
        return x.astype(np.uint8)
    if high <= 1:
        warn(f"`{name}` is in 0..1, and models take 0..255: pass {name} * 255.", report)
    return x.astype(np.float32)


def _class_names(labels, options: Options) -> tuple[str, ...]:
    names = options.class_names
    known = len(names) if names else int(labels["train"].max()) + 1
    for split, y in labels.items():
        if y.max() >= known:
            rule = f"be labels below {known}, the number of classes" + ("" if names else " in the training split")
            raise ValueError(checks.message(f"y of {split}", rule, int(y.max())))
    if known > max(1000, len(labels["train"])):
        mend = "Number the classes from 0 without gaps: np.unique(y, return_inverse=True)[1]."
        raise ValueError(checks.message("y", "have fewer classes than images", known, mend))
    return tuple(names) if names else tuple(map(str, range(known)))


def _same_shapes(arrays):
    shapes = {split: images.shape[1:] for split, (images, _) in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(checks.message("data", "have one image shape in all splits", shapes, "Pass image_size=."))
