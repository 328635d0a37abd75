"""Exact resume: a run that is killed at any moment goes on as if it never was."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn import hosts
from kerascnn.callbacks import snapshot

# What Keras' own callbacks remember between epochs; BackupAndRestore forgets it (keras issues #17012, #14862, #9462).
REMEMBERED = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_weights", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: ("best", "epochs_since_last_save"),
}


class Resume(keras.callbacks.Callback):
    """Writes the whole state of a run after each epoch, and in epochs that last long, and takes it up again.

    The state is every variable of the model (weights, statistics, dropout's seeds) and of the optimizer (momenta, step,
    averages), and what the other callbacks remember: those with `state()` and `restore(state)`, and Keras' own that are
    in `REMEMBERED`. It is kept by class and, within a class, by order: a callback that a restarted run has in addition
    begins anew. It must stand last in the list of callbacks, so that it sees the others after their work.

    A state of the middle of an epoch, which `look` writes, has the sums of the metrics too. Such a run goes on at step
    `first_step` of the epoch `first_epoch`: its input must begin there, its metrics must have been built (as `evaluate`
    does) and its callbacks be a `LateStart`; `training.run` sees to all of this.

    >>> resume = Resume("state.npz", companions=[])
    >>> resume.first_epoch      # nothing there yet: start at the beginning
    0

    Args:
        path: the file of the state, written whole or not at all.
        companions: the other callbacks of the run.
        seconds: after which `look` writes the state in the middle of an epoch; None leaves it at the end.
    """

    def __init__(
        self, path: str | Path, companions: Sequence[keras.callbacks.Callback], *, seconds: float | None = None
    ):
        super().__init__()
        self.path = Path(path)
        self.companions = list(companions)
        self.seconds = seconds
        self._found = snapshot.read(self.path) if hosts.agreed(self.path.exists) else None
        self._epoch, self._written = 0, 0.0

    @property
    def first_epoch(self) -> int:
        """The epoch to start with: the `initial_epoch` of `fit`."""
        return 0 if self._found is None else self._found[1]["epoch"] + 1

    @property
    def first_step(self) -> int:
        """The step of the first epoch to start with, from 0."""
        return 0 if self._found is None else self._found[1].get("step", 0)  # not in the state of an earlier version

    @property
    def stopped(self) -> bool:
        """Whether the run that was found had been stopped by a callback: no further epoch is to come."""
        return self._found is not None and self._found[1]["stopped"]

    def on_train_begin(self, logs=None):
        """Puts the state in, after the other callbacks have begun."""
        self._written = time.perf_counter()
        if self._found is None:
            return
        snapshot.build_optimizer(self.model)
        self._put_in()
        if not self.first_step:
            self._found = None

    def on_epoch_begin(self, epoch, logs=None):
        """Puts the state of the middle of an epoch in again, after what begins an epoch has been done."""
        self._epoch = epoch
        if self._found is not None:
            self._put_in()
            snapshot.put(_sums(self.model), self._found[0]["metrics"])
            self._found = None

    def look(self, batch: int, logs=None) -> None:
        """Writes the state as it is before this step, if it is time.

        Another callback is to call it when a step begins, one that stands first: as the others have not heard of the
        step yet, they hear of it once when the run is resumed.
        """
        due = self.seconds is not None and time.perf_counter() - self._written >= self.seconds
        if due and batch:
            self._write(self._epoch - 1, step=batch)

    def on_epoch_end(self, epoch, logs=None):
        """Writes the state."""
        self._write(epoch, step=0)

    def _put_in(self):
        arrays, facts = self._found
        snapshot.put(self.model.variables, arrays["model"])
        snapshot.put(self.model.optimizer.variables, arrays["optimizer"])
        remind(self.companions, arrays, facts["callbacks"])

    def _write(self, epoch, step):
        """Writes the state after so many whole epochs, counted from 0, and steps of the next."""
        arrays = {
            "model": snapshot.take(self.model.variables),
            "optimizer": snapshot.take(self.model.optimizer.variables),
            "metrics": snapshot.take(_sums(self.model)) if step else [],
        }
        lists, plain = memories(self.companions)
        stopped = not step and bool(self.model.stop_training)
        facts = {"epoch": epoch, "step": step, "stopped": stopped, "callbacks": plain}
        snapshot.write(self.path, arrays | lists, facts)
        self._written = time.perf_counter()


def _sums(model: keras.Model) -> list[keras.Variable]:
    """The variables of the loss and the metrics, which an epoch adds up in."""
    return [variable for metric in model.metrics for variable in metric.variables]


def memories(callbacks: Sequence[keras.callbacks.Callback]) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
    """What the callbacks remember, for `snapshot.write`: lists of arrays by name, and facts by class and order."""
    arrays, facts = {}, {}
    for key, callback in _keyed(callbacks).items():
        state = remembered(callback)
        lists = [name for name, value in state.items() if _are_arrays(value)]
        arrays |= {f"callback/{key}/{name}": state.pop(name) for name in lists}
        facts[key] = state
    return arrays, facts


def remind(callbacks: Sequence[keras.callbacks.Callback], arrays: Mapping, facts: Mapping) -> None:
    """Gives callbacks their `memories` back; one that has none there begins anew."""
    for key, callback in _keyed(callbacks).items():
        lists = {name.split("/")[2]: group for name, group in arrays.items() if name.startswith(f"callback/{key}/")}
        if key in facts:
            restore(callback, facts[key] | lists)


def remembered(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """What a callback remembers from epoch to epoch."""
    if hasattr(callback, "state"):
        return callback.state()
    names = next((names for kind, names in REMEMBERED.items() if isinstance(callback, kind)), ())
    return {name: _plain(getattr(callback, name)) for name in names if hasattr(callback, name)}


def restore(callback: keras.callbacks.Callback, state: dict[str, Any]) -> None:
    """Gives a callback its memory back."""
    if hasattr(callback, "restore"):
        callback.restore(state)
    else:
        vars(callback).update(state)


def _keyed(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, keras.callbacks.Callback]:
    """The callbacks by class name and number within the class, such as "Log-0"."""
    seen: Counter[str] = Counter()
    keyed = {}
    for callback in callbacks:
        name = type(callback).__name__
        keyed[f"{name}-{seen[name]}"] = callback
        seen[name] += 1
    return keyed


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _are_arrays(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, np.ndarray) for item in value)
