"""A folder of pairs: images, and masks or other images of the same names in the folder beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kerascnn import checks
from kerascnn.data.dataset import SPLITS
from kerascnn.data.folder import SPLIT_FOLDERS
from kerascnn.data.options import Options
from kerascnn.data.sources import Subset
from kerascnn.data.splits import carve, warn
from kerascnn.data.storage import files_below, folders_in

SIDES = {
    "masks": (
        ("images", "image", "imgs", "img", "inputs", "input"),
        ("masks", "mask", "labels", "label", "annotations", "annotation", "targets", "target"),
    ),
    "images": (("inputs", "input", "noisy", "low"), ("targets", "target", "clean", "high")),
}
"""How the folders of the two sides may be called."""
ENDINGS = ("_mask", "_masks", "_label", "_labels", "_gt", "_seg", "_segmentation")
"""What may stand after the image's name in that of its mask."""


@dataclass(frozen=True)
class Pair:
    """An image, the file of its target (or one mask for each class), and the split that its folder says."""

    image: Path
    targets: tuple[Path, ...]
    split: str

    def among(self, bad: Mapping[Path, str]) -> bool:
        """Whether one of its files is `bad`."""
        return any(path in bad for path in (self.image, *self.targets))


@dataclass
class Listing:
    """All pairs of a folder, the files without a partner with the reason, and the names of classes that have folders.

    These are there where each class has its own masks, in a sub-folder that is called as the class is.
    """

    pairs: list[Pair] = field(default_factory=list)
    bad: dict[Path, str] = field(default_factory=dict)
    class_names: tuple[str, ...] | None = None


def listed(root: Path, kind: str, report) -> Listing:
    """The pairs below `root`, whose targets are of the `kind` "masks" or "images", perhaps under folders of splits.

    Raises ValueError where there are no such folders, and for splits that differ in the classes with own masks.
    """
    listing = Listing()
    for split, (images, targets) in _split_sides(root, kind, report).items():
        names = _class_folders(images, targets) if kind == "masks" else None
        if listing.pairs and names != listing.class_names:
            rule = f"have the class folders of train in {split}"
            raise ValueError(checks.message("data", rule, f"{names}, in train {listing.class_names}"))
        listing.class_names = names
        _match(listing, images, [targets / name for name in names] if names else [targets], split)
    if not listing.pairs and not listing.bad:
        raise ValueError(checks.message("data", "have files in its folders", str(root)))
    return listing


def has_sides(root: Path, kind: str) -> bool:
    """Whether `root`, or a folder in it, holds the folders of both sides of pairs."""
    return any(_sides(folder, kind) for folder in (root, *folders_in(root)))


def split_roots(root: Path) -> dict[str, Path]:
    """The folders in `root` that are called as splits are, in their order; `root` as "train" unless that is there."""
    found = {SPLIT_FOLDERS[folder.name.lower()]: folder for folder in folders_in(root) if _is_split(folder)}
    return {split: found[split] for split in SPLITS if split in found} if "train" in found else {"train": root}


def carved(source, pairs: Sequence[Pair], bad: Mapping[Path, str], options: Options, report) -> dict:
    """The sources of the splits: `source` has `pairs` in their order, of which those with `bad` files are left out."""
    rows = {
        split: [i for i, pair in enumerate(pairs) if pair.split == split and not pair.among(bad)] for split in SPLITS
    }
    return carve({split: Subset(source, members) for split, members in rows.items() if members}, options, report)


def _is_split(folder):
    return folder.name.lower() in SPLIT_FOLDERS


def _split_sides(root, kind, report) -> dict[str, tuple[Path, Path]]:
    """The two folders of each split."""
    if sides := _sides(root, kind):
        return {"train": sides}
    found = {folder: _sides(folder, kind) for folder in folders_in(root)}
    stray = [folder.name for folder, sides in found.items() if sides and not _is_split(folder)]
    found = {SPLIT_FOLDERS[folder.name.lower()]: sides for folder, sides in found.items() if _is_split(folder)}
    if not found.get("train") or stray:
        rule = f"be a folder with sub-folders of images and of their {kind}"
        names = " and ".join(" or ".join(map(repr, side[:2])) for side in SIDES[kind])
        mend = f"Call them {names}, perhaps inside train, validation and test folders."
        raise ValueError(checks.message("data", rule, str(root), mend + (f" {stray} are no splits." if stray else "")))
    for split in SPLITS:
        if split in found and not found[split]:
            warn(f"The {split} folder of {str(root)!r} has no {kind} and is left out.", report)
    return {split: found[split] for split in SPLITS if found.get(split)}


def _sides(folder, kind) -> tuple[Path, Path] | None:
    inside = {child.name.lower(): child for child in folders_in(folder)}
    chosen = [next((inside[name] for name in names if name in inside), None) for names in SIDES[kind]]
    return tuple(chosen) if all(chosen) else None


def _class_folders(images, masks) -> tuple[str, ...] | None:
    """The names of the folders in `masks` if these are all that is in it, and are no folders of `images` too."""
    names = [folder.name for folder in folders_in(masks)]
    deep = all(file.parent != masks for file in files_below(masks))
    shared = {folder.name for folder in folders_in(images)}
    return tuple(names) if names and deep and not shared & set(names) else None


def _match(listing: Listing, images: Path, folders: list[Path], split: str) -> None:
    """Adds the pairs of a split to `listing`, and what has no partner."""
    ours = by_name(images, listing.bad)
    theirs = [_matching(by_name(folder, listing.bad), ours) for folder in folders]
    for name, image in ours.items():
        lacking = [folder for folder, files in zip(folders, theirs, strict=True) if name not in files]
        if lacking:
            listing.bad[image] = f"no file of its name in {', '.join(folder.name for folder in lacking)}"
        else:
            listing.pairs.append(Pair(image, tuple(files[name] for files in theirs), split))
    for files in theirs:
        listing.bad |= {
            file: f"no file of its name in {images.name}" for name, file in files.items() if name not in ours
        }


def by_name(folder: Path, bad) -> dict[str, Path]:
    """The files below `folder` by their path in it without suffix; a second one of a name is bad."""
    found = {}
    for file in files_below(folder):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            bad[file] = f"the same name as {found[name].name}"
        else:
            found[name] = file
    return found


def _matching(files: Mapping[str, Path], images: Mapping[str, Path]) -> dict[str, Path]:
    """`files` by the names of their images, where these are theirs without one of `ENDINGS`."""
    named = {}
    for name, file in files.items():
        shorter = next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)), name)
        named[shorter if name not in images and shorter in images else name] = file
    return named
