"""What `augment="auto"` adds to the accuracy on CIFAR-10 with 5,000 training images, over several seeds.

Each seed is another draw of 5,000 of the training images and of initial weights; 2,000 others choose the epoch, and the
10,000 test images judge. Both sides train the same network on the same images.

    python benchmarks/augmentation_gain.py
"""

import argparse
import dataclasses
import statistics

import numpy as np

from kerascnn import data as datasets
from recipes import classify


def arrays(data, split):
    examples = list(data.split(split).as_numpy_iterator())
    return np.stack([image for image, _ in examples]), np.array([label for _, label in examples], np.int32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--model", default="fastnet")
    parser.add_argument("--images", type=int, default=5000, help="training images")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--augment", nargs="+", default=["none", "auto"])
    options = parser.parse_args()
    whole = datasets.load(options.data)
    (x, y), test = arrays(whole, "train"), arrays(whole, "test")
    reached = {augment: [] for augment in options.augment}
    for seed in range(options.seeds):
        chosen = np.random.default_rng(seed).permutation(len(x))
        parts = [(x[part], y[part]) for part in np.split(chosen[: options.images + 2000], [options.images])]
        data = datasets.load((*parts, test), class_names=whole.class_names)
        data = dataclasses.replace(data, name=options.data)  # by which "auto" knows what they show
        for augment in options.augment:
            result = classify(
                data, model=options.model, epochs=options.epochs, augment=augment, seed=seed, verbose=0,
                precision="mixed_bfloat16",
            )  # fmt: skip
            reached[augment].append(100 * result.metrics["accuracy"])
            print(f"seed {seed}, augment={augment!r}: {reached[augment][-1]:.2f} %", flush=True)
    for augment, figures in reached.items():
        spread = statistics.stdev(figures) if len(figures) > 1 else 0.0
        print(f"augment={augment!r}: {statistics.mean(figures):.2f} % +- {spread:.2f} over {len(figures)} seeds")


if __name__ == "__main__":
    main()
