"""A folder in the form of COCO: a JSON file of all objects for each split, and its images."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data.annotated import Annotated, Listing, Objects
from kerascnn.data.dataset import SPLITS
from kerascnn.data.folder import SPLIT_FOLDERS
from kerascnn.data.storage import files_below, folders_in

INSIDE = ("_annotations.coco.json", "annotations.json")  # beside the images of a split
INSTANCES = "instances_"  # what the files of objects begin with, where others are beside them
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
CROWD = "iscrowd"


def json_files(root: Path) -> dict[str, Path]:
    """The JSON file of each split, in `root/annotations` or beside the images of each split; empty if there is none.

    Raises ValueError for two of one split, and for other files than one of training.
    """
    inside = [folder / name for folder in (root, *folders_in(root)) for name in INSIDE if (folder / name).is_file()]
    files = inside or sorted((root / "annotations").glob("*.json"))
    files = [path for path in files if path.name.startswith(INSTANCES)] or files
    if len(files) == 1:
        return {"train": files[0]}
    found: dict[str, Path] = {}
    for path in files:
        split = _split_in(path.parent.name if path in inside else path.stem)
        if split is None or split in found:
            rule = "have one JSON file a split, with 'train', 'val' or 'test' in its name or its folder's"
            raise ValueError(checks.message("data", rule, [each.relative_to(root).as_posix() for each in files]))
        found[split] = path
    if found and "train" not in found:
        raise ValueError(checks.message("data", "have a JSON file of training", [path.name for path in files]))
    return {split: found[split] for split in SPLITS if split in found}


def coco(root: Path, report) -> Listing:
    """The images in the JSON files below `root`, with their objects; those without any are images of nothing.

    Classes are in the order of their ids in training, without those that only name others and have no object. Crowds
    are apart. Raises ValueError for files that are not of this form.
    """
    listing, named = Listing(order="by category id"), defaultdict(set)
    for split, path in json_files(root).items():
        content = _read(path, root)
        folder = _folder(root, path, split, content["images"])
        _add(listing, root, path, folder, split, content)
        named[folder] |= {folder / image["file_name"] for image in content["images"]}
        if split == "train":
            listing.class_names = _class_names(content, report)
    for folder, known in named.items():
        files = [file for file in files_below(folder) if file.suffix.lower() in SUFFIXES]
        listing.bad |= {file: "in no JSON file" for file in files if file not in known}
    return listing


def _read(path, root) -> dict:
    """The content of a JSON file, which has what is needed, or ValueError."""
    name = path.relative_to(root).as_posix()
    try:
        content = json.loads(path.read_text("utf-8"))
        images = {image["id"]: image["file_name"] for image in content["images"]}
        lacking = [each["id"] for each in content["annotations"] if len(each.get("bbox", ())) != 4]
        _ = [(each["image_id"], each["category_id"]) for each in content["annotations"]]
        _ = [(each["id"], each["name"]) for each in content["categories"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        rule = "hold JSON files with images, annotations and categories"
        raise ValueError(checks.message("data", rule, f"{name}: {type(error).__name__} {error}")) from error
    if lacking or len(images) < len(content["images"]):
        rule = "hold JSON files with a box of four numbers for each annotation, and an id for each image"
        raise ValueError(checks.message("data", rule, f"{name}: annotations without bbox {lacking[:20]}"))
    return content


def _add(listing: Listing, root, path, folder, split, content) -> None:
    """Adds the images of a split to `listing`, and what is wrong with them."""
    name, objects = path.relative_to(root).as_posix(), defaultdict(list)
    for each in content["annotations"]:
        objects[each["image_id"]].append(each)
    categories = {each["id"]: each["name"] for each in content["categories"]}
    for image in content["images"]:
        file, own = folder / image["file_name"], objects.pop(image["id"], [])
        if not file.is_file():
            listing.bad[file] = f"in {name}, but not there"
            continue
        sides = image.get("height"), image.get("width")
        found = _objects(f"{image['file_name']} in {name}", own, categories)
        listing.items.append(Annotated(file, split, found, sides if all(sides) else None))
    for number, stray in objects.items():
        listing.bad[path.with_name(f"{path.name}, image id {number}")] = f"not in it, and has {len(stray)} annotations"


def _objects(where, own, categories) -> Objects:
    from kerascnn.boxes import convert

    boxes = np.array([each["bbox"] for each in own], np.float64).reshape(-1, 4)
    names = tuple(categories.get(each["category_id"], f"id {each['category_id']}") for each in own)
    apart = np.array([bool(each.get(CROWD)) for each in own], bool)
    return Objects(where, convert(boxes, "xywh", "xyxy"), names, apart)


def _class_names(content, report) -> tuple[str, ...]:
    used = {each["category_id"] for each in content["annotations"]}
    above = {each.get("supercategory") for each in content["categories"]}
    ordered = sorted(content["categories"], key=lambda each: each["id"])
    groups = [each["name"] for each in ordered if each["id"] not in used and each["name"] in above]
    report["groups"] = groups
    return tuple(dict.fromkeys(each["name"] for each in ordered if each["name"] not in groups))


def _folder(root: Path, path: Path, split: str, images) -> Path:
    """The folder that holds the images of a JSON file: the first that has one of them."""
    if path.parent.name != "annotations" or path.name in INSIDE:
        return path.parent
    named = path.stem.removeprefix(INSTANCES)
    places = [place for place in (root, root / "images") if place.is_dir()]
    alike = [inner for place in places for inner in folders_in(place) if _split_in(inner.name) == split]
    folders = [*(place / named for place in places), *alike, *reversed(places)]
    there = (folder for folder in folders if images and (folder / images[0]["file_name"]).is_file())
    return next(there, next(folder for folder in folders if folder.is_dir()))


def _split_in(name: str) -> str | None:
    """The split that a name says, as "instances_val2017" does."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((SPLIT_FOLDERS[word] for word in words if word in SPLIT_FOLDERS), None)
