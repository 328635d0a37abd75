"""Data written as TFRecord shards with an index."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data.crc32c import masked
from kerascnn.data.dataset import Data, examples
from kerascnn.data.examples import example
from kerascnn.data.record_scan import FOOTER, HEADER, index_records
from kerascnn.data.records import NAMES
from kerascnn.files import write_atomically, write_text

SHARD_IMAGES = 4096  # in a shard, unless a number of shards is asked for
FETCHED = 64  # images in memory at a time


def write_records(data: Data, folder: str | Path, *, shards: int | None = None, files: bool = False) -> Path:
    """Writes `data`, images with labels, as TFRecord shards with an index into a new `folder`, which `load` reads.

    The shards are `train-00000-of-00008.tfrecord` and so on, of `tf.train.Example`s with `image/encoded` and
    `image/class/label`; `labels.txt` has the names of the classes. Memory holds some images only.

    Args:
        data: what `load` gives.
        folder: one that is not there yet, or empty.
        shards: of each split; None makes one of every 4,096 images.
        files: copy the image files that the data were read from, byte for byte and in their own sizes, rather than
            write the images as they are in `data`, without loss.

    Returns: `folder`.
    Raises: ValueError for data without labels, without files, or a folder that holds something.

    >>> import tempfile
    >>> from kerascnn.data import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(write_records(load("digits"), folder)).class_counts == load("digits").class_counts
    True
    """
    labels = {split: data.labels(split) for split in data.splits}
    folder = Path(folder).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(checks.message("folder", "be new or empty", str(folder), "Pass another one."))
    if any("\n" in name for name in data.class_names):
        raise ValueError(checks.message("class_names", "have no line breaks", data.class_names))
    if shards is not None:
        checks.positive_int("shards", shards)
    for split, of_split in labels.items():
        images = _encoded(data, split, files)
        count = shards or math.ceil(len(of_split) / SHARD_IMAGES)
        for number, part in enumerate(np.array_split(of_split, count)):
            name = f"{split}-{number:05}-of-{count:05}.tfrecord"
            write_atomically(folder / name, _writer(images, part.tolist()))
    write_text(folder / NAMES[0], "".join(f"{name}\n" for name in data.class_names))
    index_records(folder)
    return folder


def framed_message(message: bytes) -> bytes:
    """A message as it stands in a TFRecord file, between its length and its check sums."""
    length = len(message).to_bytes(8, "little")
    return HEADER.pack(len(message), masked(length)) + message + FOOTER.pack(masked(message))


def _writer(images: Iterator[bytes], labels: list[int]) -> Callable:
    def write(file):
        for label in labels:
            file.write(framed_message(example({"image/encoded": next(images), "image/class/label": label})))

    return write


def _encoded(data: Data, split: str, files: bool) -> Iterator[bytes]:
    """The image files of a split, in its order."""
    if files:
        return (Path(path).read_bytes() for path in data.files(split))
    return (_png(image) for images, _ in examples(data, split, FETCHED) for image in images)


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    if image.dtype != np.uint8:
        raise ValueError(checks.message("data", "have images of uint8, as files have", str(image.dtype)))
    file = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG")
    return file.getvalue()
