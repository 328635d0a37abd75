"""What an autoencoder keeps of an image beside PCA, and what its encoder is worth where few images have labels.

The autoencoder sees all training images and no label. Then a classifier is trained on a few labelled images a class,
which each seed draws anew: by `finetune` on the encoder; on the same network with random weights, frozen; and on that
with all of it trained, which is from scratch. A logistic regression of the codes and one of the pixels stand beside
them. Every network is that of its last epoch: nothing is chosen by other labels than these few. All are judged on the
test images.

    python benchmarks/autoencode.py --data fashion_mnist --seeds 5 --save-to saved_models/runs/fashion_mnist-autoencoder

A finished run in `--save-to` is taken as it is.
"""

import argparse
import statistics
import time
from dataclasses import replace
from functools import partial

import keras
import numpy as np

from kerascnn import data as datasets
from kerascnn import metrics
from recipes import autoencode, finetune

LEAST = 160  # images an epoch, the few repeated: 20 steps of 8
ALL = {"unfreeze": "all", "norms": "trained"}
FRESH = {"head_epochs": 0, "layer_decay": 1.0}  # of a network in which nothing is known yet
SHOWN = ("mse", "mse_pca", "mse_below_pca", "linear_probe_accuracy", "linear_probe_accuracy_pca", "knn_accuracy")


def main():
    options = arguments()
    begun = time.perf_counter()
    result = autoencode(
        options.data, kind=options.kind, code_size=options.code_size, save_to=options.save_to, verbose=2,
        **({"epochs": options.epochs} if options.epochs else {}),
    )  # fmt: skip
    record = result.extras["record"]
    print(f"trained in {record['seconds']:.0f} s, all of it took {time.perf_counter() - begun:.0f} s")
    print(", ".join(f"{name} {result.metrics[name]:.4f}" for name in SHOWN if name in result.metrics), flush=True)
    data = datasets.load(options.data)
    train, test = (arrays(data, split) for split in ("train", "test" if "test" in data.splits else "validation"))
    tune = partial(tuned, pooling=options.pooling)
    whole, fresh = {**ALL, "epochs": options.tuned_epochs}, {**FRESH, "learning_rate": options.scratch_rate}
    ways = {
        "encoder, frozen": partial(tune, result, unfreeze=None),
        "encoder, all of it trained": partial(tune, result, **whole),
        "random encoder, frozen": partial(tune, result, unfreeze=None, random=True),
        "the same network from scratch": partial(tune, result, random=True, **whole, **fresh),
        "logistic regression of codes": partial(regress, partial(encode, result.encoder)),
        "logistic regression of pixels": partial(regress, pixels),
    }
    print(f"{options.per_class} labelled images a class, {len(test[1]):,} to judge by, {options.seeds} seeds")
    reached = {way: judged(way, accuracy, train, test, data.class_names, options) for way, accuracy in ways.items()}
    print("| | accuracy, % | beyond the same network from scratch |\n|---|---:|---:|")
    base = np.array(reached["the same network from scratch"])
    for way, figures in reached.items():
        print(f"| {way} | {told(figures)} | {told(figures - base)} |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--kind", default="conv")
    parser.add_argument("--code-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, help="of the autoencoder; as many as the recipe takes unless given")
    parser.add_argument("--save-to", help="folder of the autoencoder")
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--pooling", default="flatten", help="of the encoder's last map, in all networks")
    parser.add_argument("--tuned-epochs", type=int, default=30, help="of 160 images, in which whole networks train")
    parser.add_argument("--scratch-rate", type=float, default=1e-3, help="learning rate of what is from scratch")
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


def judged(way, accuracy, train, test, names, options):
    """The accuracies in percent that a way reaches, one a seed."""
    begun, figures = time.perf_counter(), []
    for seed in range(options.seeds):
        rows = drawn(train[1], options.per_class, seed)
        figures.append(100 * accuracy((train[0][rows], train[1][rows]), test, names, seed))
    print(f"{way}: {told(figures)}  ({time.perf_counter() - begun:.0f} s)", flush=True)
    return np.array(figures)


def tuned(result, few, test, names, seed, *, random=False, **options):
    """The accuracy of a classifier on the encoder, or on one with weights that have learned nothing."""
    if random:
        keras.utils.set_random_seed(seed)
        result = replace(result, model=keras.models.clone_model(result.model))
    classifier = finetune(splits(few, test, names), backbone=result, seed=seed, verbose=0, pictures=False, **options)
    return classifier.metrics["accuracy"]


def regress(rows_of, few, test, names, seed):
    """The accuracy of a logistic regression of what `rows_of` makes of images."""
    return metrics.linear_probe(rows_of(few[0]), few[1], (rows_of(test[0]), test[1]))


def encode(encoder, images):
    return encoder.predict(images, batch_size=256, verbose=0)


def pixels(images):
    return images.reshape(len(images), -1)


def splits(few, test, names):
    """The few images, repeated so that an epoch has 20 steps, which also stand in the unused validation split."""
    rows = np.resize(np.arange(len(few[1])), max(LEAST, len(few[1])))
    return datasets.load(((few[0][rows], few[1][rows]), few, test), class_names=names)


def arrays(data, split):
    images, labels = data.sources[split].fetch(np.arange(data.size(split)))
    return np.asarray(images), np.asarray(labels)


def drawn(labels, count, seed):
    """Rows of `count` examples of each class."""
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    draws = [np.random.default_rng([seed, number]).permutation(rows)[:count] for number, rows in enumerate(classes)]
    return np.sort(np.concatenate(draws))


def told(figures):
    spread = statistics.stdev(figures) if len(figures) > 1 else 0.0
    return f"{statistics.mean(figures):.1f} ± {spread:.1f}"


if __name__ == "__main__":
    main()
