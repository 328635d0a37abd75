"""Every file of a folder, looked at once before training: its size, its colours, and whether it decodes to the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np

from kerascnn.data.images import describe, header, read_image

CHUNK = 1024  # files handed to the threads at a time: a million waiting tasks would take more memory than the images
SHOW_PROGRESS = 2000  # files, from which a progress bar is worth its line


def headers(paths: Sequence[Path], opened: Callable = Path, readers: int = 1) -> tuple[np.ndarray, dict[Path, str]]:
    """`(n, 3)` heights, widths and channels (1 or 3) as the files declare them, and why the bad files are bad.

    The row of a bad file is 0. What Pillow reads for a path is `opened(path)`, the path itself or a binary file;
    `readers` of them at least are read at a time.
    """
    found = np.zeros((len(paths), 3), np.int32)

    def look(i):
        found[i] = header(opened(paths[i]))

    return found, each_file(look, paths, "Looking at files", readers)


def decode_all(
    paths: Sequence[Path], image_shape, resize: str, *, keep: bool, opened: Callable = Path, readers: int = 1
) -> tuple[np.ndarray | None, dict[Path, str]]:
    """All images `(n, height, width, channels)` if `keep`, and why the bad files are bad.

    Without `keep` each image is decoded, which is the only proof that a file is whole, and dropped. `opened` and
    `readers` as in `headers`.
    """
    height, width, channels = image_shape
    images = np.zeros((len(paths), *image_shape), np.uint8) if keep else None

    def decode(i):
        image = read_image(opened(paths[i]), (height, width) if keep else None, resize, channels)
        if keep:
            images[i] = image

    return images, each_file(decode, paths, "Reading images" if keep else "Checking images", readers)


def each_file(
    work: Callable[[int], None], paths: Sequence[Path], title: str, readers: int = 1, shown: bool = False
) -> dict[Path, str]:
    """Does `work(i)` for each of `paths` in threads, and says for which it failed and why; `title` is of its bar.

    The bar is `shown`, or there are very many paths.
    """

    def attempt(i):
        try:
            work(i)
        except Exception as error:  # Pillow raises a dozen kinds on broken files
            return describe(error)

    with ThreadPoolExecutor(max(readers, min(32, (os.cpu_count() or 1) + 1))) as pool:
        starts = range(0, len(paths), CHUNK)
        chunks = (pool.map(attempt, range(start, min(start + CHUNK, len(paths)))) for start in starts)
        reasons = chain.from_iterable(chunks)
        if shown or len(paths) >= SHOW_PROGRESS:
            from rich.progress import track

            reasons = track(reasons, title, total=len(paths))
        return {path: reason for path, reason in zip(paths, reasons, strict=True) if reason}
