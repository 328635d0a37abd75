"""A folder with one sub-folder a class, perhaps under `train`, `validation` and `test`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.images import common_size
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.paths import Paths, names_below
from kerascnn.data.reading import Readers, Reading
from kerascnn.data.sources import Arrays, Files, Subset
from kerascnn.data.splits import carve, check_classes
from kerascnn.data.storage import Disk, Tree
from kerascnn.data.survey import decode_all, headers

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
LISTED = 20  # bad files named in an error
LAYOUT = "Give each class a sub-folder of images, perhaps inside train, validation and test folders."


class Listing(NamedTuple):
    """The files of a folder, in order, with their labels and the numbers of their splits."""

    paths: Paths
    labels: np.ndarray
    splits: np.ndarray

    def take(self, indices: np.ndarray) -> Listing:
        """Those at `indices`."""
        return Listing(self.paths.take(indices), self.labels[indices], self.splits[indices])


def from_folder(root: PurePath, options: Options, tree: Tree | None = None) -> Data:
    """The images below `root`, all decoded once; in memory if they fit, else read again whenever they are needed.

    `tree` is where they are, by default the disk. Raises ValueError for a layout without classes, an empty class, and
    bad files (all of them in one error, up to 20 by name) unless `options.skip_bad`.
    """
    tree = tree or Disk()
    reading = Reading(tree.opened, options.readers_of(tree))
    class_names, listing = _listing(root, tree, options.nested, reading.readers)
    report = {"warnings": [], "skipped": []}
    sizes, bad = headers(listing.paths, **reading._asdict())
    whole = np.flatnonzero(sizes[:, 0])
    if not whole.size:
        complain(root, bad)
    image_shape = common_shape(sizes[whole], options, report)
    listing = listing.take(whole)
    report["bytes"] = len(listing.paths) * int(np.prod(image_shape))
    keep = report["in_memory"] = _fits(root, report["bytes"], tree, options)
    images, cut = decode_all(listing.paths, image_shape, options.resize, keep=keep, **reading._asdict())
    bad |= cut
    if bad and not (options.skip_bad and len(cut) < len(listing.paths)):
        complain(root, bad)
    report["skipped"] = skipped(root, bad)
    sources = carve(_sources(listing, images, cut, image_shape, options, reading), options, report)
    check_classes(sources["train"].labels, class_names, report)
    groups = groups_of(class_names) if options.nested else ()
    return from_sources(sources, class_names, name=name_of(root), report=report, groups=groups)


def name_of(root: PurePath) -> str:
    """What data in `root` are called."""
    return (root.resolve() if isinstance(root, Path) else root).name


def groups_of(class_names: Sequence[str]) -> tuple[int, ...]:
    """The group of each class of nested folders, numbered by their names.

    >>> groups_of(["Greek/alpha", "Greek/beta", "Latin/a"])
    (0, 0, 1)
    """
    return tuple(np.unique([name.partition("/")[0] for name in class_names], return_inverse=True)[1].tolist())


def _listing(root: PurePath, tree: Tree, nested: bool, readers: int) -> tuple[list[str], Listing]:
    """The class names, and every file."""
    folders = tree.folders_in(root)
    if not folders:
        raise ValueError(checks.message("data", "be a folder of class folders", str(root), LAYOUT))
    roots = _split_roots(root, folders, tree) or {"train": root}
    labels = {name: label for label, name in enumerate(_class_folders(roots["train"], tree, nested))}
    classes = []
    for split, split_root in roots.items():
        for name, folder in _class_folders(split_root, tree, nested).items():
            if name not in labels:
                raise ValueError(checks.message("data", f"have the classes of train in {split}", str(folder), LAYOUT))
            classes.append((folder, labels[name], SPLITS.index(split)))
    return list(labels), _files_of(root, classes, tree, readers)


def _files_of(root: PurePath, classes: list[tuple[PurePath, int, int]], tree: Tree, readers: int) -> Listing:
    """The files of the folder of each class, with its label and split."""
    found = Readers(readers).map(tree.files_below, [folder for folder, _, _ in classes])
    for files, (folder, _, _) in zip(found, classes, strict=True):
        if not len(files):
            mend = "Delete it or fill it."
            raise ValueError(checks.message("data", "have images in each class folder", str(folder), mend))
    counts = [len(files) for files in found]
    _, labels, splits = zip(*classes, strict=True)
    names = chain.from_iterable(names_below(root, files) for files in found)
    return Listing(Paths(root, names), np.repeat(np.int32(labels), counts), np.repeat(np.int8(splits), counts))


def _class_folders(root: Path, tree: Tree, nested: bool) -> dict[str, Path]:
    """The folder of each class by its name, with that of its group where they are nested."""
    inside = {folder: tree.folders_in(folder) if nested else [folder] for folder in tree.folders_in(root)}
    bare = [folder.name for folder, inner in inside.items() if not inner]
    if bare:
        mend = "Leave nested=True out if these are the classes."
        raise ValueError(checks.message("data", "have class folders in each folder of a group", bare[:LISTED], mend))
    return {folder.relative_to(root).as_posix(): folder for inner in inside.values() for folder in inner}


def _fits(root: Path, size: int, tree: Tree, options: Options) -> bool:
    """Whether images of `size` bytes may stay in memory; raises ValueError if they must and may not."""
    fits = size <= options.memory * free_bytes()
    if not (fits or tree.lasts):
        rule = f"hold images that take {options.memory:.0%} of the free memory at most, as they cannot be read again"
        mend = "Unpack it, or pass image_size= or memory=."
        raise ValueError(checks.message("data", rule, f"{root}, {size:,} bytes", mend))
    return fits


def _split_roots(root, folders, tree) -> dict[str, Path]:
    """The folders of the splits, in their order, if one of `folders` is named like the train split and holds folders.

    Raises ValueError if another of `folders` is then no split: it would become a class, and so would `train`.
    """
    if not any(SPLIT_FOLDERS.get(folder.name.lower()) == "train" for folder in folders):
        return {}
    found = {SPLIT_FOLDERS.get(folder.name.lower()): folder for folder in folders if tree.folders_in(folder)}
    if "train" not in found:
        return {}
    if None in found or len(found) < len(folders):
        rule = "have one folder of class folders for each split, and none else, beside that of train"
        mend = f"Move the others out of {str(root)!r}."
        raise ValueError(checks.message("data", rule, [folder.name for folder in folders], mend))
    return {split: found[split] for split in SPLITS if split in found}


def common_shape(sizes, options: Options, report) -> tuple[int, int, int]:
    """The shape that images of `sizes` `(n, 3)` are brought to, with what that means for them in the report."""
    height, width = options.image_size or common_size(sizes[:, :2])
    resized = int((sizes[:, :2] != (height, width)).any(axis=1).sum())
    report.update(resize=options.resize if resized else None, resized=resized, image_size=[height, width])
    return height, width, options.color_channels or int(sizes[:, 2].max())


def _sources(listing: Listing, images, bad, image_shape, options: Options, reading: Reading):
    if images is None:
        whole = Files(listing.paths, listing.labels, image_shape, options.resize, reading)
    else:
        whole = Arrays(images, listing.labels, listing.paths)
    kept = np.array([path not in bad for path in listing.paths]) if bad else np.ones(len(listing.paths), bool)
    rows = {split: np.flatnonzero(kept & (listing.splits == number)) for number, split in enumerate(SPLITS)}
    return {split: Subset(whole, members) for split, members in rows.items() if members.size}


def skipped(root: Path, bad: dict[Path, str]) -> list[str]:
    """A line for each file that is left out, as the report has it."""
    return [f"{path.relative_to(root).as_posix()}: {reason}" for path, reason in sorted(bad.items())]


def complain(root: Path, bad: dict[Path, str], rule: str = "hold readable images only") -> None:
    """Raises ValueError that names the `bad` files below `root`, up to 20, each with its reason."""
    named = [f"{path.relative_to(root).as_posix()} ({reason})" for path, reason in sorted(bad.items())[:LISTED]]
    more = f" and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
    found = f"{len(bad)} bad files in {str(root)!r}: {', '.join(named)}{more}"
    mend = "Mend or delete them, or pass skip_bad=True to train without them."
    raise ValueError(f"`data` must {rule}. Received: {found}. {mend}")
