"""History of a run as a table that a spreadsheet opens, through any number of resumptions."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import keras

from kerascnn.files import write_text


class Log(keras.callbacks.Callback):
    """Holds every epoch's figures, and writes them as comma-separated values after each epoch.

    A figure that some epochs do not have is NaN there, and empty in the file.

    Args:
        path: the file, written anew and whole after each epoch, so that a kill leaves no half line; None for no file.
        waited: says how many seconds were spent waiting for input so far, such as `data.InputClock().seconds`.

    Attributes:
        history: a list for each figure, an entry an epoch.
        seconds: that training took, for each epoch.
        waits: seconds of these that went by waiting for input, for each epoch; empty without `waited`.
    """

    def __init__(self, path: Path | None = None, waited: Callable[[], float] | None = None):
        super().__init__()
        self.path = path
        self.history: dict[str, list[float]] = {}
        self.seconds: list[float] = []
        self.waits: list[float] = []
        self._waited = waited
        self._begun: tuple[float, float] | None = None

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clocks of the epoch's training steps."""
        self._begun = self._now()

    def on_test_begin(self, logs=None):
        """Stops the clocks, as validation is not training."""
        self._stop()

    def on_epoch_end(self, epoch, logs=None):
        """Adds the epoch to the history and to the file."""
        self._stop()
        epochs = max(map(len, self.history.values()), default=0)
        for name in self.history | logs:
            values = self.history.setdefault(name, [math.nan] * epochs)
            values.append(float(logs.get(name, math.nan)))
        if self.path is not None:
            write_text(self.path, table(self.history))

    def state(self) -> dict[str, Any]:
        """The history so far, and the seconds of training and waiting of each epoch, and of the one that runs."""
        return {"history": self.history, "seconds": self.seconds, "waits": self.waits, "running": self._running()}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes the `state` of the run that is resumed."""
        self.history, self.seconds = state["history"], state["seconds"]
        self.waits = state.get("waits", [])  # not in the state of an earlier version
        if self._begun is not None:
            (now, waited), (ran, before) = self._now(), state["running"]
            self._begun = now - ran, waited - before

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), self._waited() if self._waited else 0.0

    def _running(self) -> tuple[float, float]:
        """Seconds of training and of waiting of the epoch that runs; 0 between epochs."""
        if self._begun is None:
            return 0.0, 0.0
        (now, waited), (begun, before) = self._now(), self._begun
        return now - begun, waited - before

    def _stop(self):
        if self._begun is None:  # it was stopped where validation began
            return
        seconds, waited = self._running()
        self.seconds.append(seconds)
        if self._waited:
            self.waits.append(waited)
        self._begun = None


def table(history: Mapping[str, Sequence[float]]) -> str:
    """The history as comma-separated values, one line an epoch; what is missing or NaN is empty.

    >>> print(table({"loss": [0.5, 0.25], "accuracy": [0.75, 1.0]}))
    epoch,loss,accuracy
    1,0.5,0.75
    2,0.25,1.0
    <BLANKLINE>
    """
    epochs = zip_longest(*history.values(), fillvalue=math.nan)
    rows = [["epoch", *history], *([epoch, *map(_cell, row)] for epoch, row in enumerate(epochs, 1))]
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def _cell(value: float) -> str:
    return "" if math.isnan(value) else str(value)
