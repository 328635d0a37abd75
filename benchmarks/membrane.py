"""Membranes in electron microscopy (ISBI 2012): quality on slices held out, and how it grows with training slices.

The folder has `image/NN.png` and `label/NN.png` (0 membrane, 255 cell). Each fold holds out four slices, which judge
the network once; the epoch that is kept is chosen on a training slice. Printed are the pixel error, the IoU of
membranes and V-Rand (Arganda-Carreras et al. 2015) at the best of nine thresholds, as in the challenge. With `--curve`,
instead, the first fold with fewer training slices, with elastic deformation and without it.

    python benchmarks/membrane.py FOLDER
    python benchmarks/membrane.py FOLDER --curve
"""

import argparse
import time
from pathlib import Path

import numpy as np

from kerascnn import augmentation, metrics, tiling
from kerascnn.augmentation import Brightness, Contrast, Elastic, Pipeline, QuarterTurn, RandomFlip
from kerascnn.data import read_image
from recipes import segment

HELD = 4  # slices of a fold
SYMMETRIES = RandomFlip("horizontal"), QuarterTurn()
LIGHT = Brightness(0.1), Contrast(0.1)
MEMBRANE = 0


def main():
    options = arguments()
    images, masks = slices(options.folder)
    if options.curve:
        for count in options.slices:
            for name, bent in {"symmetries": (), "and elastic": (Elastic(10),)}.items():
                figures = trained(images, masks, 0, count, Pipeline(*SYMMETRIES, *bent, *LIGHT), options)
                print(f"{count:2} slices, {name:11}: {told(figures)}", flush=True)
        return
    rows = []
    for fold in range(options.folds):
        pipeline = Pipeline(*SYMMETRIES, Elastic(10), *LIGHT)
        rows.append(trained(images, masks, fold, len(images) - HELD, pipeline, options))
        print(f"fold {fold}: {told(rows[-1])}", flush=True)
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    print(f"mean of {len(rows)}: {told(means)}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--looks", type=int, default=120, help="patches an epoch, whatever the number of slices")
    parser.add_argument("--patch", type=int, default=256)
    parser.add_argument("--model", default="unet(filters=16, depth=4)")
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--slices", type=int, nargs="+", default=[1, 5, 20], help="of --curve")
    return parser.parse_args()


def slices(folder):
    """Images `(n, height, width, 1)` and masks of classes 0, membrane, and 1, cell."""
    files = sorted((folder / "image").glob("*.png"))
    images, labels = (
        np.stack([read_image(folder / kind / file.name, channels=1) for file in files]) for kind in ("image", "label")
    )
    return images, (labels[..., 0] > 127).astype("uint8")


def trained(images, masks, fold, count, pipeline: augmentation.Pipeline, options):
    """Figures on the slices of a fold, by a network trained with `count` of the others."""
    held = np.arange(len(images)) // HELD == fold
    x, y = images[~held][:count], masks[~held][:count]
    begun = time.perf_counter()
    result = segment(
        ((x, y), (x[:1], y[:1])),
        model=options.model, patch=options.patch, passes=max(1, options.looks // count), epochs=options.epochs,
        loss="crossentropy", augment=pipeline, batch_size=4, verbose=0,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    answers = np.stack([tiling.predict_tiled(result.model, image, mirror=True) for image in images[held]])
    report = metrics.segmentation(metrics.map_confusion(masks[held], answers, 2), ["membrane", "cell"])
    agreement, _ = metrics.v_rand_of_membranes(answers[..., MEMBRANE], masks[held] == MEMBRANE)
    figures = {"pixel_error": report["pixel_error"], "membrane_iou": report["per_class"][MEMBRANE]["iou"]}
    return figures | {"v_rand": agreement.f, "minutes": seconds / 60}


def told(figures):
    return ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in figures.items())


if __name__ == "__main__":
    main()
