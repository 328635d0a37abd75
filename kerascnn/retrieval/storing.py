"""The file of an index: an .npz of arrays, one of which is JSON."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.files import check_unpacked, write_atomically

FORMAT = 1


def write(path: str | Path, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes settings, as JSON has them, and arrays into one file, whole or not at all."""
    check_free(path)
    text = json.dumps({"format": FORMAT, **settings})
    arrays = {"settings": np.frombuffer(text.encode(), np.uint8), **arrays}
    write_atomically(path, lambda file: np.savez(file, **arrays))


def check_free(path: str | Path, name: str = "path") -> None:
    """Raises ValueError about the argument `name` if a file that is no index is at `path`."""
    path = Path(path)
    if not path.exists():
        return
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "settings.npy" in archive.namelist():
                return
    mend = "Name another path, or delete that file."
    raise ValueError(checks.message(name, "be free, or hold an earlier index", str(path), mend))


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `write` has written; nothing in the file is run. Raises: OSError if missing; ValueError if it is another."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_unpacked("path", path, archive)
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            settings = json.loads(arrays["settings"].tobytes())
            checks.one_of("format", settings["format"], [FORMAT], "A newer kerascnn has written it.")
            return settings, {name: arrays[name] for name in arrays if name != "settings"}
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        mend = "Write one with `Index.save`, or `python -m recipes index`."
        raise ValueError(checks.message("path", "be a saved index", str(path), f"{mend} ({error})")) from error
