"""Batches in an order that is a stateless function of (seed, epoch), so that a resumed run sees what it would have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.data import augmenting
from kerascnn.data.corrupting import Noise, corrupted
from kerascnn.data.dataset import Data
from kerascnn.data.samplers import Sampler, permutations
from kerascnn.data.shuffling import orders, shuffled
from kerascnn.data.stepping import WORKERS, handed, in_graph, in_order, prefetched
from kerascnn.data.streaming import buffered, windowed

if TYPE_CHECKING:
    import tensorflow as tf

    from kerascnn.data.stepwise import Stepwise

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
    count = min(checks.positive_int("count", count), data.train_size)
    if "train" in data.sources:
        source = data.sources["train"]
        chosen = shuffled(np.arange(count), seed, 0, source.size)
        parts = in_order(lambda start: source.fetch(chosen[start : start + FETCH]), range(0, count, FETCH))
    else:
        parts = prefetched(data.train.take(count).batch(FETCH)).as_numpy_iterator()
    return np.concatenate([images for images, _ in parts])


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
    share: tuple[int, int] = (0, 1),
    start: int = 0,
) -> tf.data.Dataset | Stepwise:
    """Training batches `(images, targets)` of the epochs `first` to `last - 1`, chained in one dataset.

    It is a `tf.data.Dataset` on the TensorFlow backend and for data without random access, else a
    `keras.utils.PyDataset` of the same batches as NumPy arrays, which needs no TensorFlow. Both have
    `as_numpy_iterator`.

    Each epoch is another permutation of the split, without its last incomplete batch. With a `source` (arrays,
    folders, sets that fit in memory) the permutation is over the whole split, drawn from (seed, epoch) alone. Without
    one (a tfds set too large for memory, a `Data` of plain datasets) elements pass a shuffle buffer of up to 256 MiB,
    seeded by (seed, epoch); tfds writes its files in random order, so that this too mixes well.

    `augment(images, indices, epoch, seed)` gets the batch and the index of each example in the split as NumPy arrays,
    and two integers; it gives images back, as an array or a tensor. Several threads call it, in any order, and once
    before them it is asked about a batch of zeros, which says what it will give. A `Pipeline` of
    `kerascnn.augmentation` gets the targets too, and the partners that it mixes in, from the whole split, or without a
    `source` from the batch. `epochs=(3, 10)` gives exactly what `(0, 10)` gives from epoch 3 on. With `class_weight`,
    the weight of each class by its index, batches are `(images, targets, weights)`; a target in shares of the classes
    has the mean weight of its shares, a mask a map of weights, 0 where it counts nowhere. `weigh` gives weights too: a
    function of the mask `(height, width)` of each image, as it is after augmentation. `corrupt` adds noise to images,
    not to targets, after augmentation: see `kerascnn.noise`.

    A `sampler` draws batches otherwise, by (seed, step) alone too: `ClassBatches`, `Balanced`, `ViewBatches`. Where it
    takes an example again, the index that `augment` gets is another one. One that knows its batch size takes
    `batch_size=None` too.

    `start` leaves out the first steps of the first epoch. There are then no fewer batches than without it, as Keras
    counts steps from the beginning of an epoch: those behind the last epoch are not to be asked for. Without a `source`
    the examples that are left out are read all the same.

    `share=(index, count)` gives of each batch, which it must divide, that part of so many equal ones, in their order:
    the rows of a host. Only they are read where there is a `source`.

    Raises ValueError for data and augmentation that the sampler cannot do with.
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
    own = _own(share, batch)

    def of_sampler(targets):
        whole = sampler.targets(targets)  # of views these are of the whole batch, whatever it is given
        return whole[own] if len(whole) > len(targets) else whole

    def finish(images, targets, indices, epoch):
        epoch = int(epoch)
        targets = targets if sampler is None else of_sampler(targets)
        images, targets = change(images, targets, indices, epoch)
        return weights(spoil(images, indices, epoch), targets)

    if split in data.sources:
        source = data.sources[split]
        rows = augmenting.rows(augment, seed, source.size)
        order = _order(data, split, sampler, batch, steps, seed)
        made = _by_index(source, lambda step: order(step)[own], steps, rows, finish)
        like = _blank(data, split, batch, augment, sampler, finish)
        numbers = range(epochs[0] * steps + start, epochs[1] * steps + start)
        return handed(made, numbers, like, own.stop - own.start)
    changed = in_graph(finish, _blank(data, split, batch, augment, sampler, finish), batch)
    if sampler is not None:
        whole = windowed(data, split, sampler, batch, steps, seed, epochs, changed, WORKERS)
    else:
        whole = buffered(data, split, batch, steps, seed, epochs, changed, WORKERS)
    whole = _cut(whole, share)
    return prefetched(whole.skip(start)).repeat() if start else prefetched(whole)


def plain_batches(
    data: Data, split: str, batch_size: int, *, share: tuple[int, int] = (0, 1)
) -> tf.data.Dataset | Stepwise:
    """All examples of `split` in their order, for evaluation; the last batch may be smaller.

    For what it gives on which backend see `batches`; of each batch `share` gives a part, as there, and must divide the
    last one too.
    """
    checks.positive_int("batch_size", batch_size)
    size, source = data.size(split), data.sources.get(split)
    if source is None:
        return prefetched(_cut(data.split(split).batch(batch_size), share))

    def fetch(number):
        indices = np.arange(number * batch_size, min((number + 1) * batch_size, size))
        return source.fetch(indices[_own(share, len(indices))])

    return handed(fetch, range(-(-size // batch_size)), lambda: source.fetch(np.zeros(1, np.int64)), None)


def retargeted(batches: tf.data.Dataset | Stepwise, target_of: Callable) -> tf.data.Dataset | Stepwise:
    """`batches` with `target_of(targets)` in place of each batch's targets; in a dataset it is computed in a graph."""

    def change(images, targets, *weights):
        return images, target_of(targets), *weights

    return batches.mapped(change) if hasattr(batches, "mapped") else batches.map(change)


def _own(share: tuple[int, int], batch: int) -> slice:
    """The rows of a share of each batch."""
    index, count = share
    if batch % count:
        raise ValueError(checks.message("share", f"divide batches of {batch}", share, "Pass another batch size."))
    each = batch // count
    return slice(index * each, (index + 1) * each)


def _cut(batches: tf.data.Dataset, share: tuple[int, int]) -> tf.data.Dataset:
    """Of each batch the rows of a share."""
    import tensorflow as tf

    index, count = share

    def rows(tensor):
        each = tensor.shape[0] // count if tensor.shape[0] else tf.shape(tensor)[0] // count
        return tensor[index * each : (index + 1) * each]

    return batches if count == 1 else batches.map(lambda *parts: tf.nest.map_structure(rows, parts))


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


def _order(data, split, sampler, batch, steps, seed) -> Callable[[int], np.ndarray]:
    """The function that gives the examples of a step, counted over all epochs."""
    if sampler is None:
        return orders(data.size(split), batch, steps, seed)
    labels = data.labels(split) if sampler.by_class else np.zeros(data.size(split), np.int32)
    members = sampler.members(labels, data.groups)
    permuted = permutations(members, seed)
    return lambda step: sampler.rows(members, step, batch, permuted)


def _by_index(source, order, steps, rows, finish) -> Callable[[int], tuple]:
    """Each batch on its own, from the number of its step: its examples are those that `order` gives."""

    def make(step: int) -> tuple:
        epoch = step // steps
        indices = rows(order(step), epoch)
        images, targets = source.fetch(indices % source.size)
        return finish(images, targets, indices, epoch)

    return make


def _blank(data, split, batch, augment, sampler, finish) -> Callable[[], tuple]:
    """A function that gives a batch of nothing, which shows of what kind the others are."""

    def like() -> tuple:
        others = 0 if augment is None else getattr(augment, "others", None)
        rows = batch if others is None or sampler is not None else 1  # a pipeline is content with one image
        rows *= 1 + (others or 0) if split in data.sources else 1
        images, targets = (_zeros(part, rows) for part in data.element_spec)
        return finish(images, targets, np.zeros(rows, np.int64), 0)

    return like


def _zeros(spec, rows: int):
    """`rows` examples of nothing that look like `spec`, which may be a dict of such."""
    if isinstance(spec, dict):
        return {name: _zeros(part, rows) for name, part in spec.items()}
    dtype = getattr(spec.dtype, "as_numpy_dtype", spec.dtype)
    return np.zeros((rows, *spec.shape), dtype)
