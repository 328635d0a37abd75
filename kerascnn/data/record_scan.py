"""TFRecord shards read to their ends: check sums, messages and images, each of them looked at once."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path, PurePath

import numpy as np

from kerascnn import checks
from kerascnn.data.crc32c import masked
from kerascnn.data.examples import parse
from kerascnn.data.folder import SPLIT_FOLDERS, complain
from kerascnn.data.images import describe, header, read_image
from kerascnn.data.record_index import ENTRY, Index, save
from kerascnn.data.storage import Disk, Remote, is_url, placed
from kerascnn.data.survey import each_file

SHARD = re.compile(r".*\.tfrecords?(-.*)?")  # the name of a file; a pattern of the user may match others
WILD = re.compile(r"[*?[]")
IMAGES, LABELS = ("image/encoded", "image"), ("image/class/label", "label")  # the usual names; the first found counts
HEADER, FOOTER = struct.Struct("<QI"), struct.Struct("<I")  # length and its check sum; that of the message
PART = 4 * 2**20  # bytes read at a time
LONG = 256 * 2**20  # bytes of shards, from which a progress bar is worth its line
MOST_CLASSES = 1_000_000  # a label from there on is some other number
CUT = "cut short"
LOST = "the length has a wrong check sum, so that the rest is lost; perhaps the file is compressed"
RULE = "hold whole TFRecord shards of images with labels"


def find_shards(data: str | Path) -> tuple[Disk | Remote, PurePath, list[str]] | None:
    """Where the shards are that `data` names, a folder, file, pattern or URL of such, and their names; None if none.

    In a folder they are called *.tfrecord, or *.tfrecord-00000-of-00008; they may be in folders named like splits.
    """
    tree, path = placed(data)
    if WILD.search(str(data)) and not tree.is_dir(path):
        found = tree.matching(path)
        count = next(i for i, part in enumerate(path.parts) if WILD.search(part))
        root = type(path)(*path.parts[:count])
    elif tree.is_dir(path):
        splits = [folder for folder in tree.folders_in(path) if folder.name.lower() in SPLIT_FOLDERS]
        files = [file for folder in (path, *splits) for file in tree.files_in(folder)]
        root, found = path, [file for file in files if SHARD.fullmatch(file.name)]
    else:
        root, found = path.parent, [path] if SHARD.fullmatch(path.name) and (is_url(data) or path.is_file()) else []
    return (tree, root, [file.relative_to(root).as_posix() for file in found]) if found else None


def index_records(folder: str | Path, *, skip_bad: bool = False) -> int:
    """Writes the index of the TFRecord shards in `folder` beside them, and returns the number of their images.

    Every record is read once: its check sums, its message, its image. With the index `load` looks at nothing but the
    shards' lengths; without one it does all this each time. `skip_bad` leaves out what is damaged. Raises ValueError,
    naming up to 20 of them, for bad records otherwise.
    """
    found = find_shards(folder)
    if found is None or is_url(folder) or not Path(folder).expanduser().is_dir():
        raise ValueError(checks.message("folder", "be a folder on this machine with TFRecord shards", str(folder)))
    tree, root, shards = found
    index, bad = scan(tree, root, shards)
    if bad and not (skip_bad and len(index.entries)):
        complain(root, bad, RULE)
    save(index)
    return len(index.entries)


def scan(tree, root: PurePath, shards: Sequence[str], readers: int = 1) -> tuple[Index, dict[PurePath, str]]:
    """The index of `shards`, each read to its end once, and why the bad records are bad."""
    found, bad = [np.zeros(0, ENTRY)] * len(shards), {}

    def look(number):
        found[number] = np.fromiter(_entries(tree, root / shards[number], number, bad), ENTRY)

    shown = sum(tree.size(root / name) for name in shards) > LONG
    bad |= each_file(look, [root / name for name in shards], "Reading shards", readers, shown)
    return Index(tree, root, tuple(shards), np.concatenate(found)), bad


def _entries(tree, path: PurePath, number: int, bad: dict[PurePath, str]) -> Iterator[tuple]:
    """The entries of a shard; what of it cannot be used is put into `bad`, with the reason."""
    for place, message, problem in _messages(tree, path):
        try:
            if problem:
                raise ValueError(problem)
            start, stop, label = _fields(message)
            image = message[start:stop]
            size = header(BytesIO(image))
            read_image(BytesIO(image), channels=size[2])
            yield place + start, stop - start, number, label, *size
        except Exception as error:  # Pillow raises a dozen kinds on broken images
            bad[path.with_name(f"{path.name}, record at byte {place - HEADER.size}")] = describe(error)


def _messages(tree, path: PurePath) -> Iterator[tuple[int, bytes, str]]:
    """Where each message in a shard begins, it itself, and what is wrong with it; nothing comes behind what is cut."""
    size, at, part = tree.size(path), 0, _Part(tree, path)
    while at < size:
        head = part.read(at, at + HEADER.size)
        if len(head) < HEADER.size:
            yield at + HEADER.size, b"", CUT
            return
        length, check = HEADER.unpack(head)
        if masked(head[:8]) != check:
            yield at + HEADER.size, b"", LOST
            return
        at += HEADER.size
        body = part.read(at, at + length + FOOTER.size)
        if len(body) < length + FOOTER.size:
            yield at, b"", CUT
            return
        message = body[:length]
        yield at, message, "" if FOOTER.unpack(body[length:])[0] == masked(message) else "wrong check sum"
        at += length + FOOTER.size


class _Part:
    """A file that is read from front to back, some MiB at a time."""

    def __init__(self, tree, path: PurePath):
        self._tree, self._path = tree, path
        self._start, self._content = 0, b""

    def read(self, start: int, stop: int) -> bytes:
        if stop > self._start + len(self._content):
            self._start, self._content = start, self._tree.read(self._path, start, max(stop, start + PART))
        return self._content[start - self._start : stop - self._start]


def _fields(message: bytes) -> tuple[int, int, int]:
    """Where the image is in a message, and its label."""
    found = parse(message)
    image = next((found[name] for name in IMAGES if name in found), None)
    label = next((found[name] for name in LABELS if name in found), None)
    if not isinstance(image, tuple) or not isinstance(label, int):
        what, names = ("image", IMAGES) if not isinstance(image, tuple) else ("label, an integer,", LABELS)
        raise ValueError(f"no {what} under {' or '.join(map(repr, names))} among {sorted(found)[:20]}")
    if not -1 <= label < MOST_CLASSES:
        raise ValueError(f"label {label} is no number of a class, from 0 on")
    return *image, label
