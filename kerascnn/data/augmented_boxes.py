"""Boxes on their way through a pipeline: taken out of their rows before it, and packed again after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerascnn import checks
from kerascnn.data.boxes import ABSENT

MORE = 2  # times the rows that an image had, at most, after operations that put several images in one


def boxed(augment, seed: int, partnered: bool, targets: str) -> Callable:
    """`(images, targets, indices, epoch)` -> `(images, targets)` as the pipeline `augment` changes them.

    The `targets` "boxes" have `most` rows an image before it, those with an object first after it. An operation that
    puts several images in one, as a mosaic, gives more: the first 2 * `most` objects are kept. An object that counts
    neither way is none afterwards. Where the one object of "box" would leave its image (see `Pipeline.min_visible`),
    both stay as they were. Raises ValueError for an operation on several images if targets are "box".
    """
    alone = targets == "box"
    if alone and augment.others:
        rule = "make each image from one, as there is one object in each"
        raise ValueError(checks.message("augment", rule, augment, "Leave out what mixes images."))

    def change(images, found, indices, epoch):
        entry = _entry(found[:, None] if alone else found)
        batch = {"images": images, "bounding_boxes": entry}
        changed = augment.apply(batch, indices, epoch, seed, partnered=partnered)
        if alone:
            return _where_seen(images, found, changed)
        return changed["images"], _rows(changed["bounding_boxes"], found.shape[1])

    return change


def _entry(rows) -> dict:
    """Boxes and labels, as a pipeline takes them, of `rows` `(n, most, 5)`."""
    return {"boxes": rows[..., :4], "labels": rows[..., 4].astype(np.int32)}


def _rows(entry, most: int):
    """The rows of boxes and labels, those with an object first, `MORE` times `most` of them if there are more."""
    there = entry["labels"] >= 0
    joined = np.concatenate([entry["boxes"], entry["labels"][..., None]], axis=-1, dtype=np.float32)
    rows = np.where(there[..., None], joined, np.array([0, 0, 0, 0, ABSENT], np.float32))
    order = np.argsort(~there, axis=1, kind="stable")[:, : MORE * most]
    return np.take_along_axis(rows, order[..., None], axis=1)


def _where_seen(images, found, changed):
    """The `changed` images and their one object; those of before where it can hardly be seen any more."""
    rows = _rows(changed["bounding_boxes"], 1)[:, 0]
    seen = rows[:, 4] >= 0
    pictures = np.where(seen[:, None, None, None], changed["images"], images.astype(changed["images"].dtype))
    return pictures, np.where(seen[:, None], rows, found)
