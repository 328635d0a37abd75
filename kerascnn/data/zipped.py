"""A .zip file of class folders, read into memory and never unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kerascnn import checks
from kerascnn.data.dataset import Data
from kerascnn.data.folder import from_folder
from kerascnn.data.options import Options
from kerascnn.data.storage import NOT_IMAGES
from kerascnn.files import check_unpacked

HIDDEN = (".", "__MACOSX")  # how what systems leave in archives begins


def from_zip(path: Path, options: Options) -> Data:
    """The images in the archive at `path`, as `from_folder` has them; folders that hold one folder alone are left out.

    Raises ValueError for a file that is no archive, for names that lead out of it, for a small file that unpacked would
    fill the memory, and for more images than fit in memory.
    """
    try:
        whole = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(checks.message("data", "be a folder or a whole .zip file", str(path))) from error
    with whole:
        check_unpacked("data", path, whole)
        tree = Archive(path, whole)
        return from_folder(tree.root(2 if options.nested else 1), options, tree)


class Archive:
    """The files of an archive under the paths that they would have if it were a folder."""

    lasts = False

    def __init__(self, path: Path, whole: zipfile.ZipFile):
        self._path, self._whole = path, whole
        self._files = {path / name: info for name, info in _shown(whole)}
        self._inside: dict[Path, set[Path]] = {path: set()}
        for file in self._files:
            for parent in file.parents[: len(file.parts) - len(path.parts)]:
                self._inside.setdefault(parent, set()).add(file)
                file = parent

    def root(self, levels: int) -> Path:
        """The first folder that does not hold one folder alone, or in which there are only `levels` more."""
        folder = self._path
        while len(inner := self._inside[folder]) == 1 and self._depth(only := next(iter(inner))) >= levels:
            folder = only
        return folder

    def folders_in(self, folder: Path) -> list[Path]:
        """The folders directly in `folder` that hold files."""
        return sorted(path for path in self._inside.get(folder, ()) if path not in self._files)

    def files_below(self, folder: Path) -> list[Path]:
        """The files below `folder`."""
        inner = self._inside[folder]
        deeper = (file for path in inner if path not in self._files for file in self.files_below(path))
        return sorted([*(path for path in inner if path in self._files), *deeper])

    def opened(self, path: Path) -> BinaryIO:
        """The file at `path`, in memory."""
        return io.BytesIO(self._whole.read(self._files[path]))

    def _depth(self, folder: Path) -> int:
        """The number of levels of folders in `folder`."""
        return max((1 + self._depth(inner) for inner in self.folders_in(folder)), default=0)


def _files(whole: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [info for info in whole.infolist() if info.filename.strip("./") and not info.is_dir()]


def _shown(whole: zipfile.ZipFile) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """The files that are not hidden, with their names; raises ValueError for names that lead out of the archive."""
    named = [(PurePosixPath(info.filename.replace("\\", "/")), info) for info in _files(whole)]
    astray = [str(name) for name, _ in named if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]]
    if astray:
        raise ValueError(checks.message("data", "hold no file whose name leads out of it", astray[:20]))
    return [
        (name, info)
        for name, info in named
        if not any(part.startswith(HIDDEN) for part in name.parts) and name.name.lower() not in NOT_IMAGES
    ]
