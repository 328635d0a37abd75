"""Files that are whole or absent, whenever the process is killed or the disk is full, and places that can take them."""

import errno
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from kerascnn import checks, hosts

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
LARGE, EXPANSION = 2**28, 100  # bytes of a file in an archive, and how often its packed size, that together are a bomb
PAGE = 4096  # bytes that a place must be able to take
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
    folder instead; an earlier one goes when the new one is complete. Of several hosts only the first writes.
    Raises: OSError of the file system, after the temporary file is removed; a full disk and a place that cannot be
    written are named with what to do.
    """
    if not hosts.first():
        return
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        save(temporary)
        if temporary.is_dir():
            _remove(path)  # no system replaces a folder in one step
        else:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            _remove(temporary)
        cause = refused(error)
        if cause is not None:
            raise OSError(cause.errno, _told(path, cause), str(path)) from error
        raise
    _sync_folder(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """Writes `text` in UTF-8, whole or not at all."""
    write_atomically(path, lambda file: file.write(text.encode()))


def refused(error: BaseException) -> OSError | None:
    """The error by which the file system says that it is full or that a place is read-only, if `error` comes of one.

    Libraries that write in C tell it in words, and one that cleans up after it may raise another error.

    >>> refused(RuntimeError("HDF5 error: errno = 28, error message = 'No space left on device'")).errno == errno.ENOSPC
    True
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FULL + READ_ONLY:
            return seen
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            if os.strerror(number) in str(seen):
                return OSError(number, os.strerror(number))
        seen = seen.__cause__ or seen.__context__
    return None


def check_writable(name: str, folder: str | Path) -> None:
    """Raises OSError about the argument `name` unless files can be written in `folder`, which may be yet to be made.

    For use before slow work: what is tried is a page of bytes, in the nearest folder that is there.
    """
    folder = Path(folder).absolute()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest, buffering=0) as file:
            file.write(bytes(PAGE))
    except OSError as error:
        raise unwritable(name, folder, error) from error


def unwritable(name: str, folder: str | Path, error: OSError) -> OSError:
    """The error to raise about the argument `name`, where `error` came of writing in `folder`."""
    mend = "Free some space, or name another place." if error.errno in FULL else "Name another place."
    text = checks.message(name, f"be a place that can be written ({error.strerror})", str(folder), mend)
    return OSError(error.errno, text)


def check_unpacked(name: str, path: str | Path, archive: zipfile.ZipFile) -> None:
    """Raises ValueError about the argument `name` if a file in the archive is a bomb: small but for its contents."""
    for info in archive.infolist():
        if info.file_size > max(LARGE, EXPANSION * info.compress_size):
            grows = f"{info.filename!r}, which grows from {info.compress_size:,} to {info.file_size:,} bytes"
            rule = f"hold no file that would fill the memory, such as {grows}"
            raise ValueError(checks.message(name, rule, str(path), "Unpack it yourself, if you trust who made it."))


def lock(file: BinaryIO) -> bool:
    """Takes the lock of an open file, until the file is closed or the process has ended in whatever way.

    False, with a warning, where the file system has no locks, and without one where the system has none (Windows).
    Raises: BlockingIOError if another has it.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        text = f"The file system of {file.name} has no locks ({error.strerror})"
        warnings.warn(f"{text}: let no two processes work in that folder at the same time.", stacklevel=2)
        return False
    return True


def _remove(path: Path) -> None:
    """Removes a file or a folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _told(path: Path, error: OSError) -> str:
    if error.errno in READ_ONLY:
        return (
            f"{path.name} cannot be written ({error.strerror}); nothing that was there before is lost. "
            "Make its folder writable, or name another"
        )
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
