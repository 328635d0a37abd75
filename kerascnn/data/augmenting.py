"""What stands between the examples that are read and the batch that is trained on: partners, augmentation, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kerascnn import checks
from kerascnn.data.augmented_boxes import boxed
from kerascnn.data.masks import IGNORE


def rows(augment, seed: int, size: int) -> Callable:
    """`(indices, epoch)` -> the examples to read for a batch: `indices`, then the partners that `augment` mixes in.

    An `augmentation.Pipeline` with batch operations says which these are, by (seed, epoch, index) alone, so that the
    size of the batch does not matter. For every other augmentation it is `indices`.
    """
    if not getattr(augment, "others", 0):
        return lambda indices, epoch: indices
    return lambda indices, epoch: augment.rows(indices, epoch, seed, size)


def augmented(augment, seed: int, partnered: bool, targets: str = "labels") -> Callable:
    """`(images, targets, indices, epoch)` -> `(images, targets)` as `augment` changes them.

    An `augmentation.Pipeline` gets a dict with both: targets that are a dict under their own names, integers or shares
    of classes as "labels", maps as "segmentation_masks"; those of data whose `targets` are "images" as "target_images",
    which move with the images and keep their colours; for boxes see `augmented_boxes.boxed`. If they are `partnered`
    they are as `rows` lists them; otherwise it takes partners from the batch. Every other callable gets and gives the
    images alone.
    """
    if augment is None:
        return lambda images, found, indices, epoch: (images, found)
    if not hasattr(augment, "rows"):
        return lambda images, found, indices, epoch: (np.asarray(augment(images, indices, epoch, seed)), found)
    augment = augment.threaded()
    if targets in ("boxes", "box"):
        return boxed(augment, seed, partnered, targets)

    def change(images, found, indices, epoch):
        kind = _kind(found, targets)
        batch = {"images": images, **(found if kind is None else {kind: found})}
        changed = augment.apply(batch, indices, epoch, seed, partnered=partnered)
        images = changed.pop("images")
        return images, changed if kind is None else changed[kind]

    return change


def weighted(class_weight: Mapping[int, float] | None, data) -> Callable:
    """`(images, targets)` -> `(images, targets, weights)`; without `class_weight` as it is.

    A class that is not in `class_weight` has 1. Shares of classes `(n, classes)` have the mean of the weights by them;
    masks `(n, height, width)` have a weight for each pixel, 0 where they count nowhere. Raises ValueError for other
    targets: images, boxes, and masks of several classes a pixel.
    """
    if class_weight is None:
        return lambda images, targets: (images, targets)
    if data.targets in ("images", "boxes", "box") or data.multi_label:
        rule = "be None unless each image or pixel is of one class"
        raise ValueError(checks.message("class_weight", rule, dict(class_weight), "Weigh the classes in the loss."))
    table = np.array([class_weight.get(label, 1.0) for label in range(data.classes)], np.float32)
    pixels = np.zeros(IGNORE + 1, np.float32)
    pixels[: data.classes] = table

    def weigh(images, targets):
        if data.targets == "masks":
            return images, targets, pixels[targets]
        return images, targets, targets @ table if targets.ndim > 1 else table[targets]

    return weigh


def mapped(weigh: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """`(images, masks)` -> `(images, masks, weights)`, the last float32 `(n, height, width)`: `weigh` of each mask."""
    return lambda images, masks: (images, masks, np.stack([weigh(mask) for mask in masks]).astype(np.float32))


def _kind(found, targets: str) -> str | None:
    """Under which name a pipeline takes the targets that were `found`; None for a dict of several."""
    if isinstance(found, dict):
        return None
    if targets == "images":
        return "target_images"
    return "segmentation_masks" if len(found.shape) > 2 else "labels"
