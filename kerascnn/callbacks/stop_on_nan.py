"""An end with advice for a run whose loss is no number any more."""

import math

import keras


class StopOnNaN(keras.callbacks.Callback):
    """Raises FloatingPointError at the first batch whose loss is NaN or infinite, and says what to try."""

    def __init__(self):
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Looks at the running loss, which stays NaN once a batch has made it so."""
        loss = float(logs["loss"])
        if math.isfinite(loss):
            return
        rate = float(self.model.optimizer.learning_rate)
        raise FloatingPointError(
            f"The loss became {loss} in epoch {self._epoch + 1}, step {batch + 1}, at learning rate {rate:.3g}. "
            "Try, in this order: a learning rate ten times smaller, `clip_norm=1.0`, `precision='float32'`."
        )
