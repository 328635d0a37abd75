"""What `classify` costs over a hand-written Keras `fit`: seconds an epoch, alternating in one run.

Both train the same network on the same arrays with the same optimizer and validate it after each epoch. `classify` also
shuffles by index, keeps the best weights, writes history and the state for an exact resume; the hand-written `fit` does
not. The first epoch of each training compiles and is not counted.

    python benchmarks/overhead.py --model resnet20 --images 4096 --rounds 3
"""

import argparse
import statistics
import tempfile
import time

import keras
import numpy as np

from kerascnn import losses, models, optimizers, schedules
from recipes import classify


class Clock(keras.callbacks.Callback):
    """Seconds from the begin of an epoch to the begin of the next, so that nothing done in between is missed."""

    def __init__(self):
        super().__init__()
        self.marks = []

    def on_epoch_begin(self, epoch, logs=None):
        self.marks.append(time.perf_counter())

    def seconds(self):
        return np.diff(self.marks)[1:].tolist()


def with_classify(data, options):
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        classify(data, augment=None, precision="float32", save_to=folder, callbacks=[clock], verbose=0, **options)
    return clock.seconds()


def by_hand(data, options):
    (x, y), validation = data
    clock, steps = Clock(), len(x) // options["batch_size"]
    network = models.whitened(models.build(options["model"], x.shape[1:], 10), x[:2048])
    kind, peak = optimizers.suited("auto", None, network)
    rate = schedules.named("one-cycle", peak, options["epochs"], steps)
    loss = losses.SparseCategoricalCrossentropy(label_smoothing=0.1)
    network.compile(optimizers.make(kind, rate), loss, metrics=["accuracy"])
    network.fit(
        x, y, batch_size=options["batch_size"], epochs=options["epochs"], validation_data=validation,
        validation_batch_size=options["batch_size"], callbacks=[clock], verbose=0,
    )  # fmt: skip
    return clock.seconds()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--images", type=int, default=4096, help="training images, a multiple of the batch size")
    parser.add_argument("--size", type=int, default=28, help="pixels a side")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5, help="epochs a training; the first is not counted")
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each kind, in turn")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (arguments.images + 512, arguments.size, arguments.size, 1), "uint8")
    y = rng.integers(0, 10, len(x)).astype("int32")
    data = ((x[512:], y[512:]), (x[:512], y[:512]))
    options = {"model": arguments.model, "batch_size": arguments.batch_size, "epochs": arguments.epochs}
    ours, theirs = [], []
    for turn in range(1, arguments.rounds + 1):
        theirs += by_hand(data, options)
        ours += with_classify(data, options)
        print(f"round {turn}: by hand {statistics.median(theirs):.3f} s, classify {statistics.median(ours):.3f} s")
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"seconds an epoch, {arguments.model}: classify / by hand = {ratio:.3f}")


if __name__ == "__main__":
    main()
