"""What augmentation costs: images a second of our pipelines beside others, alternating in one run on the same cores.

- `keras`: five geometric steps, ours and Keras' five layers, both in one batched map of tf.data.
- `albumentations`: the same, beside a mirroring and one `Affine` of albumentations (where it is installed).
- `randaugment`: ours beside Keras', at 64 pixels.
- `colour`: four colour steps added to the five geometric ones.
- `targets`: masks and eight boxes an image added to the five geometric ones.

Images are uint8 RGB in memory, in batches of 128 up to 64 pixels and of 32 above. Ours and albumentations' stay uint8,
Keras' become float32, as its layers make them.

    python benchmarks/augmentation.py
    python benchmarks/augmentation.py --only keras albumentations --size 224 --seconds 5 --rounds 5
"""

import argparse
import importlib.util
import os
import statistics
import time

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or it asks the network for its newest version

import keras
import numpy as np
import tensorflow as tf

from kerascnn.augmentation import (
    Brightness,
    Contrast,
    Hue,
    Pipeline,
    RandAugment,
    RandomFlip,
    Rotate,
    Saturation,
    Shear,
    Shift,
    Zoom,
)

GEOMETRY = (RandomFlip("horizontal"), Shift(0.1), Rotate(18), Shear(10), Zoom(0.1))
COLOUR = (Brightness(0.2), Contrast(0.2), Saturation(0.2), Hue(0.05))
WARM = 6  # batches that are not counted
CALLS = 2  # of the map, at a time


def keras_stack():
    layers = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomTranslation(0.1, 0.1),
        keras.layers.RandomRotation(18 / 360),
        keras.layers.RandomShear(0.176, 0.176),
        keras.layers.RandomZoom(0.1),
    ]

    def change(batch):
        images = batch["images"]
        for layer in layers:
            images = layer(images, training=True)
        return images

    return change


def keras_randaugment():
    layer = keras.layers.RandAugment(value_range=(0, 255), num_ops=2, factor=0.3)
    return lambda batch: layer(batch["images"], training=True)


def albumentations_stack():
    import albumentations
    import cv2

    affine = albumentations.Affine(
        scale=(1 / 1.1, 1.1), translate_percent=(-0.1, 0.1), rotate=(-18, 18), shear=(-10, 10), p=1,
        border_mode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    both = albumentations.Compose([albumentations.HorizontalFlip(p=0.5), affine])

    def changed(images):
        return np.stack([both(image=image)["image"] for image in images])

    return lambda batch: tf.numpy_function(changed, [batch["images"]], tf.uint8)


def ours(*transforms, only_images=True):
    pipeline = Pipeline(*transforms)

    def change(batch):
        given = {key: value for key, value in batch.items() if key != "indices"}
        return pipeline(given["images"] if only_images else given, batch["indices"], 0, 0)

    return change


COMPARISONS = {
    "keras": (lambda: ours(*GEOMETRY), keras_stack, (32, 224), "Keras layers"),
    "albumentations": (lambda: ours(*GEOMETRY), albumentations_stack, (32, 224), "albumentations"),
    "randaugment": (lambda: ours(RandAugment(2, 9)), keras_randaugment, (64,), "Keras RandAugment"),
    "colour": (lambda: ours(*GEOMETRY, *COLOUR), lambda: ours(*GEOMETRY), (32, 224), "without colour"),
    "targets": (lambda: ours(*GEOMETRY, only_images=False), lambda: ours(*GEOMETRY), (32, 224), "images only"),
}
"""Ours, what it is compared with, at which sizes in pixels, and the name of the other."""


def examples(size):
    """A batch of noise with masks and boxes; what an image shows does not change its cost."""
    rng, n = np.random.default_rng(0), 128 if size <= 64 else 32
    low = rng.uniform(0, size / 2, (n, 8, 2))
    boxes = np.concatenate([low, low + rng.uniform(size / 8, size / 2, (n, 8, 2))], axis=-1).astype("float32")
    return {
        "images": rng.integers(0, 256, (n, size, size, 3), "uint8"),
        "segmentation_masks": rng.integers(0, 5, (n, size, size), "uint8"),
        "bounding_boxes": {"boxes": boxes, "labels": rng.integers(0, 5, (n, 8)).astype("int32")},
        "indices": np.arange(n),
    }


def flow(change, batch):
    endless = tf.data.Dataset.from_tensors(batch).repeat()
    return endless.map(change, num_parallel_calls=CALLS, deterministic=True).prefetch(1)


def rate(dataset, batch, seconds):
    """Images a second, once the buffers are empty."""
    iterator, count = iter(dataset), 0
    for _ in range(WARM):
        next(iterator)
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        next(iterator)
        count += len(batch["images"])
    return count / spent


def compare(name, size, seconds, rounds):
    """A line of the table: both rates and their ratio, medians over the rounds."""
    make, make_other, _, other = COMPARISONS[name]
    batch = examples(size)
    flows = [flow(build(), batch) for build in (make, make_other)]
    rates = np.array([[rate(each, batch, seconds) for each in flows] for _ in range(rounds)])
    mine, theirs = np.median(rates, axis=0)
    ratio = statistics.median((rates[:, 0] / rates[:, 1]).tolist())
    words = f"{ratio:.2f} times as fast" if name not in ("colour", "targets") else f"{1 / ratio - 1:+.0%} time"
    print(f"| {name} | {size} | {mine:,.0f} | {theirs:,.0f} ({other}) | {words} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(COMPARISONS), default=list(COMPARISONS))
    parser.add_argument("--size", type=int, nargs="+", help="pixels a side; the default depends on the comparison")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, in turn")
    arguments = parser.parse_args()
    print("| comparison | pixels | ours, images a second | other | ours |\n|---|---|---|---|---|")
    for name in arguments.only:
        if name == "albumentations" and importlib.util.find_spec(name) is None:
            print("| albumentations | | | is not installed | |")
            continue
        for size in arguments.size or COMPARISONS[name][2]:
            compare(name, size, arguments.seconds, arguments.rounds)


if __name__ == "__main__":
    main()
