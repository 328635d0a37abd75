"""A folder with one sub-folder a class, perhaps under `train`, `validation` and `test`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.images import common_size
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.sources import Arrays, Files, Subset
from kerascnn.data.splits import carve, check_classes
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
NOT_IMAGES = ("thumbs.db", "desktop.ini")  # that systems leave in any folder; hidden files are passed over too
LISTED = 20  # bad files named in an error
LAYOUT = "Give each class a sub-folder of images, perhaps inside train, validation and test folders."


class Tree(Protocol):
    """Where folders and files are: on the disk, or in an archive."""

    lasts: bool  # whether files can be read later too

    def folders_in(self, folder: Path) -> list[Path]:
        """The folders directly in `folder` that are not hidden."""

    def files_below(self, folder: Path) -> list[Path]:
        """The files below `folder` that are not hidden."""

    def opened(self, path: Path) -> Path | BinaryIO:
        """What Pillow reads for the file at `path`."""


def from_folder(root: Path, options: Options, tree: Tree | None = None) -> Data:
    """The images below `root`, all decoded once; in memory if they fit, else read again whenever they are needed.

    `tree` is where they are, by default the disk. Raises ValueError for a layout without classes, an empty class, and
    bad files (all of them in one error, up to 20 by name) unless `options.skip_bad`.
    """
    tree = tree or Disk()
    class_names, listing = _listing(root, tree, options.nested)
    report = {"warnings": [], "skipped": []}
    sizes, bad = headers([path for path, _, _ in listing], tree.opened)
    whole = [i for i, (path, _, _) in enumerate(listing) if path not in bad]
    if not whole:
        complain(root, bad)
    image_shape = common_shape(sizes[whole], options, report)
    listing = [listing[i] for i in whole]
    report["bytes"] = len(listing) * int(np.prod(image_shape))
    keep = report["in_memory"] = _fits(root, report["bytes"], tree, options)
    paths = [path for path, _, _ in listing]
    images, cut = decode_all(paths, image_shape, options.resize, keep=keep, opened=tree.opened)
    bad |= cut
    if bad and not (options.skip_bad and len(cut) < len(listing)):
        complain(root, bad)
    report["skipped"] = skipped(root, bad)
    sources = carve(_sources(listing, images, bad, image_shape, options), options, report)
    check_classes(sources["train"].labels, class_names, report)
    groups = groups_of(class_names) if options.nested else ()
    return from_sources(sources, class_names, name=root.resolve().name, report=report, groups=groups)


def groups_of(class_names: Sequence[str]) -> tuple[int, ...]:
    """The group of each class of nested folders, numbered by their names.

    >>> groups_of(["Greek/alpha", "Greek/beta", "Latin/a"])
    (0, 0, 1)
    """
    return tuple(np.unique([name.partition("/")[0] for name in class_names], return_inverse=True)[1].tolist())


def _listing(root: Path, tree: Tree, nested: bool) -> tuple[list[str], list[tuple[Path, int, str]]]:
    """The class names, and `(path, label, split)` of every file."""
    folders = tree.folders_in(root)
    if not folders:
        raise ValueError(checks.message("data", "be a folder of class folders", str(root), LAYOUT))
    roots = _split_roots(root, folders, tree) or {"train": root}
    labels = {name: label for label, name in enumerate(_class_folders(roots["train"], tree, nested))}
    listing = []
    for split, split_root in roots.items():
        for name, folder in _class_folders(split_root, tree, nested).items():
            if name not in labels:
                raise ValueError(checks.message("data", f"have the classes of train in {split}", str(folder), LAYOUT))
            files = tree.files_below(folder)
            if not files:
                mend = "Delete it or fill it."
                raise ValueError(checks.message("data", "have images in each class folder", str(folder), mend))
            listing += [(path, labels[name], split) for path in files]
    return list(labels), listing


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
    found = {SPLIT_FOLDERS.get(folder.name.lower()): folder for folder in folders if tree.folders_in(folder)}
    if "train" not in found:
        return {}
    if None in found or len(found) < len(folders):
        rule = "have one folder of class folders for each split, and none else, beside that of train"
        mend = f"Move the others out of {str(root)!r}."
        raise ValueError(checks.message("data", rule, [folder.name for folder in folders], mend))
    return {split: found[split] for split in SPLITS if split in found}


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in `folder` that are not hidden."""
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def files_below(folder: Path) -> list[Path]:
    """The files below `folder`, without those that are hidden or in hidden folders."""
    found = []
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]  # os.walk goes into what is left
        shown = (name for name in names if not name.startswith(".") and name.lower() not in NOT_IMAGES)
        found += [Path(place, name) for name in shown]
    return sorted(found)


class Disk:
    """The files of this machine."""

    lasts = True
    folders_in = staticmethod(folders_in)
    files_below = staticmethod(files_below)
    opened = staticmethod(Path)


def common_shape(sizes, options: Options, report) -> tuple[int, int, int]:
    """The shape that images of `sizes` `(n, 3)` are brought to, with what that means for them in the report."""
    height, width = options.image_size or common_size(sizes[:, :2])
    resized = int((sizes[:, :2] != (height, width)).any(axis=1).sum())
    report.update(resize=options.resize if resized else None, resized=resized, image_size=[height, width])
    return height, width, options.color_channels or int(sizes[:, 2].max())


def _sources(listing, images, bad, image_shape, options: Options):
    labels = [label for _, label, _ in listing]
    if images is None:
        whole = Files([path for path, _, _ in listing], labels, image_shape, options.resize)
    else:
        whole = Arrays(images, labels, [path for path, _, _ in listing])
    rows = {split: [] for split in SPLITS}
    for i, (path, _, split) in enumerate(listing):
        if path not in bad:
            rows[split].append(i)
    return {split: Subset(whole, members) for split, members in rows.items() if members}


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
