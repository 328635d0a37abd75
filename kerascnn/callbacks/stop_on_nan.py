"""An end with advice for a run whose loss is no number any more."""

import math

import keras


class StopOnNaN(keras.callbacks.Callback):
    """Raises FloatingPointError after the first batch whose loss is NaN or infinite, and says what to try."""

    async_safe = True  # Keras may look at the figures in another thread while training goes on: it only takes a note

    def __init__(self):
        super().__init__()
        self._epoch = 0
        self._found: tuple[int, float] | None = None

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Looks at the running loss, which stays NaN once a batch has made it so."""
        loss = float(logs["loss"])
        if self._found is None and not math.isfinite(loss):
            self._found = batch, loss

    def on_train_batch_begin(self, batch, logs=None):
        """Raises the error."""
        self._check()

    def on_test_begin(self, logs=None):
        """Raises the error for the last batch of an epoch, if it is known before the validation."""
        self._check()

    def on_epoch_end(self, epoch, logs=None):
        """Raises the error for the last batch of an epoch."""
        self._check()

    def _check(self):
        if self._found is None:
            return
        (batch, loss), self._found = self._found, None
        rate = float(self.model.optimizer.learning_rate)
        raise FloatingPointError(
            f"The loss became {loss} in epoch {self._epoch + 1}, step {batch + 1}, at learning rate {rate:.3g}. "
            "Try, in this order: a learning rate ten times smaller, `clip_norm=1.0`, `precision='float32'`."
        )
