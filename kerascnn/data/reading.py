"""Several reads at a time, where reading is mostly waiting: a disk in the network, an object store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple


class Reading(NamedTuple):
    """How files are opened, `opened(path)` being what Pillow reads, and how many at a time."""

    opened: Callable = Path
    readers: int = 1


class Readers:
    """Threads that call a function for some examples at a time; one reader is the thread that asks.

    >>> Readers(4).map(lambda i: i * i, range(5))
    [0, 1, 4, 9, 16]
    """

    def __init__(self, count: int):
        self._pool = ThreadPoolExecutor(count) if count > 1 else None  # whose threads begin with the first task

    def map(self, work: Callable, examples: Iterable) -> list:
        """`work(example)` of each, in their order."""
        return list(map(work, examples) if self._pool is None else self._pool.map(work, examples))
