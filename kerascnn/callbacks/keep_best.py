"""Best weights, and an end to training when they no longer change."""

import math
from pathlib import Path
from typing import Any, Literal

import keras

from kerascnn import checks
from kerascnn.callbacks import snapshot

STATE = ("value", "loss", "epoch", "stopped")


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the best epoch, gives them back when training ends, and stops it when nothing improves.

    Of epochs that are equal by `monitor`, as happens with accuracies of small sets, the one with the lower `val_loss`
    is better. With `use_ema` in the optimizer the averaged weights are validated and kept, as training ends with them.

    Args:
        monitor: the figure of the epoch's logs that judges, such as "val_accuracy" or "val_loss".
        mode: "max" or "min"; "auto" takes "max" unless the figure is a loss or an error (`loss`, `mse`, `mae`).
        patience: epochs without a better figure after which training stops; None never stops.
        path: file that holds the best weights as training goes, written whole or not at all; None keeps them in memory.
        keep: "best", or "last" to end with the weights of the last epoch, where validation images are too few to
            choose an epoch by; the best one is still told.
    """

    def __init__(
        self,
        monitor="val_accuracy",
        *,
        mode="auto",
        patience: int | None = None,
        path: Path | None = None,
        keep: Literal["best", "last"] = "best",
    ):
        super().__init__()
        if patience is not None:
            checks.positive_int("patience", patience)
        if checks.one_of("mode", mode, ["auto", "max", "min"]) == "auto":
            mode = "min" if monitor.endswith(("loss", "mse", "mae", "error")) else "max"
        self.monitor, self.mode, self.patience, self.path = monitor, mode, patience, path
        self.keep = checks.one_of("keep", keep, ("best", "last"))
        self.value: float | None = None
        self.loss = math.inf
        self.epoch = 0
        self.stopped = False
        self._weights: list | None = None
        self._trained: list | None = None

    def on_test_begin(self, logs=None):
        """Puts the averaged weights in for the validation."""
        if getattr(snapshot.optimizer_of(self.model), "use_ema", False):
            self._trained = snapshot.take(self.model.variables)
            snapshot.put(self.model.variables, snapshot.averaged(self.model))

    def on_test_end(self, logs=None):
        """Puts the trained weights back."""
        if self._trained is not None:
            snapshot.put(self.model.variables, self._trained)
            self._trained = None

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the weights if this epoch is the best; else counts."""
        if self.monitor not in logs:
            raise ValueError(checks.message("monitor", f"be one of {sorted(logs)}", self.monitor))
        value, loss = float(logs[self.monitor]), float(logs.get("val_loss", math.inf))
        if self._is_better(value, loss):
            self.value, self.loss, self.epoch = value, loss, epoch
            if self.keep == "best":
                self._keep(snapshot.averaged(self.model))
        elif self.patience is not None and epoch - self.epoch >= self.patience:
            self.stopped = self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Gives the weights to keep back to the model.

        Raises: ValueError if the file holds another epoch's, as after a kill between this file and the run's state if
        the epoch, trained again, went another way.
        """
        if self.keep == "last":
            snapshot.put(self.model.variables, snapshot.averaged(self.model))
        elif self.value is not None:
            snapshot.put(self.model.variables, self._weights if self.path is None else self._read())

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on."""
        in_memory = {} if self._weights is None else {"weights": self._weights}
        return {name: getattr(self, name) for name in STATE} | in_memory

    def restore(self, state: dict[str, Any]) -> None:
        """Takes the `state` of the run that is resumed."""
        for name in STATE:
            setattr(self, name, state[name])
        self._weights = state.get("weights")

    def _is_better(self, value, loss):
        if self.value is None or value == self.value:
            return self.value is None or loss < self.loss
        return value > self.value if self.mode == "max" else value < self.value

    def _keep(self, weights):
        if self.path is None:
            self._weights = weights
        else:
            snapshot.write(self.path, {"best": weights}, {"epoch": self.epoch, self.monitor: self.value})

    def _read(self):
        arrays, facts = snapshot.read(self.path)
        if facts["epoch"] != self.epoch:
            raise ValueError(
                f"{str(self.path)!r} must hold the weights of epoch {self.epoch + 1}, the best one. Received: those of "
                f"epoch {facts['epoch'] + 1}, from a start that was killed before its state was written. "
                "Delete the folder and train again."
            )
        return arrays["best"]
