"""Batches that are functions of their number, made in NumPy: as a tf.data dataset for TensorFlow, else by threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

WORKERS = os.cpu_count() or 1  # batches made at a time
AHEAD = 4  # batches ready before they are asked for

Make = Callable[[int], Any]
"""The batch of a number: nested tuples and dicts of arrays whose first axis counts examples."""


def handed(make: Make, numbers: range, like: Callable[[], Any], rows: int | None):
    """The batches of `numbers` in this order, as `fit` takes them: a dataset on TensorFlow, else a `Stepwise`.

    `like()` gives a batch of the same kind, of any number of examples; each batch has `rows` of them, None if they
    differ.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        return prefetched(as_dataset(make, numbers, like, rows))
    from kerascnn.data.stepwise import Stepwise

    return Stepwise(make, numbers)


def in_order(make: Make, numbers: range, waited: Callable[[float], None] | None = None) -> Iterator:
    """`make(number)` of each, made ahead by threads; what it raises is raised when that batch is asked for."""
    coming: deque = deque()
    left = iter(numbers)
    pool = ThreadPoolExecutor(WORKERS, "batches")
    try:
        while True:
            asked = perf_counter()
            while len(coming) < WORKERS + AHEAD and (number := next(left, None)) is not None:
                coming.append(pool.submit(make, number))
            if not coming:
                return
            batch = coming.popleft().result()
            if waited is not None:
                waited(perf_counter() - asked)
            yield batch
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def as_dataset(make: Make, numbers: range, like: Callable[[], Any], rows: int | None) -> tf.data.Dataset:
    """`make(number)` for each of `numbers`, as a dataset; for `like` and `rows` see `handed`."""
    import tensorflow as tf

    result = in_graph(lambda number: make(int(number)), like, rows)
    order = tf.data.Dataset.range(numbers.start, numbers.stop)
    return order.map(lambda number: result(number), num_parallel_calls=WORKERS, deterministic=True)


def in_graph(function: Callable, like: Callable[[], Any], rows: int | None) -> Callable:
    """`function` of nested arrays as one operation of a TensorFlow graph; for `like` and `rows` see `handed`."""
    import tensorflow as tf

    kind = like()
    leaves = [np.asarray(leaf) for leaf in tf.nest.flatten(kind)]
    types = [leaf.dtype for leaf in leaves]
    flat = isinstance(kind, tuple) and len(kind) == len(leaves)  # looking for what is nested takes longer than a batch

    def call(*given):
        alone = len(given) == len(tf.nest.flatten(given))

        def packed(*arrays):
            made = function(*(arrays if alone else tf.nest.pack_sequence_as(given, arrays)))
            made = made if flat else tf.nest.flatten(made)
            return [np.asarray(leaf, dtype) for leaf, dtype in zip(made, types, strict=True)]

        results = tf.numpy_function(packed, tf.nest.flatten(given), types)
        for result, leaf in zip(results, leaves, strict=True):
            result.set_shape((rows, *leaf.shape[1:]))
        return tf.nest.pack_sequence_as(kind, results)

    return call


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
