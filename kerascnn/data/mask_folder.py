"""A folder of images and masks, matched by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data.coding import check_pixels_of, coding, names_of, pixels_of, presence, present_in
from kerascnn.data.dataset import Data, from_sources
from kerascnn.data.folder import common_shape, complain, skipped
from kerascnn.data.images import read_image
from kerascnn.data.masks import Look, fit_mask, is_jpeg, look, read_mask
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.pairing import Pair, carved, listed
from kerascnn.data.sources import Made, Pairs
from kerascnn.data.splits import warn
from kerascnn.data.survey import decode_all, each_file, headers

RULE = "hold whole pairs of images and masks"


@dataclass(frozen=True)
class Reader:
    """Reads pairs: `tables` are what the values of a mask mean, in a PNG file, say, and in a JPEG file."""

    pairs: Sequence[Pair]
    image_shape: tuple[int, int, int]
    tables: tuple[np.ndarray, np.ndarray]
    multi_label: bool
    resize: str

    def mask(self, number: int) -> np.ndarray:
        """The mask of a pair, in classes and in its size."""
        masks = [self.tables[is_jpeg(path)][read_mask(path)] for path in self.pairs[number].targets]
        whole = np.stack(masks, axis=-1) if self.multi_label else masks[0]
        return fit_mask(whole, self.image_shape[:2], self.resize)

    def __call__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The image and the mask of a pair."""
        *size, channels = self.image_shape
        return read_image(self.pairs[number].image, size, self.resize, channels), self.mask(number)

    @property
    def target_shape(self) -> tuple[int, ...]:
        """The shape of one mask."""
        return (*self.image_shape[:2], *([len(self.pairs[0].targets)] if self.multi_label else []))


def from_mask_folder(root: Path, options: Options) -> Data:
    """The pairs below `root`, all decoded once; in memory if they fit, else read again whenever they are needed.

    Raises ValueError for images and masks without each other, of other sizes than each other or unreadable (all of them
    in one error, up to 20 by name) unless `options.skip_bad`; for values of masks that are no class; and for a class
    without a training pixel.
    """
    report = {"warnings": [], "skipped": []}
    listing = listed(root, "masks", report)
    sizes, looks, bad = _looked_at(listing.pairs)
    bad |= listing.bad
    whole = [i for i, pair in enumerate(listing.pairs) if not pair.among(bad)]
    if not whole:
        complain(root, bad, RULE)
    pairs, image_shape = [listing.pairs[i] for i in whole], common_shape(sizes[whole], options, report)
    report["bytes"] = len(pairs) * int(np.prod(image_shape[:2])) * (image_shape[2] + len(pairs[0].targets))
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    images, cut = decode_all([pair.image for pair in pairs], image_shape, options.resize, keep=report["in_memory"])
    bad |= cut
    if bad and not (options.skip_bad and len(cut) < len(pairs)):
        complain(root, bad, RULE)
    report["skipped"] = skipped(root, bad)
    tables, class_names, pixels = _classes(root, pairs, looks, listing.class_names, options, report)
    reader = Reader(pairs, image_shape, tables, listing.class_names is not None, options.resize)
    sources = carved(_source(reader, images, pixels), pairs, bad, options, report)
    counts = {split: source.counts for split, source in sources.items()}
    check_pixels_of(counts, class_names, report, multi_label=reader.multi_label)
    return from_sources(sources, class_names, name=root.resolve().name, report=report, targets="masks")


def _looked_at(pairs: Sequence[Pair]) -> tuple[np.ndarray, dict[Path, Look], dict[Path, str]]:
    """The size of each image, what each mask holds, and why files are bad."""
    sizes, bad = headers([pair.image for pair in pairs])
    masks = [path for pair in pairs for path in pair.targets]
    looks: dict[Path, Look] = {}

    def work(i):
        looks[masks[i]] = look(read_mask(masks[i]))

    bad |= each_file(work, masks, "Looking at masks")
    for pair, size in zip(pairs, sizes[:, :2].tolist(), strict=True):
        for path in pair.targets:
            if pair.image not in bad and path in looks and looks[path].size != tuple(size):
                height, width = looks[path].size
                bad[path] = f"{height} x {width} pixels, its image {size[0]} x {size[1]}"
    return sizes, looks, bad


def _classes(root, pairs, looks, own_names, options, report):
    """What the values of masks mean, the names of the classes and the pixels of each in the masks of `pairs`."""
    paths = [path for pair in pairs for path in pair.targets]
    blurred = [path for path in paths if is_jpeg(path)]
    if blurred:
        text = "masks are JPEG files, which blur the borders of classes: save them as PNG."
        warn(f"{len(blurred)} of {len(paths)} {text}", report)
    exact = [path for path in paths if not (options.class_values and is_jpeg(path))]
    present = present_in({path.relative_to(root).as_posix(): looks[path] for path in exact})
    if own_names:
        table = presence(present, options)
        pixels = pixels_of([looks[path] for path in paths], table, 2)[:, 1].reshape(len(pairs), len(own_names))
        names = options.class_names or own_names
        checks.same_length("class_names", names, "folders of masks", own_names)
        return (table, table), names, pixels
    coded = coding(present, options, report, blurred=bool(blurred))
    tables, names = (coded.table(), coded.table(nearest=True)), names_of(coded, options)
    pixels = [pixels_of([looks[path]], tables[is_jpeg(path)], len(names))[0] for path in paths]
    return tables, names, np.array(pixels)


def _source(reader: Reader, images, pixels) -> Pairs | Made:
    if images is None:
        return Made(len(reader.pairs), reader, reader.image_shape, reader.target_shape, pixels)
    masks = np.zeros((len(images), *reader.target_shape), np.uint8)

    def work(i):
        masks[i] = reader.mask(i)

    bad = each_file(work, [pair.image for pair in reader.pairs], "Reading masks")
    if bad:
        raise OSError(f"The masks of these images could be read no more: {bad}")
    return Pairs(images, masks, pixels)
