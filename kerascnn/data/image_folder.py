"""A folder of images whose targets are images: those of the same names beside them, or they themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import Data, from_sources
from kerascnn.data.folder import common_shape, complain, skipped
from kerascnn.data.images import read_image
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.pairing import Pair, carved, has_sides, listed, split_roots
from kerascnn.data.sources import Made, Pairs
from kerascnn.data.storage import files_below
from kerascnn.data.survey import decode_all, headers


def from_image_folder(root: Path, options: Options) -> Data:
    """The images below `root` with their targets; in memory if they fit, else read again whenever they are needed.

    Without folders of two sides each image is its own target. Raises ValueError for files without a partner, of other
    sizes than it or unreadable (all of them in one error, up to 20 by name) unless `options.skip_bad`.
    """
    report = {"warnings": [], "skipped": []}
    pairs, bad = _pairs(root, report)
    sizes, broken = _sizes(pairs)
    bad |= broken
    whole = [i for i, pair in enumerate(pairs) if not pair.among(bad)]
    if not whole:
        complain(root, bad)
    pairs = [pairs[i] for i in whole]
    shapes = [common_shape(each[whole], options, report) for each in sizes]
    report["bytes"] = len(pairs) * sum(int(np.prod(shape)) for shape in shapes)
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    images, cut = _decoded(pairs, shapes, options.resize, report["in_memory"])
    bad |= cut
    if bad and not (options.skip_bad and not all(pair.among(bad) for pair in pairs)):
        complain(root, bad)
    report["skipped"] = skipped(root, bad)
    report["own_targets"] = not any(pair.targets for pair in pairs)
    sources = carved(_source(pairs, shapes, options.resize, images), pairs, bad, options, report)
    return from_sources(sources, (), name=root.resolve().name, report=report, targets="images")


def _pairs(root, report) -> tuple[list[Pair], dict[Path, str]]:
    if has_sides(root, "images"):
        listing = listed(root, "images", report)
        return listing.pairs, listing.bad
    files = {split: files_below(folder) for split, folder in split_roots(root).items()}
    if not files["train"]:
        mend = "Put images in it, or pairs in folders called 'input' and 'target'."
        raise ValueError(checks.message("data", "be a folder with images in it", str(root), mend))
    return [Pair(path, (), split) for split, paths in files.items() for path in paths], {}


def _sizes(pairs) -> tuple[list[np.ndarray], dict[Path, str]]:
    """Heights, widths and channels of the images, and of the targets if there are any, and why files are bad."""
    sizes, bad = headers([pair.image for pair in pairs])
    if not all(pair.targets for pair in pairs):
        return [sizes], bad
    paths = [pair.targets[0] for pair in pairs]
    others, broken = headers(paths)
    for pair, path, size, other in zip(pairs, paths, sizes[:, :2].tolist(), others[:, :2].tolist(), strict=True):
        if size != other and pair.image not in bad and path not in broken:
            broken[path] = f"{other[0]} x {other[1]} pixels, its image {size[0]} x {size[1]}"
    return [sizes, others], bad | broken


def _decoded(pairs, shapes, resize, keep) -> tuple[list, dict[Path, str]]:
    """The arrays of each side, if they are to be kept, and why files are bad."""
    sides = [[pair.image for pair in pairs], [path for pair in pairs for path in pair.targets]]
    read = [decode_all(paths, shape, resize, keep=keep) for paths, shape in zip(sides, shapes, strict=False)]
    return [images for images, _ in read], {path: reason for _, bad in read for path, reason in bad.items()}


def _source(pairs, shapes, resize, arrays) -> Pairs | Made:
    if arrays[0] is not None:
        return Pairs(arrays[0], arrays[-1])

    def make(number):
        paths = (pairs[number].image, *pairs[number].targets)
        found = [read_image(path, shape[:2], resize, shape[2]) for path, shape in zip(paths, shapes, strict=True)]
        return found[0], found[-1]

    return Made(len(pairs), make, shapes[0], shapes[-1])
