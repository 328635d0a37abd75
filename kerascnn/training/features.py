"""Features of images, computed once by a network that does not change, so that what stands on top trains in seconds."""

from collections.abc import Callable, Sequence
from functools import partial

import keras
import numpy as np

from kerascnn import checks
from kerascnn.augmentation import Pipeline, RandomFlip
from kerascnn.data import Data, plain_batches
from kerascnn.data.dataset import SPLITS, from_sources
from kerascnn.data.sources import Arrays
from kerascnn.layers import nested
from kerascnn.training.bar import bar


def features(
    model: keras.Model,
    data: Data,
    *,
    views: int = 1,
    augment=None,
    batch_size: int = 32,
    seed: int = 0,
    splits: Sequence[str] = SPLITS,
    verbose: int | str = "auto",
) -> Data:
    """The data with each image replaced by its features, float32 vectors that stay in memory.

    Images are read once, in their order. Of each training image there are `views`: row i is image i as it is, and row
    `v * train_size + i` is what `augment` makes of it in epoch v of a training with this `seed`. Validation and test
    images are seen as they are. The model runs as in a prediction: without dropout, with the statistics that it has.

    Args:
        model: takes raw images and gives a vector an image, `(batch, features)`.
        data: of images.
        views: of each training image.
        augment: an `augmentation.Pipeline` or what else `data.batches` takes, if there is more than one view. "mirror",
            as a pipeline that only mirrors, left to right and any image, has one further view: the mirror image.
        batch_size: images that the model sees at a time.
        seed: of the draws.
        splits: "train", "validation" and perhaps "test", where the data have it.
        verbose: "auto" or 1 for a progress bar, 2 for one line when done, 0 for nothing.

    Raises:
        ValueError: for a model without vectors, more views than `augment` can make, and an `augment` that mixes images,
            whose partners another epoch would choose anew.
    """
    if len(model.output_shape) != 2:
        mend = "End it with a pooling, as kerascnn.blocks.global_pool."
        raise ValueError(checks.message("model", "give a vector an image", model.output_shape, mend))
    checks.positive_int("batch_size", batch_size)
    seen = [_unchanged, *_changes(augment, checks.positive_int("views", views), seed)]
    plan = {split: seen if split == "train" else seen[:1] for split in splits if split in data.splits}
    images = sum(data.size(split) * len(changes) for split, changes in plan.items())
    with bar("features", images, "images", verbose) as advance:
        compute = partial(_vectors, model, batch_size, advance)
        sources = {
            split: _source(compute, plain_batches(data, split, batch_size), changes) for split, changes in plan.items()
        }
    report = {name: value for name, value in data.report.items() if name != "class_counts"} | {"views": views}
    return from_sources(sources, data.class_names, name=data.name, report=report)


def split_at(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """`model` in two that share its layers: up to the output of the layer of that name, and from there on.

    >>> x = image = keras.Input((8, 8, 1))
    >>> for layer in (keras.layers.Flatten(name="flat"), keras.layers.Dense(10, name="dense")):
    ...     x = layer(x)
    >>> below, head = split_at(keras.Model(image, x), "flat")
    >>> below.output_shape, head.input_shape, head.output_shape
    ((None, 64), (None, 64), (None, 10))
    """
    names = [each.name for each in model.layers]
    seam = nested.output_in(model, model.get_layer(checks.one_of("layer", layer, names)))
    return keras.Model(model.input, seam), keras.Model(seam, model.output)


def vectors(data: Data, split: str) -> np.ndarray:
    """The features of a split `(n, features)` in their order, as one array."""
    return np.concatenate([images for images, _ in plain_batches(data, split, 1024).as_numpy_iterator()])


def _unchanged(images, labels, indices):
    return images, labels


def _mirrored(images, labels, indices):
    return images[:, :, ::-1], labels


def _drawn(augment, epoch, seed, images, labels, indices):
    if not hasattr(augment, "apply"):
        return np.asarray(augment(images, indices, epoch, seed)), labels
    changed = augment.apply({"images": images, "labels": labels}, indices, epoch, seed)
    return changed["images"], changed["labels"]


def _changes(augment, views: int, seed: int) -> list[Callable]:
    """`(images, labels, indices)` -> `(images, labels)` for each view after the first."""
    if views == 1:
        return []
    if augment == "mirror" or _only_mirrors(augment):
        if views > 2:
            raise ValueError(checks.message("views", "be 1 or 2 where images are only mirrored", views))
        return [_mirrored]
    if augment is None:
        raise ValueError(checks.message("augment", "be given for more than one view", augment, "Pass views=1."))
    if getattr(augment, "others", 0):
        mend = "Leave MixUp, CutMix and Mosaic out, or train without cached features."
        raise ValueError(checks.message("augment", "not mix images", augment, mend))
    return [partial(_drawn, augment, epoch, seed) for epoch in range(1, views)]


def _only_mirrors(augment) -> bool:
    return isinstance(augment, Pipeline) and augment.p == 1 and augment.transforms == (RandomFlip("horizontal"),)


def _source(compute: Callable, batches, changes) -> Arrays:
    """All features of a split in memory, one view after the other."""
    rows: list[list] = [[] for _ in changes]
    labels: list[list] = [[] for _ in changes]
    start = 0
    for images, targets in batches.as_numpy_iterator():
        indices = np.arange(start, start + len(images))
        start += len(images)
        for view, change in enumerate(changes):
            seen, answers = change(images, targets, indices)
            rows[view].append(compute(seen))
            labels[view].append(answers)
    return Arrays(np.concatenate(sum(rows, [])), np.concatenate(sum(labels, [])))


def _vectors(model: keras.Model, batch_size: int, advance: Callable[[int], object], images: np.ndarray) -> np.ndarray:
    """The features of up to `batch_size` images, always of as many, as another number would compile the model anew."""
    count = len(images)
    found = model.predict_on_batch(images[np.arange(batch_size) % count])
    advance(count)
    return np.asarray(found, np.float32)[:count]
