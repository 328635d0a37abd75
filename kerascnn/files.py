"""Files that are whole or absent, whenever the process is killed or the disk is full."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PARTIAL = ".*.partial*"  # what a kill in the middle of a write may leave in the folder, as a pattern


def write_atomically(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """As `save_atomically`, for a function that writes into an open file: `write(file)`."""

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            write(file)

    save_atomically(path, save)


def save_atomically(path: str | Path, save: Callable[[Path], object]) -> None:
    """Calls `save(temporary)` with a path beside `path`, flushes that file to the disk and renames it to `path`.

    A reader sees the old file or the new one, never a part. When `save` fails (disk full, killed), the old file stays.
    The temporary name has the suffix of `path`, and a rest of it that a kill has left is overwritten. `save` may make a
    folder instead; an earlier one goes when the new one is complete.
    Raises: OSError of the file system, after the temporary file is removed; a full disk is named with what to do.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    _remove(temporary)
    try:
        save(temporary)
        if temporary.is_dir():
            _remove(path)  # no system replaces a folder in one step
        else:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError) and error.errno in FULL:
            raise OSError(error.errno, _full(path, error), str(path)) from error
        raise
    _sync_folder(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """Writes `text` in UTF-8, whole or not at all."""
    write_atomically(path, lambda file: file.write(text.encode()))


def _remove(path: Path) -> None:
    """Removes a file or a folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _full(path: Path, error: OSError) -> str:
    kept = f"the {path.name} from before is kept" if path.exists() else "nothing that was there before is lost"
    return (
        f"No room for {path.name} ({error.strerror}); {kept}. "
        "Free some space, then make the same call again: a training goes on after the last epoch that was saved"
    )


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder, and flushes the rename itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
