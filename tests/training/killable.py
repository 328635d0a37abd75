"""A small run with everything that a resume must bring back; test_killed.py runs it in processes that it kills."""

import os
import resource
import shutil

import keras
import numpy as np

from kerascnn import blocks, training
from kerascnn.augmentation import Cutout, MixUp, Pipeline, RandomFlip, Shift
from kerascnn.callbacks import snapshot
from recipes import classify

EPOCHS = 12


def network(image_shape, classes):
    inputs = keras.Input(image_shape)
    x = blocks.conv(keras.layers.Rescaling(1 / 255)(inputs), 4, name="one")
    return keras.Model(inputs, blocks.classifier(x, classes, dropout=0.5, name="probabilities"))


class Ends(keras.callbacks.Callback):
    """Keeps what the run ends with, before the best weights are put in.

    With a `limit` a file of more bytes breaks off half way from the third epoch on, as on a full disk.
    """

    def __init__(self, folder, limit):
        super().__init__()
        self.folder, self.limit = folder, limit

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2 and self.limit:
            allow(self.limit)

    def on_train_end(self, logs=None):
        arrays = {"last": snapshot.take([*self.model.variables, *self.model.optimizer.variables])}
        snapshot.write(self.folder / "last.npz", arrays, {})
        shutil.copy(self.folder / "best.npz", self.folder / "kept.npz")


def allow(size):
    """Lets this process write files of so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def run(folder, errors, limit=0, seconds=None):
    """Trains in `folder`, or goes on there; what goes wrong is written to the file `errors`.

    With `seconds` the state is written so often in the middle of an epoch.
    """
    training.run.__kwdefaults__["save_seconds"] = seconds
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (96, 8, 8, 1), "uint8"), np.arange(96, dtype="int32") % 3
    x[:, :3] += (60 * y[:, None, None, None]).astype("uint8")
    try:
        classify(
            ((x[:72], y[:72]), (x[72:], y[72:])), model=network, epochs=EPOCHS, batch_size=8, learning_rate=0.05,
            ema=0.9, augment=Pipeline(RandomFlip(), Shift(0.2), Cutout(0.3), MixUp(0.4)), precision="mixed_bfloat16",
            save_to=folder, verbose=0, callbacks=[Ends(folder, limit), keras.callbacks.EarlyStopping(patience=100)],
        )  # fmt: skip
    finally:
        allow(resource.RLIM_INFINITY)  # the traceback has its place
