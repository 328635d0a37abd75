"""U-Net: steps a second against one written by hand in Keras, and the memory that tiled inference takes.

Both networks have the same convolutions and train on the same batch, in turn: ours in float32 and in bfloat16, the
other with Keras' own layers in float32. With `--memory`, instead, the peak memory of `predict_tiled` on a large image
above that of one batch of tiles, each in a process of its own.

    python benchmarks/unet.py
    python benchmarks/unet.py --memory
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from kerascnn import losses, models, training
from kerascnn.tiling import predict_tiled


def main():
    options = arguments()
    if options.alone:
        print(alone(options))
    elif options.memory:
        memory(options)
    else:
        speed(options)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128, help="pixels of the images' sides")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10, help="of each network in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--pixels", type=int, default=8192, help="side of the image for --memory")
    parser.add_argument("--alone", choices=("batch", "image"), help=argparse.SUPPRESS)
    return parser.parse_args()


def speed(options):
    """Prints the median steps a second of each network, and the ratios to the one by hand."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (options.batch_size, options.size, options.size, 1), "uint8")
    masks = (images[..., 0] > 127).astype("uint8")
    sizes = {"filters": options.filters, "depth": options.depth}
    networks = {"by hand, float32": by_hand(options)}
    for policy in ("float32", "mixed_bfloat16"):
        with training.dtype_policy(policy):
            networks[f"kerascnn, {policy}"] = models.unet((None, None, 1), 2, **sizes)
    for network in networks.values():
        network.compile(keras.optimizers.AdamW(1e-3), losses.MapCrossentropy())
        network.train_on_batch(images, masks)  # compiles
    found = {name: [] for name in networks}
    for _ in range(options.rounds):
        for name, network in networks.items():
            begun = time.perf_counter()
            for _ in range(options.steps):
                network.train_on_batch(images, masks)
            found[name].append(options.steps / (time.perf_counter() - begun))
    plain = statistics.median(found["by hand, float32"])
    for name, speeds in found.items():
        median = statistics.median(speeds)
        print(f"{name}: {median:.2f} steps/s, {median / plain:.2f} times the one by hand")


def by_hand(options):
    """A U-Net as a tutorial writes it: two convolutions a level, Keras' BatchNormalization, transposed convolutions."""

    def twice(x, filters):
        for _ in range(2):
            x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))
        return x

    inputs = keras.Input((options.size, options.size, 1))
    x, skips = keras.layers.Rescaling(1 / 127.5, -1)(inputs), []
    for level in range(options.depth):
        skips.append(twice(x, options.filters * 2**level))
        x = keras.layers.MaxPooling2D(2)(skips[-1])
    x = twice(x, options.filters * 2**options.depth)
    for level in reversed(range(options.depth)):
        x = keras.layers.Conv2DTranspose(options.filters * 2**level, 2, strides=2)(x)
        x = twice(keras.layers.Concatenate()([skips[level], x]), options.filters * 2**level)
    return keras.Model(inputs, keras.layers.Conv2D(2, 1, activation="softmax")(x))


def memory(options):
    """Prints the peak memory of one batch of tiles, and what the whole image takes above it."""
    peaks = {}
    for what in ("batch", "image"):
        command = [sys.executable, *sys.argv, "--alone", what]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        peaks[what] = int(done.stdout.split()[-1]) / 2**20
    more = peaks["image"] - peaks["batch"]
    print(f"a batch of tiles: {peaks['batch']:.2f} GB; {options.pixels} x {options.pixels} pixels: {more:.2f} GB more")


def alone(options):
    """The peak memory in KiB of this process, after one batch of tiles or a whole image from a file into a file."""
    model = models.unet((None, None, 1), 2, filters=options.filters, depth=options.depth)
    if options.alone == "batch":
        model.predict_on_batch(np.zeros((4, 256, 256, 1), "uint8"))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        shape, path = (options.pixels, options.pixels), Path(folder, "image.npy")
        image = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        for row in range(options.pixels):
            image[row] = np.random.default_rng(row).integers(0, 256, options.pixels)
        image.flush()
        predict_tiled(
            model, np.load(path, mmap_mode="r", allow_pickle=False), result="classes", out=Path(folder, "classes.npy")
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
