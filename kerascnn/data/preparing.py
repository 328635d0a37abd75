"""Getting a set of the tensorflow-datasets catalogue onto this machine, and saying why that failed."""

from __future__ import annotations

import errno
import socket
import urllib.error
from collections.abc import Iterator

FOLDER = "TFDS_DATA_DIR"
HELD = f"set the environment variable {FOLDER} to a folder that holds the set"

OTHER = OSError, "could not be prepared", f"Mend the cause, or {HELD}."
FULL = OSError, "the disk is full", f"Free space there, or set {FOLDER} to a folder on a larger disk."
DAMAGED = OSError, "what was downloaded is not what it should be", "Delete its download and try again; update tfds."
BY_HAND = OSError, "must be downloaded by hand", f"Follow these instructions, or {HELD}."
NO_NETWORK = ConnectionError, "could not be downloaded", f"Connect to the network, or {HELD}."
NETWORK_ERRORS = (ConnectionError, TimeoutError, socket.gaierror, urllib.error.URLError)
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


def prepare(name: str, builder) -> None:
    """Downloads and prepares the set of a tfds `builder` unless it is there already.

    Raises ConnectionError without a network, another OSError that says what is to be done for every other failure.
    """
    try:
        builder.download_and_prepare()
    except Exception as error:  # tfds and its many sets raise anything
        kind, what, mend = next(filter(None, (_reason(each, builder) for each in _chain(error))), OTHER)
        text = " ".join(str(error).split()) or type(error).__name__
        raise kind(f"`data` {name!r} is not in {builder.data_dir} and {what}: {text.rstrip('.')}. {mend}") from error


def _reason(error, builder):
    """The one of the failures above that `error` shows, or None."""
    import requests

    number = getattr(error, "errno", None)
    if number == errno.ENOSPC or "enough disk space" in str(error):
        return FULL
    if type(error).__name__ == "NonMatchingChecksumError":
        return DAMAGED
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS and isinstance(error, AssertionError):
        return BY_HAND
    refused = isinstance(error, (*NETWORK_ERRORS, requests.RequestException)) or type(error).__name__ == "DownloadError"
    return NO_NETWORK if refused or number in UNREACHABLE else None


def _chain(error) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
