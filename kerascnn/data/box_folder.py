"""A folder of images with boxes, in the form of Pascal VOC or of COCO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data import coco, voc
from kerascnn.data.annotated import Annotated, Listing, check_counts, targets_of
from kerascnn.data.boxes import count_objects
from kerascnn.data.dataset import Data, from_sources
from kerascnn.data.folder import common_shape, complain, skipped
from kerascnn.data.images import read_image
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.pairing import carved
from kerascnn.data.sources import Made, Pairs
from kerascnn.data.survey import decode_all, headers

RULE = "hold images and annotations that belong together"
LAYOUT = (
    "Pascal VOC has JPEGImages/, Annotations/ and perhaps ImageSets/Main/; COCO has annotations/*.json, or "
    "_annotations.coco.json beside the images of each split."
)


@dataclass(frozen=True)
class Reader:
    """Reads the images of `items` again; `targets` are theirs."""

    items: Sequence[Annotated]
    targets: np.ndarray
    image_shape: tuple[int, int, int]
    resize: str

    def __call__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """An image and its target."""
        *size, channels = self.image_shape
        return read_image(self.items[number].image, size, self.resize, channels), self.targets[number]


def from_box_folder(root: Path, options: Options) -> Data:
    """The images below `root`, all decoded once; in memory if they fit, else read again whenever they are needed.

    Raises ValueError for images and annotations without each other, of other sizes or unreadable (all of them in one
    error, up to 20 by name), and for objects that cannot be used, unless `options.skip_bad`; and for a class without a
    training object.
    """
    report = {"warnings": [], "skipped": []}
    listing = _listing(root, report)
    sizes, bad = headers([item.image for item in listing.items])
    bad |= listing.bad | _of_another_size(listing.items, sizes, bad)
    whole = [i for i, item in enumerate(listing.items) if not item.among(bad)]
    if not whole:
        complain(root, bad, RULE)
    image_shape = common_shape(sizes[whole], options, report)
    names = tuple(options.class_names or listing.class_names)
    report["class_order"] = "as given" if options.class_names else listing.order
    objects, table = [listing.items[i].objects for i in whole], {name: i for i, name in enumerate(names)}
    targets, kept = targets_of(objects, sizes[whole, :2].tolist(), image_shape[:2], table, options, report)
    items = [listing.items[whole[i]] for i in kept]
    report["bytes"] = len(items) * int(np.prod(image_shape)) + targets.nbytes
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    images, cut = decode_all([item.image for item in items], image_shape, options.resize, keep=report["in_memory"])
    bad |= cut
    if bad and not (options.skip_bad and len(cut) < len(items)):
        complain(root, bad, RULE)
    report["skipped"] = skipped(root, bad) + report["skipped"]
    counts = count_objects(targets, len(names))
    if images is None:
        reader = Reader(items, targets, image_shape, options.resize)
        source = Made(len(items), reader, image_shape, targets.shape[1:], counts, "float32")
    else:
        source = Pairs(images, targets, counts)
    sources = carved(source, items, bad, options, report)
    check_counts({split: each.counts for split, each in sources.items()}, names, report)
    return from_sources(sources, names, name=root.resolve().name, report=report, targets=options.targets)


def _listing(root: Path, report) -> Listing:
    if voc.is_voc(root):
        listing = voc.voc(root, report)
    elif coco.json_files(root):
        listing = coco.coco(root, report)
    else:
        rule = "be a folder in the form of Pascal VOC or COCO"
        raise ValueError(checks.message("data", rule, str(root), LAYOUT))
    if not listing.items and not listing.bad:
        raise ValueError(checks.message("data", "have images in its folders", str(root), LAYOUT))
    return listing


def _of_another_size(items: Sequence[Annotated], sizes: np.ndarray, bad) -> dict[Path, str]:
    """The images whose size is another than their annotation says, with both."""
    found = {}
    for item, (height, width) in zip(items, sizes[:, :2].tolist(), strict=True):
        if item.size not in (None, (height, width)) and item.image not in bad:
            said = f"{item.size[0]} x {item.size[1]}"
            found[item.image] = f"{height} x {width} pixels, {said} in {item.objects.where}"
    return found
