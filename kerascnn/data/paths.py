"""The paths of very many files in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np


class Paths(Sequence):
    """Paths of files below `root`, made when asked for: a name and 8 bytes each, where a `Path` has half a kilobyte.

    `names` are relative to `root`, with "/" between their parts.

    >>> paths = Paths(Path("photos"), ["cat/1.png", "dog/1.png"])
    >>> len(paths), paths[-1].as_posix()
    (2, 'photos/dog/1.png')
    """

    def __init__(self, root: PurePath, names: Iterable[str]):
        self.root = root
        self._names, ends = bytearray(), array("Q", [0])
        for name in names:
            self._names += name.encode("utf-8", "surrogateescape")
            ends.append(len(self._names))
        self._ends = np.frombuffer(ends, np.uint64)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._ends) - 1

    def __getitem__(self, index: int | slice) -> PurePath | list[PurePath]:
        """The path at `index`, or a list of those of a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self.root / self.name(index)

    def name(self, index: int) -> str:
        """The path at `index`, relative to the root."""
        index = range(len(self))[index]
        return self._names[int(self._ends[index]) : int(self._ends[index + 1])].decode("utf-8", "surrogateescape")

    def take(self, indices: np.ndarray) -> Paths:
        """Those at `indices`, all different and rising."""
        return self if len(indices) == len(self) else Paths(self.root, map(self.name, indices))


def names_below(root: PurePath, paths: Sequence[Path]) -> Iterable[str]:
    """The names of `paths`, all below `root`, relative to it."""
    if not isinstance(paths, Paths):
        return (path.relative_to(root).as_posix() for path in paths)
    between = paths.root.relative_to(root).as_posix()
    before = "" if between == "." else f"{between}/"
    return (before + paths.name(i) for i in range(len(paths)))
