"""Arrays in memory: `(x, y)`, or two or three such pairs."""

from __future__ import annotations

from kerascnn import checks
from kerascnn.data.array_checks import check_images, check_labels
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.options import Options
from kerascnn.data.sources import Arrays
from kerascnn.data.splits import carve, check_classes

NAMES = {"train": ("x", "y"), "validation": ("x_val", "y_val"), "test": ("x_test", "y_test")}
PAIRS = "Pass (x, y), ((x, y), (x_val, y_val)) or ((x, y), (x_val, y_val), (x_test, y_test))."


def from_arrays(data, options: Options, name: str = "arrays") -> Data:
    """A `Data` of one pair (validation is split off, stratified), two pairs, or three with a test split."""
    report = {"warnings": [], "in_memory": True, "resize": options.resize if options.image_size else None}
    arrays = {}
    for split, (x, y) in zip(SPLITS, pairs_of(data), strict=False):
        x_name, y_name = NAMES[split]
        images, labels = check_images(x_name, x, options, report), check_labels(y_name, y)
        checks.same_length(x_name, images, y_name, labels)
        arrays[split] = (images, labels)
    check_shapes(arrays)
    class_names = _class_names({split: labels for split, (_, labels) in arrays.items()}, options)
    report["bytes"] = sum(images.nbytes for images, _ in arrays.values())
    sources = carve({split: Arrays(*pair) for split, pair in arrays.items()}, options, report)
    check_classes(sources["train"].labels, class_names, report)
    return from_sources(sources, class_names, name=name, report=report)


def pairs_of(data) -> tuple:
    """The one to three pairs in `data`; raises ValueError for other numbers."""
    if len(data) == 2 and not all(isinstance(part, tuple | list) and len(part) == 2 for part in data):
        data = (data,)
    if not 1 <= len(data) <= 3 or any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in data):
        raise ValueError(checks.message("data", "be one to three (x, y) pairs", f"{len(data)} parts", PAIRS))
    return data


def check_shapes(arrays) -> None:
    """Raises ValueError unless the images of all splits have one shape."""
    shapes = {split: images.shape[1:] for split, (images, _) in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(checks.message("data", "have one image shape in all splits", shapes, "Pass image_size=."))


def _class_names(labels, options: Options) -> tuple[str, ...]:
    names = options.class_names
    known = len(names) if names else int(labels["train"].max()) + 1
    for split, y in labels.items():
        if y.max() >= known:
            rule = f"be below {known}, the number of " + ("class names" if names else "classes in y")
            raise ValueError(checks.message(f"{NAMES[split][1]}.max()", rule, int(y.max())))
    if known > max(1000, len(labels["train"])):
        mend = "Number the classes from 0 without gaps: np.unique(y, return_inverse=True)[1]."
        raise ValueError(checks.message("y.max()", "be below the number of images", known - 1, mend))
    return tuple(names) if names else tuple(map(str, range(known)))
