"""What several devices do not share: all that is asked of a model between the steps of its training."""

from collections.abc import Callable

import keras


class Alone(keras.callbacks.Callback):
    """Between training and validation a model answers as on one device: callbacks may ask it for predictions.

    `share(True)` is called where the model is to share its batches among devices, `share(False)` where that ends.
    """

    def __init__(self, share: Callable[[bool], None]):
        super().__init__()
        self.share = share

    def on_epoch_begin(self, epoch, logs=None):
        """Shares the batches."""
        self.share(True)

    def on_test_end(self, logs=None):
        """Ends that."""
        self.share(False)

    def on_epoch_end(self, epoch, logs=None):
        """Ends that."""
        self.share(False)
