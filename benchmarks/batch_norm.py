"""Training step with Keras' BatchNormalization and with ours, alternating in one run.

python benchmarks/batch_norm.py --filters 16 --depth 9 --precision mixed_bfloat16
"""

import argparse
import statistics
import time

import keras
import numpy as np

from kerascnn import blocks, layers

KINDS = {"keras": keras.layers.BatchNormalization, "kerascnn": layers.BatchNormalization}
WARM_UP = 3  # steps that build the graph and settle the memory


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filters", type=int, default=16, help="channels of the first of three stages")
    parser.add_argument("--depth", type=int, default=9, help="residual blocks, three stages together; 9 is ResNet-20")
    parser.add_argument("--batch", type=int, default=128, help="images a step")
    parser.add_argument("--precision", default="float32", choices=["float32", "mixed_bfloat16", "mixed_float16"])
    parser.add_argument("--image-size", type=int, default=32, help="pixels a side")
    parser.add_argument("--steps", type=int, default=30, help="steps timed of each, one after the other")
    return parser.parse_args()


def network(kind, options):
    x = inputs = keras.Input((options.image_size, options.image_size, 3))
    style = {"normalization": kind}
    x = blocks.conv(x, options.filters, **style, name="stem")
    for index in range(options.depth):
        stage = 3 * index // options.depth
        strides = 2 if stage > 3 * (index - 1) // options.depth and index else 1
        x = blocks.residual(x, options.filters * 2**stage, strides=strides, **style, name=f"block{index}")
    model = keras.Model(inputs, blocks.classifier(x, 10, name="probabilities"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def milliseconds(model, images, labels):
    start = time.perf_counter()
    model.train_on_batch(images, labels)
    return 1000 * (time.perf_counter() - start)


def main():
    options = arguments()
    keras.config.set_dtype_policy(options.precision)
    random = np.random.default_rng(0)
    images = random.random((options.batch, options.image_size, options.image_size, 3), dtype="float32")
    labels = random.integers(0, 10, options.batch)
    models = {name: network(kind, options) for name, kind in KINDS.items()}
    times = {name: [] for name in models}
    for _ in range(WARM_UP + options.steps):
        for name, model in models.items():
            times[name].append(milliseconds(model, images, labels))
    medians = {name: statistics.median(values[WARM_UP:]) for name, values in times.items()}
    print(", ".join(f"{name} {value}" for name, value in vars(options).items()))
    for name, value in medians.items():
        print(f"{name:>9}  {value:8.1f} ms a step, fastest {min(times[name]):.1f}")
    print(f"    ratio  {medians['keras'] / medians['kerascnn']:8.2f}")


if __name__ == "__main__":
    main()
