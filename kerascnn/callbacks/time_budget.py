"""An end to training when its time is over, in good order."""

import math
import sys
import time
from typing import Any

import keras

from kerascnn import checks, hosts

SURE = 1.2  # times as long as there is time for: then it is clear that the epochs do not fit
LOOK = 0.02  # of the time after which this is judged
FIRST = 3  # steps that are not timed, as the first of them compiles


class TimeBudget(keras.callbacks.Callback):
    """Ends training after so many seconds, over all starts of a run and all its stages.

    They are counted in `fit`, validation included. What a kill has undone is not counted. When the time is over, the
    step is finished, and training ends as it does after its last epoch: with a validation, the best weights, and all
    that a run writes, which is not counted either. Each start and each stage does one step at least. Learning rates
    do not know of the end: a schedule that falls to zero has not come there yet. So if the first steps or the first
    epoch show that the epochs will not fit, it is said at once, with the number that would. Of several hosts the clock
    of the first counts, at the end of each epoch only.

    >>> TimeBudget(60).state()["spent"]
    0.0

    Args:
        seconds: of the whole training, above 0.
        verbose: 0 says nothing.

    Attributes:
        ended: where and when it has ended the training, in words; empty if it has not.
        share: of the last epoch that was trained.
    """

    def __init__(self, seconds: float, verbose: int | str = "auto"):
        super().__init__()
        self.seconds = checks.in_range("max_seconds", seconds, 0, math.inf, ends="()")
        self.verbose = verbose
        self.ended, self.share = "", 1.0
        self._before, self._begun = 0.0, None
        self._epoch, self._first_epoch, self._timed, self._told = 0, None, None, False

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self._before + (0.0 if self._begun is None else time.perf_counter() - self._begun)

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self._begun, self._timed, self._told, self._first_epoch = time.perf_counter(), None, False, None
        self.share = 1.0

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch."""
        self._epoch = epoch
        self._first_epoch = epoch if self._first_epoch is None else self._first_epoch
        self._epoch_begun = time.perf_counter()

    def on_train_batch_begin(self, batch, logs=None):
        """Ends the training with this step if the time is over; looks after some steps whether the epochs will fit."""
        steps = self.params["steps"]
        if self.spent >= self.seconds and batch + 1 < steps and not hosts.several():
            self.share = (batch + 1) / steps
            self._end(f"in epoch {self._epoch + 1}, after step {batch + 1} of {steps}")
        elif self._epoch == self._first_epoch and not self._told:
            if self._timed is None and batch >= FIRST:
                self._timed = batch, time.perf_counter()
            elif self._timed is not None and time.perf_counter() - self._timed[1] >= LOOK * self.seconds:
                each = (time.perf_counter() - self._timed[1]) / (batch - self._timed[0])
                self._foretell(steps * each, self._epoch + batch / steps)

    def on_epoch_end(self, epoch, logs=None):
        """Ends the training if the time is over; looks after the first epoch whether the others will fit."""
        if self.model.stop_training:
            return
        if hosts.agreed(lambda: self.spent >= self.seconds) and epoch + 1 < self.params["epochs"]:
            self._end(f"after epoch {epoch + 1}")
        elif epoch == self._first_epoch:
            self._foretell(time.perf_counter() - self._epoch_begun, epoch + 1)

    def on_train_end(self, logs=None):
        """Stops the clock."""
        self._before, self._begun = self.spent, None

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on."""
        return {"spent": self.spent, "ended": self.ended, "share": self.share}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes the `state` of the run that is resumed."""
        self._before, self.ended, self.share = state["spent"], state["ended"], state["share"]
        self._begun = None if self._begun is None else time.perf_counter()

    def _end(self, where):
        self.model.stop_training = True
        self.ended = self.ended or f"max_seconds={self.seconds:g} were over {where}"
        self._say(f"{self.ended}; training ends with what it has.")

    def _foretell(self, epoch_seconds, done):
        """Says once that the epochs do not fit, of which so many are done, if it is so."""
        epochs, left = self.params["epochs"], self.seconds - self.spent
        needed = (epochs - done) * epoch_seconds
        if self._told or needed <= SURE * left:
            return
        self._told = True
        fit = int(done + max(left, 0) / epoch_seconds)
        mend = f"epochs={fit} would fit" if fit else "not one epoch will fit"
        self._say(f"max_seconds={self.seconds:g} ends this before its {epochs} epochs: {needed:.0f} s to go, {mend}.")

    def _say(self, line):
        if self.verbose != 0:
            print(line, file=sys.stderr)
