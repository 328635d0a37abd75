"""The index of TFRecord shards: where each image is, and its label, so that any of them can be read at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePath

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import SPLITS
from kerascnn.data.folder import SPLIT_FOLDERS
from kerascnn.data.storage import Disk, NamedFile, Remote
from kerascnn.files import write_atomically, write_text

ENTRIES, SHARDS = "index.npy", "index.json"  # beside the shards
ENTRY = np.dtype(
    [("start", "<u8"), ("length", "<u4"), ("shard", "<u4"), ("label", "<i4")]
    + [(name, "<u4") for name in ("height", "width", "channels")]
)
AGAIN = "Copy the shards anew, or, if they are as they should be, call data.index_records(folder)."


@dataclass(frozen=True)
class Index:
    """Where the images of `shards`, the names of files below `root` in `tree`, are.

    `entries` of the type ENTRY, one an image: where in its shard it begins, its length, label and size.
    """

    tree: Disk | Remote
    root: PurePath
    shards: tuple[str, ...]
    entries: np.ndarray

    def opened(self, number: int) -> BytesIO:
        """The encoded image of a record, as a file that Pillow reads; errors say which it is."""
        entry = self.entries[number]
        start, shard = int(entry["start"]), self.shards[entry["shard"]]
        content = self.tree.read(self.root / shard, start, start + int(entry["length"]))
        return NamedFile(content, str(self.path(number)))

    def path(self, number: int) -> PurePath:
        """Which record it is, for people."""
        entry = self.entries[number]
        return self.root / f"{self.shards[entry['shard']]}, image at byte {entry['start']}"

    @property
    def splits(self) -> np.ndarray:
        """The number of each record's split, among SPLITS."""
        return np.array([SPLITS.index(split_of(name)) for name in self.shards], np.int8)[self.entries["shard"]]

    def of(self, shards: Sequence[str]) -> Index:
        """The part of the index that is of some of its `shards`."""
        if set(shards) == set(self.shards):
            return self
        wanted = np.array([name in set(shards) for name in self.shards])
        return Index(self.tree, self.root, self.shards, self.entries[wanted[self.entries["shard"]]])


def split_of(shard: str) -> str:
    """The split that the name of a shard says, training if it says none.

    >>> split_of("fashion_mnist-test.tfrecord-00000-of-00001"), split_of("val/a.tfrecord"), split_of("a.tfrecord")
    ('test', 'validation', 'train')
    """
    words = re.split(r"[^a-z]+", shard.lower())
    return next((SPLIT_FOLDERS[word] for word in words if word in SPLIT_FOLDERS), "train")


def save(index: Index) -> None:
    """Writes an index beside its shards on the disk, each of its two files whole or not at all."""
    sizes = {name: index.tree.size(index.root / name) for name in index.shards}
    (Path(index.root) / SHARDS).unlink(missing_ok=True)  # so that no old one stands beside new entries
    write_atomically(Path(index.root) / ENTRIES, lambda file: np.save(file, index.entries))
    write_text(Path(index.root) / SHARDS, json.dumps({"images": len(index.entries), "shards": sizes}, indent=1))


def stored(tree, root: PurePath, shards: Sequence[str]) -> Index | None:
    """The index that lies beside `shards`, if there is one of them; on a disk its entries are read as needed.

    Raises ValueError, naming them, for shards that are not as long as when the index was written, or not in it.
    """
    try:
        facts = json.loads(tree.read(root / SHARDS, 0, tree.size(root / SHARDS)))
        names, entries = tuple(facts["shards"]), _entries(tree, root)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(checks.message("data", "have a whole index beside its shards", str(root), AGAIN)) from error
    _check_sizes(tree, root, shards, facts["shards"])
    index = Index(tree, root, names, entries)
    ends = np.array(list(facts["shards"].values()), np.uint64)
    whole = entries.dtype == ENTRY and len(entries) == facts["images"] and (entries["shard"] < len(ends)).all()
    if not whole or (entries["start"] + entries["length"] > ends[entries["shard"]]).any():
        raise ValueError(checks.message("data", "have an index of its shards beside them", str(root), AGAIN))
    return index.of(shards)


def _entries(tree, root) -> np.ndarray:
    if isinstance(tree, Disk):
        return np.load(root / ENTRIES, mmap_mode="r", allow_pickle=False)
    return np.load(tree.opened(root / ENTRIES), allow_pickle=False)


def _check_sizes(tree, root, shards, sizes):
    found = {name: tree.size(root / name) for name in shards}
    wrong = [f"{name} ({sizes.get(name, 'no')} bytes in the index, {size} in the file)"
             for name, size in found.items() if sizes.get(name) != size]  # fmt: skip
    if wrong:
        rule = f"hold the shards of its index in {str(root / SHARDS)!r}"
        raise ValueError(checks.message("data", rule, wrong[:20], AGAIN))
