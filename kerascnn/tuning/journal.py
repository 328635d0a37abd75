"""The journal of a sweep: one line of JSON an event, on the disk before anything is believed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kerascnn import files


class Journal:
    """Events that are appended and synced one by one, and read again by the next start of the same sweep.

    Args:
        path: of the file, which is made if it is not there. A line that a kill has cut off is dropped.

    Attributes:
        events: what earlier starts have written, in order; each a dict with its kind as "event".
        fault: the error by which an event could not be written, after which no further one is; None while all is well.

    Raises: ValueError if another process writes it, or if a line is no event; OSError if it cannot be written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "journal.jsonl"
    >>> with Journal(path) as journal:
    ...     journal.append("ended", trial="0000", score=0.5)
    >>> with Journal(path) as journal:
    ...     journal.events
    [{'event': 'ended', 'trial': '0000', 'score': 0.5}]
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.fault: OSError | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise files.unwritable("directory", self.path.parent, error) from error
        try:
            self._lock()
            self.events = self._read()
        except ValueError:
            self.close()
            raise

    def __enter__(self):
        """The journal itself."""
        return self

    def __exit__(self, *_):
        """Closes it."""
        self.close()

    def append(self, event: str, **facts: Any) -> None:
        """Writes an event, which is on the disk when this returns.

        Raises: OSError if it cannot be written, and from then on: what follows an event that is lost makes no sense.
        """
        line = json.dumps({"event": event, **facts}, allow_nan=False).encode() + b"\n"
        with self.guarded():
            while line:  # a disk that fills takes a part
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Makes what the file system refuses in the block the `fault`; raises that, and instead of a further block."""
        if self.fault is not None:
            raise self.fault
        try:
            yield
        except Exception as error:
            cause = files.refused(error)
            if cause is None or error is self.fault:
                raise
            if self.fault is None:
                text = (
                    f"No room in the folder of the sweep, or it is read-only ({cause.strerror}). Mend that, then make "
                )
                text += "the same call again: it goes on after the last event that was written"
                self.fault = OSError(cause.errno, text, str(self.path.parent))
            raise self.fault from error

    def clear(self) -> None:
        """Forgets all events."""
        self._file.truncate(0)
        self.events = []

    def close(self) -> None:
        """Lets another process write."""
        self._file.close()

    def _lock(self) -> None:
        try:
            files.lock(self._file)
        except BlockingIOError:
            raise ValueError(
                f"`directory` must be of a sweep that does not run already. Received: {str(self.path.parent)!r}, which "
                "another process works on. Wait for its end, stop it, or name another directory."
            ) from None

    def _read(self) -> list[dict[str, Any]]:
        self._file.seek(0)
        whole, newline, cut = self._file.read().rpartition(b"\n")
        if cut:
            self._file.truncate(len(whole) + len(newline))
        return [self._event(number, line) for number, line in enumerate(whole.splitlines(), start=1)]

    def _event(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict) or "event" not in event:
            raise ValueError(
                f"Line {number} of {self.path} is no event of a sweep: {line[:80]!r}. "
                "Take it out, or name another `directory`."
            )
        return event
