"""Arrays in memory whose targets are masks or images: `(x, masks)`, `(x, y)`, `x` alone, or two or three such pairs."""

from __future__ import annotations

import numpy as np

from kerascnn import checks
from kerascnn.data.array_checks import check_images
from kerascnn.data.arrays import NAMES, check_shapes, pairs_of
from kerascnn.data.coding import check_pixels_of, coding, names_of, pixels_of, presence, present_in
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.images import fit
from kerascnn.data.masks import LEVELS, fit_mask, look
from kerascnn.data.options import Options
from kerascnn.data.sources import Pairs
from kerascnn.data.splits import carve


def from_mask_arrays(data, options: Options, name: str = "arrays") -> Data:
    """A `Data` of `(x, masks)` pairs, the masks `(n, height, width)`, or `(n, height, width, classes)` for multi-label.

    Validation is split off where there is one pair. Raises ValueError for masks that do not fit the images, for values
    that are no class, and for a class without a training pixel.
    """
    report = _report(options)
    arrays = {}
    for split, (x, y) in zip(SPLITS, pairs_of(data), strict=False):
        images = check_images(NAMES[split][0], x, options.replace(image_size=None), report)
        _check_sizable(images, options)
        arrays[split] = images, check_masks(NAMES[split][1], y, images)
    looks = {split: _looks(NAMES[split][1], *pair) for split, pair in arrays.items()}
    table, names, multi_label = _classes(arrays, looks, options, report)
    fitted, sources = {}, {}
    for split, (images, masks) in arrays.items():
        pixels = pixels_of([each for _, each in looks[split]], table, 2 if multi_label else len(names))
        pixels = pixels[:, 1].reshape(len(masks), -1) if multi_label else pixels
        fitted[split] = _fitted(images, fit, options), _fitted(table[masks], fit_mask, options)
        sources[split] = Pairs(*fitted[split], pixels)
    sources = carve(sources, options, _sized(report, fitted))
    check_pixels_of({split: source.counts for split, source in sources.items()}, names, report, multi_label=multi_label)
    return from_sources(sources, names, name=name, report=report, targets="masks")


def from_image_arrays(data, options: Options, name: str = "arrays") -> Data:
    """A `Data` of `(x, y)` pairs of images, or of `x` alone, whose images are their own targets."""
    report = _report(options) | {"own_targets": isinstance(data, np.ndarray)}
    arrays = {}
    for split, (x, y) in zip(SPLITS, ((data, data),) if isinstance(data, np.ndarray) else pairs_of(data), strict=False):
        plain = options.replace(image_size=None)
        images = check_images(NAMES[split][0], x, plain, report)
        others = images if y is x else check_images(NAMES[split][1], y, plain, report)
        _check_sizable(images, options)
        _check_alike(NAMES[split], images, others)
        fitted = _fitted(images, fit, options)
        arrays[split] = fitted, fitted if y is x else _fitted(others, fit, options)
    sources = {split: Pairs(*pair) for split, pair in arrays.items()}
    sources = carve(sources, options, _sized(report, arrays))
    return from_sources(sources, (), name=name, report=report, targets="images")


def check_masks(name: str, y, images: np.ndarray) -> np.ndarray:
    """`y` as masks `(n, height, width[, classes])` of uint8 or uint16; raises ValueError if they do not fit."""
    y = np.asarray(y)
    if y.ndim == images.ndim and y.shape[-1] == 1:
        y = y[..., 0]
    if y.ndim not in (images.ndim - 1, images.ndim) or y.shape[: images.ndim - 1] != images.shape[:-1]:
        mend = "Multi-label masks have one more axis, of 0 and 1 for each class, and come channels last."
        raise ValueError(checks.message(f"{name}.shape", f"be {images.shape[:-1]}, as the images", y.shape, mend))
    if y.dtype.kind not in "iub":
        mend = f"Pass {name}.astype('uint8') if it holds whole numbers."
        raise ValueError(checks.message(f"{name}.dtype", "be an integer type or bool", str(y.dtype), mend))
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= LEVELS:
        mend = "Give pixels that count nowhere the value 255."
        raise ValueError(checks.message(name, f"be in 0..{LEVELS - 1}", f"{low} to {high}", mend))
    return y.astype(np.uint8 if high < 256 else np.uint16, copy=False)


def _report(options):
    return {"warnings": [], "in_memory": True, "resize": options.resize if options.image_size else None}


def _sized(report, arrays):
    report["bytes"] = sum(each.nbytes for pair in arrays.values() for each in pair)
    check_shapes(arrays)
    return report


def _looks(name, images, masks):
    """What each mask holds, or each of its classes, under its name."""
    layers = np.moveaxis(masks, -1, 1) if masks.ndim == images.ndim else masks[:, None]
    return [(f"{name}[{i}]", look(layer)) for i, mask in enumerate(layers) for layer in mask]


def _classes(arrays, looks, options, report):
    """What the values of masks mean, the names of the classes, and whether a pixel may be of several."""
    images, masks = arrays["train"]
    depths = {pair[1].shape[images.ndim - 1 :] for pair in arrays.values()}
    if len(depths) > 1:
        raise ValueError(checks.message("data", "have masks of one kind in all splits", sorted(depths)))
    present = present_in({name: each for part in looks.values() for name, each in part})
    if masks.ndim < images.ndim:
        coded = coding(present, options, report)
        return coded.table(), names_of(coded, options), False
    others = set(present) - {0}
    if len(others) > 1 and others != {1, options.ignore}:
        rule = f"have multi-label masks of 0, 1 and {options.ignore}"
        raise ValueError(checks.message("data", rule, sorted(present)[:20], "One value a class is (n, height, width)."))
    names = options.class_names or tuple(map(str, range(masks.shape[-1])))
    checks.same_length("class_names", names, "classes of masks", range(masks.shape[-1]))
    return presence(present, options), names, True


def _check_alike(names, images, others):
    if images.shape[:-1] != others.shape[:-1]:
        rule = f"have the number and size of {names[0]}, {images.shape[:-1]}"
        raise ValueError(checks.message(f"{names[1]}.shape", rule, others.shape))


def _check_sizable(images, options):
    if options.image_size and images.ndim != 4:
        rule = "be None unless images are (n, height, width, channels)"
        raise ValueError(checks.message("image_size", rule, options.image_size, "Resize them before."))


def _fitted(arrays, change, options):
    if not options.image_size or arrays.shape[1:3] == options.image_size:
        return arrays
    return np.stack([change(each, options.image_size, options.resize) for each in arrays])
