"""Where files are: on the disk of this machine, or in an object store that fsspec reaches."""

from __future__ import annotations

import glob
import io
import os
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO, Protocol

from kerascnn import checks
from kerascnn.data.paths import Paths

NOT_IMAGES = ("thumbs.db", "desktop.ini")  # that systems leave in any folder; hidden files are passed over too
READERS = 32  # reads at a time from an object store, unless `load(readers=)` says another number
MEND = "pip install 'kerascnn[remote]' has fsspec with Google's and Amazon's; see fsspec's list for others."


class Tree(Protocol):
    """Where folders and files are: on the disk, in an archive, in an object store."""

    lasts: bool  # whether files can be read later too

    def folders_in(self, folder: Path) -> list[Path]:
        """The folders directly in `folder` that are not hidden."""

    def files_below(self, folder: Path) -> list[Path] | Paths:
        """The files below `folder` that are not hidden, in order."""

    def opened(self, path: Path) -> Path | BinaryIO:
        """What Pillow reads for the file at `path`."""


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in `folder` that are not hidden."""
    with os.scandir(folder) as entries:  # says which are folders without asking for each file
        return sorted(folder / entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def files_below(folder: Path) -> Paths:
    """The files below `folder`, without those that are hidden or in hidden folders."""
    found = []
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]  # os.walk goes into what is left
        below = "" if place == str(folder) else f"{Path(place).relative_to(folder).as_posix()}/"
        shown = (name for name in names if not name.startswith(".") and name.lower() not in NOT_IMAGES)
        found += [below + name for name in shown]
    return Paths(folder, _in_order(found))


class Disk:
    """The files of this machine."""

    lasts = True
    folders_in = staticmethod(folders_in)
    files_below = staticmethod(files_below)
    opened = staticmethod(Path)

    def files_in(self, folder: Path) -> list[Path]:
        """The files directly in `folder`."""
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if entry.is_file())

    def matching(self, pattern: Path) -> list[Path]:
        """The files whose paths match `pattern`, with its `*`, `?` and `[]`."""
        return sorted(Path(path) for path in glob.glob(str(pattern), recursive=True) if os.path.isfile(path))

    def is_dir(self, path: Path) -> bool:
        """Whether there is such a folder."""
        return path.is_dir()

    def size(self, path: Path) -> int:
        """The number of bytes of a file."""
        return path.stat().st_size

    def read(self, path: Path, start: int, stop: int) -> bytes:
        """A part of a file; shorter where the file ends before `stop`."""
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            return file.read(stop - start)


class Remote:
    """The files of an object store: `fs` is its fsspec file system. Paths are without the protocol."""

    lasts = True

    def __init__(self, fs):
        self._fs = fs

    def folders_in(self, folder: PurePosixPath) -> list[PurePosixPath]:
        """The folders directly in `folder` that are not hidden."""
        found = (entry["name"] for entry in self._fs.ls(str(folder), detail=True) if entry["type"] == "directory")
        names = (PurePosixPath(name).name for name in found)
        return sorted(folder / name for name in names if not name.startswith("."))

    def files_below(self, folder: PurePosixPath) -> Paths:
        """The files below `folder`, without those that are hidden or in hidden folders."""
        found = (PurePosixPath(name).relative_to(folder) for name in self._fs.find(str(folder)))
        shown = (path for path in found if not any(part.startswith(".") for part in path.parts))
        return Paths(folder, _in_order([path.as_posix() for path in shown if path.name.lower() not in NOT_IMAGES]))

    def files_in(self, folder: PurePosixPath) -> list[PurePosixPath]:
        """The files directly in `folder`."""
        entries = self._fs.ls(str(folder), detail=True)
        return sorted(PurePosixPath(entry["name"]) for entry in entries if entry["type"] == "file")

    def matching(self, pattern: PurePosixPath) -> list[PurePosixPath]:
        """The files whose paths match `pattern`, with its `*`, `?` and `[]`."""
        return sorted(map(PurePosixPath, self._fs.glob(str(pattern))))

    def is_dir(self, path: PurePosixPath) -> bool:
        """Whether there is such a folder."""
        return self._fs.isdir(str(path))

    def opened(self, path: PurePosixPath) -> BinaryIO:
        """The whole file at `path`, in memory."""
        return NamedFile(self._fs.cat_file(str(path)), str(path))

    def size(self, path: PurePosixPath) -> int:
        """The number of bytes of a file."""
        return self._fs.size(str(path))

    def read(self, path: PurePosixPath, start: int, stop: int) -> bytes:
        """A part of a file; shorter where the file ends before `stop`."""
        return self._fs.cat_file(str(path), start=start, end=stop)


class NamedFile(io.BytesIO):
    """A file in memory whose name errors can say."""

    def __init__(self, content: bytes, name: str):
        super().__init__(content)
        self._name = name

    def __str__(self) -> str:
        """Its name."""
        return self._name


def is_url(data) -> bool:
    """Whether `data` is a text like "gs://bucket/photos"."""
    return isinstance(data, str) and "://" in data


def placed(data: str | Path) -> tuple[Disk | Remote, PurePath]:
    """Where `data` is, a path or the URL of an object store, and its path there; raises ValueError for other URLs.

    >>> placed("memory://photos/train")[1].as_posix()
    '/photos/train'
    """
    if not is_url(data):
        return Disk(), Path(data).expanduser()
    try:
        import fsspec

        fs, path = fsspec.core.url_to_fs(data)
    except (ImportError, ValueError) as error:
        rule = "be a URL whose protocol fsspec can read on this machine"
        raise ValueError(checks.message("data", rule, data, f"{str(error).rstrip('.')}. {MEND}")) from error
    return Remote(fs), PurePosixPath(path)


def _in_order(names: list[str]) -> list[str]:
    """`names` sorted as paths are, folder by folder."""
    deep = any("/" in name for name in names)
    names.sort(key=(lambda name: name.split("/")) if deep else None)
    return names
