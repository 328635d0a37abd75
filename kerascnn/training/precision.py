"""Numerical precision, chosen by measuring the real model."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kerascnn import checks
from kerascnn.data import Data, batches, steps_per_epoch
from kerascnn.layers import nested
from kerascnn.training.devices import building, check_batch, current, has_devices
from kerascnn.training.folder import RunFolder
from kerascnn.training.memory import advised, sparing
from kerascnn.training.policy import dtype_policy

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
GAIN = 1.10  # a lower precision must be this many times faster to be taken
FEW = 100  # steps of training under which not even float32 is timed
LONG = 60  # seconds of training in float32 under which timing the others costs more than it can save


def fastest_precision(
    build: Callable[[], keras.Model],
    data: Data,
    batch_size: int,
    *,
    epochs: int,
    precision: str = "auto",
    augment=None,
    target_of: Callable | None = None,
) -> dict[str, Any]:
    """Says in which precision to train: the asked one, or for "auto" the one that measures fastest.

    "auto" times some steps in float32 first. If the whole training takes less than a minute at that pace it is float32,
    and in fewer than 100 steps without timing.

    Args:
        build: makes the compiled model, under the dtype policy that is set when it is called.
        data: a batch of its training split is used.
        batch_size: images a step.
        epochs: length of the planned training.
        precision: "auto" or one of `PRECISIONS`.
        augment: as in `data.batches`, where it decides about the size of what the model sees.
        target_of: as in `run`.

    Returns:
        `{"chosen": name, "why": sentence, "milliseconds_per_step": {name: time}}`, with all that was timed.
    """
    check_precision(precision)
    if precision != "auto":
        return _choice(precision, "as asked", {})
    steps = epochs * steps_per_epoch(data, batch_size)
    if steps < FEW:
        return _choice("float32", f"{steps} steps are too few for timing to pay", {})
    images, targets = next(iter(batches(data, "train", batch_size, augment=augment)))
    batch = keras.tree.map_structure(np.asarray, (images, targets if target_of is None else target_of(targets)))
    models = _built(build, PRECISIONS[:1])
    times = _measure(models, batch)
    seconds = steps * times["float32"] / 1000
    if seconds < LONG:
        why = f"{steps} steps take about {seconds:.1f} s in float32, too short for timing others to pay"
        return _choice("float32", why, times)
    times = _measure(models | _built(build, _lower()), batch)  # all in turn
    fastest = min(times, key=times.get)
    gain = times["float32"] / times[fastest]
    if fastest == "float32":
        return _choice(fastest, "the fastest", times)
    return _choice(fastest if gain >= GAIN else "float32", f"{fastest} is {gain:.2f} times as fast as float32", times)


def built(
    build: Callable[[], keras.Model],
    data: Data,
    batch_size: int,
    *,
    model: Any,
    epochs: int,
    precision: str,
    folder: RunFolder,
    rematerialize: bool = False,
    **what_is_seen,
) -> tuple[keras.Model, dict[str, Any]]:
    """The network of a run in its precision, and what was decided about that, once for all starts in `folder`.

    `model` is what the user passed: a keras.Model keeps its own precision, for all else it is `fastest_precision`,
    whose arguments the others are. `rematerialize` lets the network train as `layers.rematerialize` says.
    """
    build = sparing(build, data.image_shape, rematerialize)

    check_batch(batch_size)

    def choose() -> dict[str, Any]:
        if isinstance(model, keras.Model):
            return as_built(model, precision)
        each = max(1, batch_size // current().total)  # what one device is to compute
        return fastest_precision(build, data, each, epochs=epochs, precision=precision, **what_is_seen)

    with advised(batch_size):
        chosen = folder.decide("precision", choose)
    with dtype_policy(chosen["chosen"]), building():
        return build(), chosen


def as_built(model: keras.Model, precision: str = "auto") -> dict[str, Any]:
    """As `fastest_precision`, for a network that exists already and keeps the precision it was built with.

    Raises: ValueError if `precision` is neither "auto" nor the model's own.
    """
    policies = (layer.dtype_policy.name for _, layer in nested.leaves(model) if layer.weights)  # models lose theirs
    own = next((name for name in policies if name != "float32"), "float32")  # heads are float32 in any model
    if check_precision(precision) not in ("auto", own):
        mend = f"Build it under keras.config.set_dtype_policy({precision!r}), or pass a builder in its place."
        raise ValueError(checks.message("precision", f"be 'auto' or the model's own, {own!r}", precision, mend))
    return _choice(own, "the model's own", {})


def check_precision(precision: str) -> str:
    """Returns `precision` if it is "auto" or one of `PRECISIONS`; raises ValueError otherwise."""
    return checks.one_of("precision", precision, ("auto", *PRECISIONS))


def _choice(chosen: str, why: str, times: Mapping[str, float]) -> dict[str, Any]:
    rounded = {name: round(value, 2) for name, value in times.items()}
    return {"chosen": chosen, "why": why, "milliseconds_per_step": rounded}


def _lower() -> tuple[str, ...]:
    """What may be faster than float32."""
    return PRECISIONS[1:] if has_devices("gpu") else PRECISIONS[1:2]  # no CPU computes in float16


def _built(build: Callable[[], keras.Model], names: Sequence[str]) -> dict[str, keras.Model]:
    models = {}
    for name in names:
        with dtype_policy(name):
            models[name] = build()
    return models


def _measure(models: Mapping[str, keras.Model], batch: Sequence[np.ndarray], rounds: int = 5) -> dict[str, float]:
    """Milliseconds of the fastest of some steps, taken in turn so that a busy moment strikes all alike."""
    best = dict.fromkeys(models, float("inf"))
    for turn in range(rounds + 1):
        for name, model in models.items():
            begun = time.perf_counter()
            model.train_on_batch(*batch)
            if turn:  # the first step compiles
                best[name] = min(best[name], 1000 * (time.perf_counter() - begun))
    return best
