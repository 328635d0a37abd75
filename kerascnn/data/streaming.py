"""Training batches of data without random access: through a buffer that is filled in an order seeded by the epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerascnn.data.dataset import Data
from kerascnn.data.samplers import Sampler, permutations

BUFFER_BYTES = 256 * 2**20  # of the examples that wait


def buffered(data: Data, split: str, batch: int, steps: int, seed: int, epochs, finish: Callable, workers: int):
    """The elements in their order, through a shuffle buffer that is filled anew each epoch."""
    elements = data.split(split).enumerate()
    buffer = max(batch, min(data.size(split), BUFFER_BYTES // _bytes_each(data, split)))

    def one_epoch(epoch):
        shuffled = elements.shuffle(buffer, seed=_key(seed, epoch), reshuffle_each_iteration=False)
        whole = shuffled.batch(batch, drop_remainder=True).take(steps)
        return whole.map(lambda indices, example: finish(*example, indices, epoch), num_parallel_calls=workers)

    return _chained(one_epoch, epochs, steps)


def windowed(
    data: Data, split: str, sampler: Sampler, batch: int, steps: int, seed: int, epochs, finish: Callable, workers: int
):
    """Batches as `sampler` draws them from windows: examples that half the buffer holds, shuffled through the other.

    The last window of an epoch is filled up with examples that came first, under other numbers.
    """
    import tensorflow as tf

    size = data.size(split)
    window = min(size, max(batch, BUFFER_BYTES // 2 // _bytes_each(data, split)))
    each = sampler.steps(window, batch)
    windows = -(-steps // each)
    span = size * (2 + windows * window // size)  # no number of an element is as large
    elements = data.split(split).take(size).enumerate()

    def numbered(position, element):
        number, example = element
        return number + position // size * size, example

    def one_epoch(epoch):
        shuffled = elements.shuffle(window, seed=_key(seed, epoch), reshuffle_each_iteration=False)
        endless = shuffled.repeat().enumerate().map(numbered)
        full = endless.batch(window, drop_remainder=True).take(windows).enumerate()

        def batches(number, examples):
            numbers, (images, targets) = examples
            rows = _rows(data, sampler, targets if sampler.by_class else numbers, (seed, epoch, number), each, batch)

            def make(step):
                places = rows[step] % window
                indices = tf.gather(numbers, places) + span * (rows[step] // window)
                return finish(tf.gather(images, places), tf.gather(targets, places), indices, epoch)

            return tf.data.Dataset.range(each).map(make, num_parallel_calls=workers)

        return full.flat_map(batches).take(steps)

    return _chained(one_epoch, epochs, steps)


def _rows(data: Data, sampler: Sampler, labels, keys, each: int, batch: int):
    """The places in a window, `(each, batch)`, of the examples of its steps, in a graph; `keys` choose them."""
    import tensorflow as tf

    def drawn(labels, *keys):
        members = sampler.members(labels, data.groups)
        seed, epoch, number = map(int, keys)
        permuted = permutations(members, seed, epoch)
        return np.stack([sampler.rows(members, number * each + step, batch, permuted) for step in range(each)])

    return tf.ensure_shape(tf.numpy_function(drawn, [labels, *keys], tf.int64), (each, batch))


def _chained(one_epoch: Callable, epochs: tuple[int, int], steps: int):
    import tensorflow as tf

    def seeded(epoch):
        tf.random.set_seed(1)  # of this function's graph alone: the order must not depend on the process's seed
        return one_epoch(epoch)

    chained = tf.data.Dataset.range(*epochs).flat_map(seeded)
    return chained.apply(tf.data.experimental.assert_cardinality((epochs[1] - epochs[0]) * steps))


def _key(seed: int, epoch):
    import tensorflow as tf

    return tf.random.experimental.index_shuffle(epoch, tf.constant([seed, 0], tf.int64), 2**31 - 2)


def _bytes_each(data: Data, split: str) -> int:
    specs = data.split(split).element_spec[: 1 if data.targets == "labels" else 2]
    return max(1, sum(spec.dtype.size * (spec.shape.num_elements() or 1) for spec in specs))
