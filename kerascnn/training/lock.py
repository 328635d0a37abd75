"""One process at a time in the folder of a run."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from kerascnn import checks, files

NAME = ".lock"  # of the file in the folder, which holds who works there


@contextmanager
def locked(folder: str | Path | None) -> Iterator[None]:
    """Keeps other processes out of `folder`, the `save_to` of a run, while the block runs; makes it if need be.

    The lock ends with the process, whatever ends that. A folder that is still empty goes again. None is no folder, and
    one with a result in it is only shown, by any number of processes at once, and may be read-only.

    Raises: OSError that names a folder which cannot be written; ValueError that names the process that works in it.
    """
    if folder is None or (Path(folder) / "result.json").exists():
        yield
        return
    folder = Path(folder).absolute()
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _taken(folder)
    except OSError as error:
        raise files.unwritable("save_to", folder, error) from error
    try:
        files.check_writable("save_to", folder)
        yield
    finally:
        with suppress(OSError):
            (folder / NAME).unlink()  # while it is still ours
        file.close()
        with suppress(OSError):
            for place in made:
                place.rmdir()


def _taken(folder: Path) -> BinaryIO:
    """The open file of the lock; raises ValueError if another process has it."""
    while True:
        file = (folder / NAME).open("a+b", buffering=0)
        try:
            files.lock(file)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().decode(errors="replace") or "another process"
            file.close()
            rule, mend = f"be a folder that no run works in: {holder} does", "Wait for its end, or name another folder."
            raise ValueError(checks.message("save_to", rule, str(folder), mend)) from None
        if _is_at(file, folder / NAME):
            with suppress(OSError):  # no room for a name
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            return file
        file.close()  # of a run that ended just now


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
