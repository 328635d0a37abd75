"""A training that begins in the middle of an epoch."""

from collections.abc import Sequence

import keras


class LateStart(keras.callbacks.CallbackList):
    """Lets `fit` begin at a step of its first epoch: of the steps before nothing is done, and callbacks hear nothing.

    It is passed to `fit` in place of the list of callbacks. The input must begin at that step, and Keras must not know
    how long it is, as it counts the steps that are left out: see `data.batches(..., start=)`.

    Args:
        callbacks: of the training.
        model: compiled.
        step: of the first epoch, from 0; below `steps`.
        epochs: as `fit` takes them.
        steps: of an epoch.
    """

    def __init__(
        self, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model, *, step: int, epochs: int, steps: int
    ):
        super().__init__(list(callbacks), add_history=True, model=model, epochs=epochs, steps=steps, verbose=0)
        self.step = step
        self._leaves_out = False

    def on_train_begin(self, logs=None):
        """Begins, with a training step that does nothing while steps are left out."""
        super().on_train_begin(logs)
        if self.step:
            self._train = self.model.train_function
            self.model.train_function = self._now_and_then

    def on_train_batch_begin(self, batch, logs=None):
        """Tells the callbacks of a step that is done."""
        self._leaves_out = batch < self.step
        if not self._leaves_out:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Tells the callbacks of a step that was done."""
        if not self._leaves_out:
            super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Ends the epoch; the next one is whole."""
        super().on_epoch_end(epoch, logs)
        if self.step:
            self.step, self.model.train_function = 0, self._train

    def _now_and_then(self, *arguments):
        """The model's training step, given the iterator; on JAX it is given the state first, and gives it back."""
        if not self._leaves_out:
            return self._train(*arguments)
        return ({}, arguments[0]) if keras.backend.backend() == "jax" else {}
