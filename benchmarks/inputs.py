"""Images a second that the input pipeline makes, by where they come from and how they are augmented.

Batches as a training asks for them, shuffled, with nothing trained on them; all sources and augmentations in turn.

    python -m benchmarks.inputs --seconds 3 --rounds 5
"""

import argparse
import itertools
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.rounds import figures, in_turn, spread, table
from kerascnn import augmentation
from kerascnn import data as datasets

AUGMENT = {"none": None, "auto": "auto", "photos": "photos", "trivialaugment": "trivialaugment"}
WARM_UP = 6  # batches that may have been ready
EPOCHS = 10**4  # more than are seen


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1024, help="of each source")
    return parser.parse_args()


def noise(count, size, channels):
    """Images that compress about as photographs do: coarse noise, made larger."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, size // 4, size // 4, channels), "uint8")
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def sources(folder, count):
    """The data, the batch size and the job of each kind of source, by its name."""
    labels = np.arange(count) % 10
    for size, channels in ((32, 3), (128, 1)):
        images = noise(count, size, channels)
        if channels == 3:
            data = datasets.load((images, labels))
            yield "arrays of 32 px, labels", data, 128, "classify"
        else:
            data = datasets.load((images, (images[..., 0] > 127).astype("uint8")), targets="masks")
            yield "arrays of 128 px, masks", data, 16, "segment"
    for number, image in enumerate(noise(count, 160, 3)):
        datasets.write_image(Path(folder, str(labels[number]), f"{number}.jpg"), image)
    yield "JPEG files of 160 px at 128 px", datasets.load(folder, image_size=128, memory=0.0), 64, "classify"


def rate(batches, seconds):
    """Images a second of an endless iterator of batches, once what was ready is used up."""
    for _ in itertools.islice(batches, WARM_UP):
        pass
    begun, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds:
        count += next(batches)[0].shape[0]
    return count / spent


def measures(found, seconds):
    """What measures each pair of a source and an augmentation that it can take."""
    for name, data, size, job in found:
        for label, augment in AUGMENT.items():
            if job != "classify" and label not in ("none", "auto"):
                continue
            change = augmentation.named(augment, data, 30, job=job)
            make = partial(datasets.batches, data, "train", size, augment=change, epochs=(0, EPOCHS))
            yield (name, label), lambda make=make: rate(iter(make()), seconds)


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        found = list(sources(folder, options.images))
        rates = in_turn(dict(measures(found, options.seconds)), options.rounds)
    rows = []
    for name, *_ in found:
        shown = [spread(rates[name, label], ",.0f") if (name, label) in rates else "-" for label in AUGMENT]
        rows.append([name, *shown])
    print("Images a second, median and range of the rounds, by `augment=`:\n")
    table(["source", *(label for label in AUGMENT)], rows)
    figures(inputs={name: statistics.median(rates[name, "auto"]) for name, *_ in found})


if __name__ == "__main__":
    main()
