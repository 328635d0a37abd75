"""One-shot classification of handwritten characters of alphabets that training never saw, as Lake et al. pose it.

    python benchmarks/oneshot.py --train images_background_small1.zip --test images_background_small2.zip
    python benchmarks/oneshot.py --train images_background_small1.zip --without Greek

An episode has 20 characters of one alphabet, each known by one drawing of one person; 20 drawings by another are to be
recognised, each by itself. Training sees the alphabets of `--train` alone, each character in four turns, which count as
four characters. `--without` leaves an alphabet out of training and judges on it, for development. Both are files of the
Omniglot repository (Lake et al. 2015, https://doi.org/10.1126/science.aab3050). Alphabets of `--test` that `--train`
has too are left out.
"""

import argparse
import dataclasses
import time

import numpy as np

from kerascnn import data as datasets
from kerascnn import metrics
from kerascnn.augmentation import Elastic, Pipeline, Rotate, Shear, Shift, Zoom
from recipes import embed

DRAWINGS = 20  # of each character, each by another person, in the same order
MODEL = "convnet(filters=(32, 64, 96, 128), depths=(1, 2, 2, 2), strides=(2, 2, 2, 2))"


def main():
    options = arguments()
    images, labels, names = characters(options.train, options.image_size)
    if options.without:
        kept = np.array([alphabet(name) != options.without for name in names])[labels]
        test = images[~kept], labels[~kept], names
        images, labels = images[kept], labels[kept]
    else:
        test = characters(options.test, options.image_size)
        known = {alphabet(name) for name in names}
        fresh = np.array([alphabet(name) not in known for name in test[2]])[test[1]]
        test = test[0][fresh], test[1][fresh], test[2]
    begun = time.perf_counter()
    result = embed(
        turned(images, labels, names), loss=options.loss, distance="cosine", dimensions=256, model=options.model,
        pooling="flatten", classes_per_batch=options.classes, images_per_class=4, within_groups=options.within_groups,
        epochs=options.epochs, learning_rate=options.rate, augment=pipeline(), precision=options.precision,
        seed=options.seed, pictures=False, verbose=2, save_to=options.save_to,
    )  # fmt: skip
    print(f"trained in {time.perf_counter() - begun:.0f} s")
    judge(result.model, *test, views=options.views, seed=options.seed)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True)
    parser.add_argument("--test")
    parser.add_argument("--without", help="an alphabet of the training set that is judged instead of --test")
    parser.add_argument("--image-size", type=int, default=56)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--loss", default="supervised-contrastive")
    parser.add_argument("--classes", type=int, default=20, help="a step")
    parser.add_argument("--within-groups", action="store_true")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--precision", default="auto")
    parser.add_argument(
        "--views", type=int, default=9, help="of each drawing, moved a little, whose vectors are averaged"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-to")
    options = parser.parse_args()
    if not options.test and not options.without:
        parser.error("pass --test or --without")
    return options


def characters(file, size):
    """Drawings `(n, size, size, 1)`, ink white; their characters, and the names of these, alphabet/character."""
    found = datasets.load(file, nested=True, image_size=size, color="grey", validation=0)
    parts = [each for each in datasets.plain_batches(found, "train", 512).as_numpy_iterator()]
    images, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    return 255 - images, labels, found.class_names


def alphabet(name):
    return name.partition("/")[0]


def turned(images, labels, names):
    """The drawings in four turns as a `Data`, two drawings of each character held out."""
    classes, labels = np.unique(labels, return_inverse=True)
    names = [names[i] for i in classes]
    x = np.concatenate([np.rot90(images, turns, axes=(1, 2)) for turns in range(4)])
    y = np.concatenate([labels + turns * len(names) for turns in range(4)])
    titles = tuple(f"{name} turned {90 * turns}" for turns in range(4) for name in names)
    data = datasets.load((x, y), class_names=titles, validation=0.1)
    groups = {f"{alphabet(name)} {name.rsplit(' ', 1)[1]}": None for name in titles}
    numbers = {name: number for number, name in enumerate(groups)}
    of = tuple(numbers[f"{alphabet(name)} {name.rsplit(' ', 1)[1]}"] for name in titles)
    return dataclasses.replace(data, groups=of)


def pipeline():
    return Pipeline(Rotate(15), Zoom(0.15), Shear(10), Shift(0.1), Elastic(2), border="zero")


def judge(model, images, labels, names, *, views, seed):
    """Prints the error of all alphabets, and of each."""
    moved = Pipeline(Rotate(8), Zoom(0.08), Shear(6), Shift(0.04), border="zero")
    indices = np.arange(len(images))
    seen = [images, *(np.asarray(moved.apply(images, indices, view, seed)) for view in range(1, views))]
    vectors = np.mean([model.predict(each, batch_size=256, verbose=0) for each in seen], axis=0)
    groups = np.unique([alphabet(name) for name in names], return_inverse=True)[1]
    drawers = np.zeros(len(labels), int)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        drawers[rows] = np.arange(len(rows)) % DRAWINGS
    options = {"distance": "cosine", "ways": 20, "shots": 1, "count": 2000, "seed": seed, "drawers": drawers}
    found = metrics.episodes(vectors, labels, groups=groups, **options)
    low, high = 1 - found.high, 1 - found.low
    print(f"error of 20-way one-shot classification: {1 - found.accuracy:.2%} ({low:.2%} to {high:.2%})")
    for group in np.unique(groups[np.unique(labels)]):
        rows = groups[labels] == group
        own = metrics.episodes(vectors[rows], labels[rows], **{**options, "drawers": drawers[rows]})
        print(f"  {alphabet(names[np.flatnonzero(groups == group)[0]])}: {1 - own.accuracy:.2%}")


if __name__ == "__main__":
    main()
