"""Images that are their own targets, as a training to denoise wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.data.dataset import Data, changed, given
from kerascnn.data.sources import Own

OF_CLASSES = ("class_counts", "class_pixels", "object_counts", "mask_values", "blank")  # entries of a report


def labelled(data: Any) -> bool:
    """Whether what `load` takes says of what class its images are; an array does not, nor a folder without folders."""
    if isinstance(data, Data):
        return data.targets == "labels"
    if isinstance(data, str | Path) and Path(data).is_dir():
        return any(entry.is_dir() for entry in Path(data).iterdir())
    if isinstance(data, tuple | list):
        pair = data[0] if data and isinstance(data[0], tuple | list) else data
        return len(pair) == 2 and np.ndim(pair[1]) == 1
    return isinstance(data, str | Path) and str(data).partition("/")[0] != "scenes"


def own_targets(data: Data) -> Data:
    """`data` with each image as its own target; labels and masks are dropped."""

    def own(image, _):
        return image, image

    datasets = {split: each.map(own) for split, each in given(data).items()}
    sources = {split: Own(source) for split, source in data.sources.items()}
    report = {name: value for name, value in data.report.items() if name not in OF_CLASSES} | {"own_targets": True}
    return changed(data, **datasets, sources=sources, class_names=(), groups=(), report=report, targets="images")
