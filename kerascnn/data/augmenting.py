"""What stands between the examples that are read and the batch that is trained on: partners, augmentation, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np


def rows(augment, seed: int, size: int) -> Callable:
    """`(indices, epoch)` -> the examples to read for a batch: `indices`, then the partners that `augment` mixes in.

    An `augmentation.Pipeline` with batch operations says which these are, by (seed, epoch, index) alone, so that the
    size of the batch does not matter. For every other augmentation it is `indices`.
    """
    import tensorflow as tf

    if not getattr(augment, "others", 0):
        return lambda indices, epoch: indices

    def chosen(indices, epoch):
        found = tf.numpy_function(
            lambda indices, epoch: np.asarray(augment.rows(indices, int(epoch), seed, size), np.int64),
            [indices, epoch], tf.int64,
        )  # fmt: skip
        return tf.ensure_shape(found, (indices.shape[0] * (1 + augment.others),))

    return chosen


def augmented(augment, seed: int, partnered: bool) -> Callable:
    """`(images, targets, indices, epoch)` -> `(images, targets)` as `augment` changes them.

    An `augmentation.Pipeline` gets a dict with both: targets that are a dict under their own names, integers or shares
    of classes as "labels", maps as "segmentation_masks". If they are `partnered` they are as `rows` lists them;
    otherwise it takes partners from the batch. Every other callable gets and gives the images alone.
    """
    if augment is None:
        return lambda images, targets, indices, epoch: (images, targets)
    if not hasattr(augment, "rows"):
        return lambda images, targets, indices, epoch: (augment(images, indices, epoch, seed), targets)

    def change(images, targets, indices, epoch):
        kind = None if isinstance(targets, dict) else "segmentation_masks" if len(targets.shape) > 2 else "labels"
        batch = {"images": images, **(targets if kind is None else {kind: targets})}
        changed = augment(batch, indices, epoch, seed, partnered=partnered)
        images = changed.pop("images")
        return images, changed if kind is None else changed[kind]

    return change


def weighted(class_weight: Mapping[int, float] | None, classes: int) -> Callable:
    """`(images, targets)` -> `(images, targets, weights)`; without `class_weight` as it is.

    A class that is not in `class_weight` has 1. Shares of classes `(n, classes)` have the mean of the weights by them.
    """
    import tensorflow as tf

    if class_weight is None:
        return lambda images, targets: (images, targets)
    table = np.array([class_weight.get(label, 1.0) for label in range(classes)], np.float32)

    def weigh(images, targets):
        shares = len(targets.shape) > 1
        weights = tf.linalg.matvec(targets, table) if shares else tf.gather(tf.constant(table), targets)
        return images, targets, weights

    return weigh
