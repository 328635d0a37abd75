"""Reads the tensors of a torch file without torch, and nothing but tensors: a pickle can name any function to be run.

Formats: the zip archive of torch 1.6 and later, and the row of pickles before it (`torch/serialization.py`).
"""

import hashlib
import io
import math
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerascnn import checks

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
# What unpickling and unpacking raise when the bytes are not what they should be.
MALFORMED = (pickle.UnpicklingError, EOFError, LookupError, TypeError, ValueError, AttributeError, OverflowError)
MALFORMED += (zipfile.BadZipFile, NotImplementedError, RuntimeError)
MEND = "Pass a file made by torch.save(model.state_dict(), path), from a source that you trust."


def state_dict(path: str | Path, *, sha256: str | None = None) -> dict[str, np.ndarray]:
    """The tensors by name of a file that `torch.save(model.state_dict(), path)` has written.

    Only `OrderedDict`, tensors and their storages are admitted; the pickle can name no other function or class, so
    nothing of the file's choice runs. `sha256`: the hexadecimal digest that the file must have, checked first.
    Raises: OSError; ValueError for another digest, for a file with anything else in it, which the message names, and
    for a broken one.
    """
    data = Path(path).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if sha256 not in (None, digest):
        rule = f"be the file with SHA-256 {sha256}, but it has {digest}"
        raise ValueError(checks.message("path", rule, str(path), "Download it again."))
    try:
        return _from_archive(data) if data.startswith(b"PK\x03\x04") else _from_pickles(io.BytesIO(data))
    except MALFORMED as error:
        rule = f"be a torch file of tensors by name, whole and nothing else ({error})"
        raise ValueError(checks.message("path", rule, str(path), MEND)) from error


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    size: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _TensorsOnly(pickle.Unpickler):
    """Knows three names. What they stand for cannot be changed by the pickle beyond this one reading."""

    def find_class(self, module, name):
        """Called for every name in a pickle, whatever the opcode."""
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, shape, strides)
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid):
        """A reference to a storage: ("storage", dtype, key, device, size), and in old files a view that is None."""
        kind, dtype, key, _, size, *view = pid
        if kind != "storage" or dtype not in DTYPES.values() or any(view):
            raise pickle.UnpicklingError(f"it refers to {pid!r}")
        return _Storage(key, dtype, size)


def _from_archive(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > len(data):
            raise ValueError("it is compressed, which torch does not do")
        names = archive.namelist()
        (root,) = (name.removesuffix("data.pkl") for name in names if name.endswith("data.pkl"))
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its byte order is not little-endian")
        tensors = _named_tensors(_TensorsOnly(archive.open(f"{root}data.pkl")).load())
        keys = {tensor.storage.key for tensor in tensors.values()}
        storages = {key: archive.read(f"{root}data/{key}") for key in keys}
    return {name: _array(tensor, storages) for name, tensor in tensors.items()}


def _from_pickles(file):
    head = [_TensorsOnly(file).load() for _ in range(3)]
    if head[:2] != [MAGIC, PROTOCOL] or not head[2]["little_endian"]:
        raise ValueError("it does not begin like a torch file of little-endian numbers")
    tensors = _named_tensors(_TensorsOnly(file).load())
    width = {tensor.storage.key: np.dtype(tensor.storage.dtype).itemsize for tensor in tensors.values()}
    storages = {}
    for key in _TensorsOnly(file).load():
        size = int.from_bytes(file.read(8), "little")
        storages[key] = file.read(size * width[key])
    return {name: _array(tensor, storages) for name, tensor in tensors.items()}


def _named_tensors(loaded):
    named = isinstance(loaded, dict) and all(isinstance(name, str) for name in loaded)
    if not named or not all(isinstance(value, _Tensor) for value in loaded.values()):
        raise TypeError("it holds something else than tensors by name")
    return loaded


def _array(tensor, storages):
    """A copy of the part of its storage that a tensor sees, after a check that it is a part."""
    flat = np.frombuffer(storages[tensor.storage.key], tensor.storage.dtype)
    numbers = (tensor.offset, *tensor.shape, *tensor.strides)
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    fits = all(type(number) is int and number >= 0 for number in numbers)
    inside = tensor.offset + last < flat.size and math.prod(tensor.shape) <= flat.size or 0 in tensor.shape
    if not fits or not inside or flat.size != tensor.storage.size:
        raise ValueError("a tensor reaches beyond its numbers")
    strides = [stride * flat.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides).copy()
