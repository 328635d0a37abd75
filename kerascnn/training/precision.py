"""Numerical precision, chosen by measuring the real model."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from kerascnn import checks
from kerascnn.data import Data, batches, steps_per_epoch

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
GAIN = 1.10  # a lower precision must be this many times faster to be taken
WORTH = 1000  # steps of training under which measuring costs more than it can save


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Keras' global dtype policy, set within a `with` block and put back after it.

    >>> with dtype_policy("mixed_bfloat16"):
    ...     keras.layers.Dense(1).compute_dtype
    'bfloat16'
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def fastest_precision(
    build: Callable[[], keras.Model], data: Data, batch_size: int, *, epochs: int, precision: str = "auto"
) -> dict[str, Any]:
    """Says in which precision to train: the asked one, or for "auto" the one that measures fastest.

    Args:
        build: makes the compiled model, under the dtype policy that is set when it is called.
        data: a batch of its training split is used.
        batch_size: images a step.
        epochs: length of the planned training. Under `WORTH` steps "auto" is float32 without measuring.
        precision: "auto" or one of `PRECISIONS`.

    Returns:
        `{"chosen": name, "why": sentence, "milliseconds_per_step": {name: time}}`.
    """
    checks.one_of("precision", precision, ("auto", *PRECISIONS))
    if precision != "auto":
        return {"chosen": precision, "why": "as asked", "milliseconds_per_step": {}}
    steps = epochs * steps_per_epoch(data, batch_size)
    if steps < WORTH:
        why = f"{steps} steps are too few for measuring to pay"
        return {"chosen": "float32", "why": why, "milliseconds_per_step": {}}
    batch = next(iter(batches(data, "train", batch_size)))
    times = _measure(build, [np.asarray(part) for part in batch], _candidates())
    fastest = min(times, key=times.get)
    gain = times["float32"] / times[fastest]
    chosen = fastest if gain >= GAIN else "float32"
    return {
        "chosen": chosen,
        "why": f"{fastest} is {gain:.2f} times as fast as float32",
        "milliseconds_per_step": times,
    }


def as_built(model: keras.Model) -> dict[str, Any]:
    """As `fastest_precision`, for a network that exists already and keeps the precision it was built with."""
    return {"chosen": model.dtype_policy.name, "why": "the model's own", "milliseconds_per_step": {}}


def _candidates() -> tuple[str, ...]:
    return PRECISIONS if _has_gpu() else PRECISIONS[:2]  # no CPU computes in float16


def _has_gpu() -> bool:
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX raises it for a kind of device that the machine lacks
        return False


def _measure(build, batch, names, rounds=5) -> dict[str, float]:
    """Milliseconds of the fastest of some steps, taken in turn so that a busy moment strikes all alike."""
    models = {}
    for name in names:
        with dtype_policy(name):
            models[name] = build()
    best = dict.fromkeys(names, float("inf"))
    for turn in range(rounds + 1):
        for name, model in models.items():
            begun = time.perf_counter()
            model.train_on_batch(*batch)
            if turn:  # the first step compiles
                best[name] = min(best[name], 1000 * (time.perf_counter() - begun))
    return {name: round(value, 2) for name, value in best.items()}
