"""The folder of a run: which call it belongs to, what was decided once, whether it has ended."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn.data import Data
from kerascnn.files import write_text

SILENT = ("save_to", "verbose", "callbacks", "tensorboard")  # arguments that do not change what is trained


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps what it needs to go on after it was killed; with `path=None` nothing is kept.

    Attributes:
        path: the folder, or None.
        decisions: what the first start of the run decided (the precision, say) and every further one must repeat.
    """

    path: Path | None
    decisions: Mapping[str, Any]

    @classmethod
    def open(cls, path: str | Path | None, arguments: Mapping[str, Any]) -> "RunFolder":
        """The folder at `path`, made for this call or found from an earlier start of the same call.

        Raises: ValueError, which names the arguments that differ, if the folder belongs to another call.
        """
        if path is None:
            return cls(None, {})
        path, arguments = Path(path), describe(arguments)
        if not (path / "run.json").exists():
            return cls(path, {"arguments": arguments})
        decisions = json.loads((path / "run.json").read_text())
        earlier = decisions["arguments"]
        differ = [name for name in arguments | earlier if arguments.get(name) != earlier.get(name)]
        if differ:
            there = ", ".join(f"{name}={earlier.get(name)!r} there, {arguments.get(name)!r} here" for name in differ)
            raise ValueError(
                f"`save_to` must be a new folder or one of the same call. Received: save_to={str(path)!r}, where a run "
                f"with other arguments lies: {there}. Name another folder, or delete this one."
            )
        return cls(path, decisions)

    @property
    def ended(self) -> bool:
        """Whether the run has its result."""
        return self.path is not None and (self.path / "result.json").exists()

    def decide(self, name: str, make) -> Any:
        """The decision of that name: taken by `make()` the first time and then kept.

        What was decided must be JSON's to hold.
        """
        if name in self.decisions:
            return self.decisions[name]
        value = make()
        if self.path is not None:
            self.decisions[name] = value
            write_text(self.path / "run.json", json.dumps(self.decisions, indent=1))
        return value

    def check_data(self, data: Data) -> None:
        """Raises ValueError if the run began with other data: files came, went or changed their class."""
        facts = [
            data.name,
            list(data.image_shape),
            list(data.class_names),
            list(data.class_counts),
            data.validation_size,
        ]
        earlier = self.decide("data", lambda: facts)
        if earlier != facts:
            raise ValueError(
                f"`data` must be what the run in {str(self.path)!r} began with, {earlier}. Received: {facts}. "
                "Name another `save_to` folder, or delete this one."
            )

    def file(self, name: str) -> Path | None:
        """A file of the run, or None if nothing is kept."""
        return None if self.path is None else self.path / name

    def clear(self) -> None:
        """Removes what only an unfinished run needs."""
        for name in ("state.npz", "best.npz"):
            if self.path is not None:
                (self.path / name).unlink(missing_ok=True)


def describe(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a recipe as JSON can hold them, the same for the same call, without those that train nothing."""
    return {name: _plain(value) for name, value in arguments.items() if name not in SILENT}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray):
        return f"array{value.shape} of {value.dtype}, checksum {zlib.crc32(np.ascontiguousarray(value)):08x}"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, keras.Model):
        weights = zlib.crc32(b"".join(array.tobytes() for array in value.get_weights()))
        return f"{type(value).__name__} {value.name} of {value.count_params()} parameters, checksum {weights:08x}"
    return getattr(value, "__qualname__", None) or str(value)
