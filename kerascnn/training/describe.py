"""The arguments of a call in a form that JSON can hold, the same in every process."""

import re
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

SILENT = ("save_to", "verbose", "callbacks", "tensorboard", "pictures", "devices", "hosts", "host_index")
"""Arguments that do not change what is trained."""
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # in the text of an object; another one in each process
LISTED = 32  # entries of a list up to which arrays in it are described one by one


def describe(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a recipe as JSON can hold them, the same for the same call, without those that train nothing."""
    return {name: _plain(value) for name, value in arguments.items() if name not in SILENT}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _listed([_plain(item) for item in value], any(isinstance(item, np.ndarray | Mapping) for item in value))
    if isinstance(value, set | frozenset):
        return sorted(map(str, map(_plain, value)))
    if isinstance(value, partial):
        return [_plain(value.func), _plain(value.args), _plain(value.keywords)]
    return _object(value)


def _listed(items: list, arrays: bool) -> Any:
    """The items, or of more than 32 with `arrays`, such as the boxes of each image, their checksum."""
    if not arrays or len(items) <= LISTED:
        return items
    return f"{len(items)} arrays, checksum {zlib.crc32(repr(items).encode()):08x}"


def _object(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array{value.shape} of {value.dtype}, checksum {zlib.crc32(np.ascontiguousarray(value)):08x}"
    if isinstance(value, keras.Model):
        weights = zlib.crc32(b"".join(array.tobytes() for array in value.get_weights()))
        return f"{type(value).__name__} {value.name} of {value.count_params()} parameters, checksum {weights:08x}"
    if isinstance(value, keras.losses.Loss):
        held = value.get_config() | getattr(value, "_fn_kwargs", {})  # some of Keras' own leave their arguments out
        return f"{type(value).__name__} {_plain(held)}"
    if hasattr(value, "__qualname__"):
        return value.__qualname__
    text = str(value)
    if ADDRESS.search(text):  # an object that does not say what is in it
        text += str(getattr(value, "__dict__", ""))
    return ADDRESS.sub("", text)
