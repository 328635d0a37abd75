"""One-shot classification of handwritten characters of alphabets that training never saw, as Lake et al. pose it.

    python benchmarks/oneshot.py --train images_background_small1.zip --test images_background_small2.zip
    python benchmarks/oneshot.py --train images_background_small1.zip --without Greek

An episode has 20 characters of one alphabet, each known by one drawing of one person; 20 drawings by another are to be
recognised, each by itself. An alphabet of fewer characters has as many as there are. Training sees the alphabets of
`--train` alone: each character in four turns, which count as four characters, and `--composed` ones, made of two or
three beside or above each other, each drawing of them by one person. `--without` leaves an alphabet out of training
and judges on it, for development. Both are files of the Omniglot repository (Lake et al. 2015,
https://doi.org/10.1126/science.aab3050). Alphabets of `--test` that `--train` has too are left out.
"""

import argparse
import dataclasses
import time

import cv2
import numpy as np

from kerascnn import data as datasets
from kerascnn import metrics
from kerascnn.augmentation import Elastic, Pipeline, Rotate, Shear, Shift, Zoom
from recipes import embed

WAYS = 20
DRAWINGS = 20  # of each character, each by another person, in the same order
MODEL = "convnet(filters=(32, 64, 96, 128), depths=(1, 2, 2, 2), strides=(2, 2, 2, 2))"


def main():
    options = arguments()
    images, labels, names = characters(options.train)
    if options.without:
        kept = np.array([alphabet(name) != options.without for name in names])[labels]
        test = images[~kept], labels[~kept], names
        images, labels = images[kept], labels[kept]
    else:
        test = characters(options.test)
        known = {alphabet(name) for name in names}
        fresh = np.array([alphabet(name) not in known for name in test[2]])[test[1]]
        test = test[0][fresh], test[1][fresh], test[2]
    data = turned(*composed(images, labels, names, options), options.image_size)
    begun = time.perf_counter()
    result = embed(
        data, loss=options.loss, distance="cosine", dimensions=256, model=options.model, pooling="flatten",
        classes_per_batch=options.classes, images_per_class=4, within_groups=options.within_groups,
        epochs=options.epochs, learning_rate=options.rate, augment=pipeline(), precision=options.precision,
        seed=options.seed, pictures=False, verbose=2, save_to=options.save_to,
    )  # fmt: skip
    print(f"trained in {time.perf_counter() - begun:.0f} s")
    judge(result.model, *test, options)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True)
    parser.add_argument("--test")
    parser.add_argument("--without", help="an alphabet of the training set that is judged instead of --test")
    parser.add_argument("--image-size", type=int, default=48)
    parser.add_argument("--composed", type=int, default=400, help="characters made of two or three others")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--loss", default="supervised-contrastive")
    parser.add_argument("--classes", type=int, default=40, help="a step")
    parser.add_argument("--within-groups", action="store_true")
    parser.add_argument("--epochs", type=int, default=30)
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


def characters(file):
    """Drawings `(n, height, width, 1)`, ink white; their characters, and the names of these, alphabet/character."""
    found = datasets.load(file, nested=True, color="grey", validation=0)
    parts = datasets.plain_batches(found, "train", 512).as_numpy_iterator()
    images, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    return 255 - images, labels, found.class_names


def alphabet(name):
    return name.partition("/")[0]


def composed(images, labels, names, options):
    """The ink of the drawings, of new characters too; their labels, and names."""
    rng, drawings, labels, names = (
        np.random.default_rng(options.seed),
        list(map(ink, images)),
        list(labels),
        list(names),
    )
    rows = [np.flatnonzero(np.equal(labels, label)) for label in np.unique(labels)]
    for number in range(options.composed):
        parts = rng.choice(len(rows), rng.integers(2, 4), replace=False)
        axes, gaps = rng.integers(2, size=2), rng.integers(8, size=2)
        for drawing in zip(*(rows[part] for part in parts), strict=True):  # all by one person
            whole = drawings[drawing[0]]
            for row, axis, gap in zip(drawing[1:], axes, gaps, strict=False):
                whole = joined(whole, drawings[row], axis, gap)
            drawings.append(whole)
            labels.append(len(names))
        names.append(f"composed/{number}")
    return drawings, np.array(labels), names


def ink(image):
    """The part of an image `(height, width, 1)` that is drawn on."""
    rows, columns = (np.flatnonzero(image.any(axis=(1 - axis, 2))) for axis in (0, 1))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def joined(one, other, axis, gap):
    """Two drawings above (axis 0) or beside each other (1), their middles in one line, `gap` pixels apart."""
    lengths = [each.shape[1 - axis] for each in (one, other)]
    shape = [0, 0, 1]
    shape[axis], shape[1 - axis] = one.shape[axis] + gap + other.shape[axis], max(lengths)
    whole, start = np.zeros(shape, one.dtype), 0
    for each, length in zip((one, other), lengths, strict=True):
        place = [slice(None)] * 3
        place[axis] = slice(start, start + each.shape[axis])
        place[1 - axis] = slice((max(lengths) - length) // 2, (max(lengths) - length) // 2 + length)
        whole[tuple(place)] = each
        start += each.shape[axis] + gap
    return whole


def centred(drawing, size):
    """A drawing in the middle of `size` x `size` pixels, as large as fits with a margin of a tenth."""
    side = round(max(drawing.shape) / 0.8)
    above, left = ((side - length) // 2 for length in drawing.shape[:2])
    sides = ((above, side - above - drawing.shape[0]), (left, side - left - drawing.shape[1]), (0, 0))
    return cv2.resize(np.pad(drawing, sides), (size, size), interpolation=cv2.INTER_AREA)[..., None]


def turned(drawings, labels, names, size):
    """The drawings in four turns as a `Data`, two drawings of each character held out."""
    classes, labels = np.unique(labels, return_inverse=True)
    images = np.stack([centred(drawing, size) for drawing in drawings])
    x = np.concatenate([np.rot90(images, turns, axes=(1, 2)) for turns in range(4)])
    y = np.concatenate([labels + turns * len(classes) for turns in range(4)])
    whole = [(alphabet(names[label]), turns, names[label]) for turns in range(4) for label in classes]
    groups = {each[:2]: None for each in whole}
    data = datasets.load(
        (x, y), class_names=tuple(f"{name} turned {90 * turns}" for _, turns, name in whole), validation=0.1
    )
    return dataclasses.replace(data, groups=tuple(list(groups).index(each[:2]) for each in whole))


def pipeline():
    return Pipeline(Rotate(15), Zoom(0.15), Shear(10), Shift(0.1), Elastic(2), border="zero")


def judge(model, images, labels, names, options):
    """Prints the error of each alphabet, and their mean."""
    moved = Pipeline(Rotate(8), Zoom(0.08), Shear(6), Shift(0.04), border="zero")
    images, errors = np.stack([centred(ink(image), options.image_size) for image in images]), []
    seen = [
        images,
        *(moved.apply(images, np.arange(len(images)), view, options.seed) for view in range(1, options.views)),
    ]
    vectors = np.mean([model.predict(np.asarray(each), batch_size=256, verbose=0) for each in seen], axis=0)
    of = np.array([alphabet(name) for name in names])[labels]
    for group in np.unique(of):
        rows = np.flatnonzero(of == group)
        rows = rows[np.argsort(labels[rows], kind="stable")]  # of each character all persons, in their order
        ways = min(WAYS, len(np.unique(labels[rows])))
        drawers = np.arange(len(rows)) % DRAWINGS
        found = metrics.episodes(
            vectors[rows], labels[rows], distance="cosine", ways=ways, count=2000, seed=options.seed, drawers=drawers
        )
        errors.append(1 - found.accuracy)
        print(f"{group}, {ways} ways: {errors[-1]:.2%} ({1 - found.high:.2%} to {1 - found.low:.2%})")
    print(f"error of one-shot classification, mean over {len(errors)} alphabets: {np.mean(errors):.2%}")


if __name__ == "__main__":
    main()
