r"""What pretraining is worth: accuracy against images per class, with a pretrained backbone and from scratch.

Pretrained: the frozen backbone's features of each image and of one augmented view, and a head on them that begins at
the means of the classes and trains for 20 epochs, as `finetune(unfreeze=None, views=1)` does. From scratch: a small
`fastnet` by `classify`, on the same images, shrunk to `--scratch-size`; few images are repeated, augmented anew each
time, so that an epoch has 20 steps all the same. Each seed is another draw of the images and of initial weights.

Judged are the networks of the last epoch, on the test images, or the validation images where there is no test split.

    python benchmarks/pretraining.py --data hymenoptera/
    python benchmarks/pretraining.py --data cifar10 --image-size 128 --scratch-size 32 --scratch-rate 0.002 \
        --most 500 --test 1000
"""

import argparse
import inspect
import statistics
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np

from kerascnn import augmentation, backbones, blocks, losses, optimizers, plots, schedules, training
from kerascnn import data as datasets
from kerascnn.data.dataset import from_sources
from kerascnn.data.sources import Subset
from kerascnn.metrics import SparseCategoricalAccuracy
from recipes import classify, finetune
from recipes.finetune import HEAD_RATE

HEAD = "probabilities"
HEAD_EPOCHS, VIEWS, EPOCHS, DROPOUT, SMOOTHING = (  # what `finetune` takes unless told otherwise
    inspect.signature(finetune).parameters[name].default
    for name in ("head_epochs", "head_views", "epochs", "dropout", "label_smoothing")
)
SCRATCH = {"model": "fastnet", "optimizer": "adamw", "precision": "float32"}
LEAST = 160  # rows of an epoch from scratch: 20 steps of 8


def main():
    options = arguments()
    train, judged, names = pool(options)
    counts = np.bincount(train[1], minlength=len(names))
    print(f"{len(train[1])} images to draw from, {counts.min()} or more a class; {len(judged[1])} to judge")
    begun = time.perf_counter()
    found = features(train, judged, names, options)
    print(f"features: {time.perf_counter() - begun:.0f} s", flush=True)
    ways = {
        f"{options.backbone}, pretrained": partial(pretrained, found),
        f"{SCRATCH['model']}, from scratch": partial(scratch, train, judged, names, options),
    }
    reached = {way: [] for way in ways}
    for wanted in options.per_class:
        for way, accuracy in ways.items():
            begun = time.perf_counter()
            rows = [drawn(train[1], wanted, seed) for seed in range(options.seeds)]
            figures = [100 * accuracy(chosen, seed) for seed, chosen in enumerate(rows)]
            reached[way].append((wanted, len(rows[0]) / len(names), figures))
            seconds = time.perf_counter() - begun
            print(f"{wanted} a class, {way}: {told(figures)}  ({seconds:.0f} s)", flush=True)
    print("\n".join(table(reached)))
    if options.save:
        title = f"{Path(options.data).name}: {len(names)} classes, {options.seeds} seeds"
        plots.save(plots.learning_curve(as_curves(reached), title=title), options.save)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="a folder with one sub-folder a class, or a tfds name")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--image-size", type=int, default=224, help="pixels for the backbone")
    parser.add_argument("--scratch-size", type=int, default=64, help="pixels for the network from scratch")
    parser.add_argument("--scratch-epochs", type=int, default=20)
    parser.add_argument("--scratch-rate", type=float, default=1e-3)
    parser.add_argument("--per-class", nargs="+", default=["1", "5", "10", "20", "50", "all"])
    parser.add_argument("--most", type=int, help="images a class that 'all' stands for; all there are unless given")
    parser.add_argument("--test", type=int, help="images to judge by, drawn; all there are unless given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--save", type=Path, metavar="PICTURE")
    return parser.parse_args()


def pool(options):
    """The images to draw from and those to judge by, as arrays, and the names of the classes."""
    size = options.image_size if Path(options.data).is_dir() else None  # tfds sets have a size of their own
    whole = datasets.load(options.data, image_size=size, resize="crop")
    split = "test" if "test" in whole.splits else "validation"
    kept = drawn(whole.labels("train"), options.most or "all", seed=0)
    judges = np.random.default_rng(0).permutation(whole.size(split))[: options.test]
    return fetched(whole, "train", kept), fetched(whole, split, np.sort(judges)), whole.class_names


def fetched(data, split, rows):
    images, labels = data.sources[split].fetch(rows)
    return np.asarray(images), np.asarray(labels)


def drawn(labels, wanted, seed):
    """Sorted rows of `wanted` examples of each class, or of "all"; fewer where a class has fewer."""
    count = len(labels) if wanted == "all" else int(wanted)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    draws = [np.random.default_rng([seed, number]).permutation(rows)[:count] for number, rows in enumerate(classes)]
    return np.sort(np.concatenate(draws))


def features(train, judged, names, options):
    """What the frozen backbone makes of all images, the augmented views of those to draw from behind the plain ones."""
    data = datasets.load((train, judged), image_size=options.image_size, class_names=names)
    base = backbones.backbone(options.backbone, data.image_shape)
    below = keras.Model(base.input, blocks.global_pool(base.output, name="pool"))
    augment = augmentation.named("auto", data, epochs=EPOCHS, job="finetune")
    return training.features(below, data, views=VIEWS, augment=augment, verbose=0)


def pretrained(found, rows, seed):
    """The accuracy of a head that trains on the features of these images, each as it is and augmented."""
    keras.utils.set_random_seed(seed)
    source = found.sources["train"]
    seen = np.concatenate([rows + view * source.size // VIEWS for view in range(VIEWS)])
    plain = from_sources({"train": Subset(source, rows), "validation": found.sources["validation"]}, found.class_names)
    data = from_sources({**plain.sources, "train": Subset(source, seen)}, found.class_names)
    batch_size = datasets.suited_batch_size(plain)
    inputs = keras.Input(found.image_shape)
    head = keras.Model(inputs, blocks.classifier(inputs, found.classes, dropout=DROPOUT, name=HEAD))
    training.begin_with_nearest_mean(head.get_layer(HEAD), *fetched(plain, "train", np.arange(len(rows))))
    rate = schedules.named("one-cycle", HEAD_RATE, HEAD_EPOCHS, datasets.steps_per_epoch(data, batch_size))
    head.compile(
        optimizers.adamw(rate),
        losses.SparseCategoricalCrossentropy(label_smoothing=SMOOTHING),
        metrics=[SparseCategoricalAccuracy()],
    )
    fitted = training.run(head, data, epochs=HEAD_EPOCHS, batch_size=batch_size, seed=seed, keep="last", verbose=0)
    return fitted.history["val_accuracy"][-1]


def scratch(train, judged, names, options, rows, seed):
    """The accuracy of a small network that has seen these images only."""
    repeated = np.resize(rows, max(len(rows), LEAST))
    images = (train[0][repeated], train[1][repeated])
    data = datasets.load((images, judged), image_size=options.scratch_size, class_names=names)
    result = classify(
        data, epochs=options.scratch_epochs, learning_rate=options.scratch_rate, seed=seed, verbose=0, **SCRATCH
    )
    return result.history["val_accuracy"][-1]


def told(figures):
    spread = statistics.stdev(figures) if len(figures) > 1 else 0.0
    return f"{statistics.mean(figures):.1f} ± {spread:.1f}"


def table(reached):
    """The lines of a table in Markdown."""
    ways = list(reached)
    yield "| images a class | " + " | ".join(ways) + " |"
    yield "|---:" * (1 + len(ways)) + "|"
    for cells in zip(*reached.values(), strict=True):
        wanted, count, _ = cells[0]
        label = f"all ({count:.0f})" if wanted == "all" else wanted
        yield f"| {label} | " + " | ".join(told(figures) for *_, figures in cells) + " |"


def as_curves(reached):
    return {way: {count: figures for _, count, figures in cells} for way, cells in reached.items()}


if __name__ == "__main__":
    main()
