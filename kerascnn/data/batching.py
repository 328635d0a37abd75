"""Batches in an order that is a stateless function of (seed, epoch), so that a resumed run sees what it would have."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.data import augmenting
from kerascnn.data.corrupting import Noise, corrupted
from kerascnn.data.dataset import Data
from kerascnn.data.samplers import Sampler, permutations
from kerascnn.data.streaming import buffered, windowed

if TYPE_CHECKING:
    import tensorflow as tf

WORKERS = os.cpu_count() or 1  # batches made at a time
AHEAD = 4  # batches ready before they are asked for
FETCH = 64  # images of a sample that are read together
PIXELS = {"masks": 2**18, "images": 2**18, "boxes": 2**20, "box": 2**20}
"""Of a step at most, by its targets."""


def steps_per_epoch(data: Data, batch_size: int | None, sampler: Sampler | None = None) -> int:
    """The number of whole training batches an epoch; at least one, as a batch is never larger than the split.

    A `sampler` as in `batches`, which knows its batch size itself.
    """
    return _steps(data.train_size, batch_size, sampler)


def suited_batch_size(data: Data, side: int | None = None) -> int:
    """128 from 2,560 training images on; for fewer the largest power of two with at least 20 steps, not under 8.

    Where targets are no labels a step has `PIXELS` at most, so that large images come singly: `side` is that of what
    is cut out of each image, if not all of it is seen.

    What an epoch leaves out, its last incomplete batch (another one each epoch, as `batches` permutes), is then less
    than one image in 20 from 160 images on.

    >>> from kerascnn.data import load
    >>> suited_batch_size(load("digits"))  # 1,259 images: 39 steps of 32
    32
    """
    suited = max(8, min(128, _power_of_two_up_to(data.train_size // 20)))
    if data.targets == "labels":
        return suited
    sides = data.image_shape[:-1] if side is None else (side,) * len(data.image_shape[:-1])
    return max(1, min(suited, _power_of_two_up_to(PIXELS[data.targets] // math.prod(sides))))


def sample(data: Data, count: int, *, seed: int = 0) -> np.ndarray:
    """`count` training images `(count, height, width, channels)`, all of them if there are fewer; none is read beyond.

    With a `source` they are those that epoch 0 of `batches(..., seed=seed)` begins with; without one the first of the
    training split, in its order.
    """
    import tensorflow as tf

    count = min(checks.positive_int("count", count), data.train_size)
    if "train" in data.sources:
        source = data.sources["train"]
        order = tf.data.Dataset.from_tensor_slices(_shuffled(tf.range(count, dtype=tf.int64), seed, 0, source.size))
        parts = order.batch(FETCH).map(source.fetch, num_parallel_calls=WORKERS)
    else:
        parts = data.train.take(count).batch(FETCH)
    return np.concatenate([images for images, _ in prefetched(parts).as_numpy_iterator()])


def batches(
    data: Data,
    split: str,
    batch_size: int | None,
    *,
    seed: int = 0,
    augment=None,
    epochs: tuple[int, int] = (0, 1),
    class_weight=None,
    weigh: Callable[[np.ndarray], np.ndarray] | None = None,
    corrupt: Noise | None = None,
    sampler: Sampler | None = None,
) -> tf.data.Dataset:
    """Training batches `(images, targets)` of the epochs `first` to `last - 1`, chained in one dataset.

    Each epoch is another permutation of the split, without its last incomplete batch. With a `source` (arrays,
    folders, sets that fit in memory) the permutation is over the whole split, drawn from (seed, epoch) alone. Without
    one (a tfds set too large for memory, a `Data` of plain datasets) elements pass a shuffle buffer of up to 256 MiB,
    seeded by (seed, epoch); tfds writes its files in random order, so that this too mixes well.

    `augment(images, indices, epoch, seed)` gets the batch and the index of each example in the split. A `Pipeline` of
    `kerascnn.augmentation` gets the targets too, and the partners that it mixes in, from the whole split, or without a
    `source` from the batch. `epochs=(3, 10)` gives exactly what `(0, 10)` gives from epoch 3 on. With `class_weight`,
    the weight of each class by its index, batches are `(images, targets, weights)`; a target in shares of the classes
    has the mean weight of its shares, a mask a map of weights, 0 where it counts nowhere. `weigh` gives weights too: a
    function of the mask `(height, width)` of each image, as it is after augmentation. `corrupt` adds noise to images,
    not to targets, after augmentation: see `kerascnn.noise`.

    A `sampler` draws batches otherwise, by (seed, step) alone too: `ClassBatches`, `Balanced`, `ViewBatches`. Where it
    takes an example again, the index that `augment` gets is another one. One that knows its batch size takes
    `batch_size=None` too. Raises ValueError for data and augmentation that the sampler cannot do with.
    """
    steps = _steps(data.size(split), batch_size, sampler)
    batch = min(batch_size, data.size(split)) if sampler is None else sampler.size(batch_size)
    if sampler is not None:
        _check_sampled(sampler, data, augment, class_weight or weigh)
    kind = data.targets if sampler is None or sampler.by_class else "labels"
    change = augmenting.augmented(augment, seed, partnered=split in data.sources, targets=kind)
    if class_weight is not None and weigh is not None:
        raise ValueError(
            checks.message("weigh", "be None beside class_weight", weigh, "Weigh the classes in the loss.")
        )
    weights = augmenting.weighted(class_weight, data) if weigh is None else augmenting.mapped(weigh)
    spoil = corrupted(corrupt, seed)

    def finish(images, targets, indices, epoch):
        targets = targets if sampler is None else sampler.targets(targets)
        images, targets = change(images, targets, indices, epoch)
        return weights(spoil(images, indices, epoch), targets)

    if split in data.sources:
        source = data.sources[split]
        rows = augmenting.rows(augment, seed, source.size)
        order = _order(data, split, sampler, batch, steps, seed)
        return prefetched(_by_index(source, order, steps, epochs, rows, finish))
    if sampler is not None:
        return prefetched(windowed(data, split, sampler, batch, steps, seed, epochs, finish, WORKERS))
    return prefetched(buffered(data, split, batch, steps, seed, epochs, finish, WORKERS))


def plain_batches(data: Data, split: str, batch_size: int) -> tf.data.Dataset:
    """All examples of `split` in their order, for evaluation; the last batch may be smaller."""
    import tensorflow as tf

    checks.positive_int("batch_size", batch_size)
    elements = data.split(split)
    source = data.sources.get(split)
    if source is None:
        return prefetched(elements.batch(batch_size))
    starts = tf.data.Dataset.range(0, source.size, batch_size)

    def fetch(start):
        return source.fetch(tf.range(start, tf.minimum(start + batch_size, source.size)))

    return prefetched(starts.map(fetch, num_parallel_calls=WORKERS, deterministic=True))


def retargeted(batches: tf.data.Dataset, target_of: Callable) -> tf.data.Dataset:
    """`batches` with `target_of(targets)`, computed in a graph, in place of each batch's targets."""
    return batches.map(lambda images, targets, *weights: (images, target_of(targets), *weights))


def prefetched(batches):
    """`batches`, some ahead, without tf.data's autotuning: its thread sleeps for times that double up to a minute, and
    now and then the end of an epoch, `fit` or `evaluate` waits for it to wake (TensorFlow 2.21; docs/pitfalls.md).

    They are made by threads of their own: in the common pool a training step would queue behind them.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = WORKERS + 1  # one for the hand-over, and for `InputClock`
    return batches.prefetch(AHEAD).with_options(options)


def _steps(size: int, batch_size: int | None, sampler: Sampler | None = None) -> int:
    if sampler is not None:
        return sampler.steps(size, batch_size)
    return max(1, size // checks.positive_int("batch_size", batch_size))


def _check_sampled(sampler, data, augment, weighing):
    if sampler.by_class and data.targets != "labels":
        mend = f"These data have {data.targets}; ViewBatches needs no labels."
        raise ValueError(checks.message("sampler", "be None for data without labels", sampler, mend))
    if getattr(augment, "others", 0) and not sampler.mixes:
        rule = f"make each image from one for {type(sampler).__name__}, whose targets are not mixed"
        raise ValueError(checks.message("augment", rule, augment, "Leave out what mixes images."))
    if weighing is not None and not sampler.by_class:
        rule = f"be None for {type(sampler).__name__}, whose targets are no classes"
        raise ValueError(checks.message("class_weight", rule, weighing))


def _power_of_two_up_to(value: int) -> int:
    return 1 << max(0, value.bit_length() - 1)


def _shuffled(positions, seed, epoch, size):
    """The index at each of `positions` of the permutation that (seed, epoch) chooses."""
    import tensorflow as tf

    key = tf.stack([tf.constant(seed, tf.int64), tf.cast(epoch, tf.int64)])
    return tf.random.experimental.index_shuffle(positions, key, size - 1)


def _order(data, split, sampler, batch, steps, seed) -> Callable:
    """The function that gives the examples of a step, counted over all epochs, in a graph."""
    import tensorflow as tf

    if sampler is not None:
        labels = data.labels(split) if sampler.by_class else np.zeros(data.size(split), np.int32)
        members = sampler.members(labels, data.groups)
        permuted = permutations(members, seed)

        def drawn(step):
            return sampler.rows(members, int(step), batch, permuted)

        return lambda step: tf.ensure_shape(tf.numpy_function(drawn, [step], tf.int64), (batch,))

    def permuted(step):
        positions = (step % steps) * batch + tf.range(batch, dtype=tf.int64)
        return _shuffled(positions, seed, step // steps, data.size(split))

    return permuted


def _by_index(source, order, steps, epochs, rows, finish):
    """Each batch on its own, from the number of its step: its examples are those that `order` gives."""
    import tensorflow as tf

    def make(step):
        epoch = step // steps
        indices = rows(order(step), epoch)
        images, targets = source.fetch(indices % source.size)
        return finish(tf.ensure_shape(images, (indices.shape[0], *images.shape[1:])), targets, indices, epoch)

    steps_of_all = tf.data.Dataset.range(epochs[0] * steps, epochs[1] * steps)
    return steps_of_all.map(make, num_parallel_calls=WORKERS, deterministic=True)
