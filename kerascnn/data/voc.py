"""A folder in the form of Pascal VOC: images, an XML file of objects for each, and lists of the images of splits."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from kerascnn import checks
from kerascnn.data.annotated import Annotated, Listing, Objects
from kerascnn.data.dataset import SPLITS
from kerascnn.data.pairing import by_name
from kerascnn.data.survey import each_file

IMAGES, ANNOTATIONS, LISTS = "JPEGImages", "Annotations", Path("ImageSets", "Main")
LIST_NAMES = {"train": "train", "validation": "val", "test": "test"}
BOTH = "trainval"  # the list that stands for training where there is none of training alone
ENDS = ("xmin", "ymin", "xmax", "ymax")
FIRST = (1, 1, 0, 0)  # the first pixel has number 1, and the last one belongs to the box: what to take off of `ENDS`


def is_voc(root: Path) -> bool:
    """Whether `root` has the folders of this form."""
    return (root / IMAGES).is_dir() and (root / ANNOTATIONS).is_dir()


def voc(root: Path, report) -> Listing:
    """The images of the lists in `ImageSets/Main`, or all of `JPEGImages` for training, with their objects.

    Classes are in the order of their names. Objects marked as difficult are apart. Raises ValueError for lists without
    one for training, and for an image in two of them.
    """
    listing = Listing(order="by name")
    images, files = by_name(root / IMAGES, listing.bad), by_name(root / ANNOTATIONS, listing.bad)
    splits = _splits(root)
    if splits is None:
        splits = dict.fromkeys(sorted({*images, *files}), "train")
    else:
        report["unlisted"] = len({*images, *files} - {*splits})
    pairs = [name for name in splits if name in images and name in files]
    for name in splits:
        if name not in images:
            listing.bad[files.get(name, root / IMAGES / name)] = f"no image of its name in {IMAGES}"
        elif name not in files:
            listing.bad[images[name]] = f"no file of its name in {ANNOTATIONS}"
    read = {}

    def work(i):
        read[pairs[i]] = read_annotation(files[pairs[i]], files[pairs[i]].relative_to(root).as_posix())

    listing.bad |= each_file(work, [files[name] for name in pairs], "Reading annotations")
    listing.items = [Annotated(images[name], splits[name], *read[name]) for name in pairs if name in read]
    training = (item.objects.classes for item in listing.items if item.split == "train")
    listing.class_names = tuple(sorted({name for names in training for name in names}))
    return listing


def read_annotation(path: Path, where: str = "") -> tuple[Objects, tuple[int, int] | None]:
    """The objects in an XML file, and the (height, width) that it says, if it does; raises ValueError if cut short."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"no XML: {error}") from None
    found = root.findall("object")
    boxes = [[_number(each.find("bndbox"), end) for end in ENDS] for each in found]
    names = tuple(_text(each, "name") for each in found)
    apart = np.array([each.findtext("difficult", "").strip() == "1" for each in found], bool)
    size = root.find("size")
    sides = (0, 0) if size is None else tuple(int(_number(size, side)) for side in ("height", "width"))
    boxes = np.array(boxes, np.float64).reshape(-1, 4) - FIRST
    return Objects(where or path.name, boxes, names, apart), sides if all(sides) else None


def _text(node, tag) -> str:
    text = "" if node is None else node.findtext(tag, "").strip()
    if not text:
        raise ValueError(f"an object without <{tag}>")
    return text


def _number(node, tag) -> float:
    text = _text(node, tag)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"<{tag}> is {text!r}, which is no number") from None


def _splits(root: Path) -> dict[str, str] | None:
    """The split of each listed image; None without lists."""
    lists = {name: root / LISTS / f"{name}.txt" for name in (*LIST_NAMES.values(), BOTH)}
    found = {name: _lines(path) for name, path in lists.items() if path.is_file()}
    if not found:
        return None
    if "train" not in found and BOTH in found:
        others = {name for split in ("val", "test") for name in found.get(split, ())}
        found["train"] = [name for name in found[BOTH] if name not in others]
    if not found.get("train"):
        mend = "Put the names of the training images into train.txt there."
        raise ValueError(checks.message("data", f"have a train.txt in {LISTS.as_posix()}", str(root), mend))
    splits: dict[str, str] = {}
    for split in SPLITS:
        names = found.get(LIST_NAMES[split], ())
        twice = [name for name in names if name in splits]
        if twice:
            rule = f"list each image in one split; {len(twice)} of {split} are in another too"
            raise ValueError(checks.message("data", rule, twice[:20], f"Mend {LISTS.as_posix()}."))
        splits |= dict.fromkeys(names, split)
    return splits


def _lines(path: Path) -> list[str]:
    """The lines of a list that are not empty, each once."""
    return list(dict.fromkeys(filter(None, map(str.strip, path.read_text("utf-8").splitlines()))))
