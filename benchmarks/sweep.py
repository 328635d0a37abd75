"""How long a search takes to a network as good: `tune` against `keras_tuner.RandomSearch` as its guide writes it.

Both search the same space of networks and draw a learning rate, on the same images. First RandomSearch runs all its
trials, each a `fit` with Adam; its best validation accuracy is what `tune` must reach, with a third of the epochs a
trial, as the schedule of `classify` needs no more. Printed is when each had it, and the ratio; for each seed. With
`--workers`, instead, how many trials an hour one and two workers with a core each finish.

    python benchmarks/sweep.py
    python benchmarks/sweep.py --workers
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import keras
import keras_tuner
import numpy as np

from kerascnn import data as datasets
from kerascnn import models
from kerascnn.tuning import Between, Choices, ConvNetSpace
from recipes import tune

NETWORKS = ConvNetSpace(
    stages=(2, 3), blocks=(1, 2), filters=(16, 64), kernels=(3, 5), strides=(2,), block=("plain", "residual")
)


def main():
    options = arguments()
    if options.alone:
        return alone(options)
    if options.workers:
        return two_workers(options)
    x, y, x_val, y_val = images(options)
    ratios = []
    for seed in options.seeds:
        wanted, theirs = plain(x, y, x_val, y_val, seed, options)
        ours, reached = swept(((x, y), (x_val, y_val)), wanted, seed, options)
        ratios.append(ours / theirs)
        print(
            f"seed {seed}: RandomSearch {wanted:.4f} after {theirs:.0f} s; tune {reached:.4f} after {ours:.0f} s; "
            f"share of the time {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"median share of the time: {statistics.median(ratios):.2f}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--images", type=int, default=10_000, help="of the training split; a tenth of them validates")
    parser.add_argument("--trials", type=int, default=8, help="of each search")
    parser.add_argument("--epochs", type=int, default=9, help="of a trial of RandomSearch; `tune` gets a third")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", action="store_true", help="compares one worker with two instead")
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def images(options):
    """Images and labels to train with, and to validate with."""
    data = datasets.load(options.data)
    rows = np.random.default_rng(0).permutation(data.train_size)[: options.images]
    found, labels = (np.asarray(part) for part in data.sources["train"].fetch(rows))
    held = len(rows) // 10
    return found[held:], labels[held:], found[:held], labels[:held]


def plain(x, y, x_val, y_val, seed, options):
    """The best validation accuracy of keras-tuner's RandomSearch, and the seconds after which it had it."""
    best = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            best.append((logs["val_accuracy"], time.perf_counter() - begun))

    def build(hp):
        text = NETWORKS(hp)["model"]
        model = models.build(text, x.shape[1:], int(y.max()) + 1)
        rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.RandomSearch(
            build, "val_accuracy", max_trials=options.trials, seed=seed + 1, directory=folder, project_name="plain"
        )
        begun = time.perf_counter()
        tuner.search(
            x, y, epochs=options.epochs, batch_size=128, validation_data=(x_val, y_val), callbacks=[Clock()], verbose=0
        )
    wanted = max(score for score, _ in best)
    return wanted, next(seconds for score, seconds in best if score == wanted)


def swept(data, wanted, seed, options):
    """Seconds after which `tune` had a trial at least as good, or of all of it; and the best that it had by then."""
    space = NETWORKS + Choices(learning_rate=Between(0.02, 0.5, log=True))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        tune(
            data, space=space, tuner="random", epochs=max(1, options.epochs // 3), max_trials=options.trials,
            batch_size=128, precision="float32", directory=folder, seed=seed, verbose=0,
        )  # fmt: skip
        whole = time.perf_counter() - begun
        events = [json.loads(line) for line in Path(folder, "journal.jsonl").read_text().splitlines()]
    ended = [(event["at"], event["score"]) for event in events if event["event"] == "ended" and "score" in event]
    at = next((at for at, score in ended if score >= wanted), whole)
    return at, max(score for when, score in ended if when <= at)


def two_workers(options):
    """Prints how many trials an hour one and two workers with a core each finish, each in a process of its own."""
    rates = {}
    cores = sorted(os.sched_getaffinity(0))
    for count in (1, 2):
        command = [sys.executable, *sys.argv, "--alone", str(count)]
        pinned = partial(os.sched_setaffinity, 0, cores[:count])  # from the start, so that all threads inherit it
        done = subprocess.run(command, preexec_fn=pinned, check=True, stdout=subprocess.PIPE, text=True)
        rates[count] = float(done.stdout.split()[-1])
        print(f"{count} worker(s): {rates[count]:.0f} trials an hour", flush=True)
    print(f"two workers finish {rates[2] / rates[1]:.2f} times as many")


def alone(options):
    """Prints the trials an hour of `--alone` workers, from the first trial on."""
    x, y, x_val, y_val = images(options)
    space = NETWORKS + Choices(learning_rate=Between(0.02, 0.5, log=True))
    with tempfile.TemporaryDirectory() as folder:
        tune(
            ((x, y), (x_val, y_val)), space=space, tuner="random", epochs=2, max_trials=options.trials, batch_size=128,
            workers=options.alone, precision="float32", directory=folder, verbose=0,
        )  # fmt: skip
        events = [json.loads(line) for line in Path(folder, "journal.jsonl").read_text().splitlines()]
    first, last = (next(event["at"] for event in order if "at" in event) for order in (events, reversed(events)))
    print(3600 * options.trials / (last - first))


if __name__ == "__main__":
    main()
