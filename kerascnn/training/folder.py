"""The folder of a run: which call it belongs to, what was decided once, whether it has ended."""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn.data import Data
from kerascnn.files import PARTIAL, write_text

SILENT = ("save_to", "verbose", "callbacks", "tensorboard")  # arguments that do not change what is trained
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # in the text of an object; another one in each process


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

        A start that failed before its first epoch was saved does not claim the folder.
        Raises: ValueError, which names the arguments that differ, if the folder belongs to another call.
        """
        if path is None:
            return cls(None, {})
        path, arguments = Path(path), describe(arguments)
        decisions = _decided(path)
        if decisions is None:
            return cls(path, {"arguments": arguments})
        earlier = decisions["arguments"]
        differ = [name for name in arguments | earlier if arguments.get(name) != earlier.get(name)]
        if differ:
            there = ", ".join(f"{name}={earlier.get(name)!r} there, {arguments.get(name)!r} here" for name in differ)
            raise ValueError(
                f"`save_to` must be a new folder or one of the same call. Received: save_to={str(path)!r}, where a run "
                f"with other arguments lies: {there}. Name another folder, or delete this one."
            )
        folder = cls(path, decisions)
        if folder.ended:  # killed between the result and the end of the clearing?
            folder.clear()
        return folder

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
        """Raises ValueError if the run began with other data, or can no longer be given them in the same order.

        Data are others when files came, went or changed their class.
        """
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
        self._check_order("in memory" if "train" in data.sources else "streamed")

    def file(self, name: str) -> Path | None:
        """A file of the run, or None if nothing is kept."""
        return None if self.path is None else self.path / name

    def clear(self) -> None:
        """Removes what only an unfinished run needs, and what a kill has left of half written files."""
        if self.path is not None:
            for file in (self.path / "state.npz", self.path / "best.npz", *self.path.glob(PARTIAL)):
                file.unlink(missing_ok=True)

    def _check_order(self, kept: str) -> None:
        """Raises ValueError if the data were kept in another way when the run began, which changes their order."""
        earlier = self.decide("order", lambda: kept)
        if earlier == kept:
            return
        first = "Free some memory and make the same call again, or train" if kept == "streamed" else "Train"
        memory = 1.0 if earlier == "in memory" else 0.0
        raise ValueError(
            f"`data` must be {earlier}, as when the run in {str(self.path)!r} began. Received: data {kept}, which the "
            f"memory that is free now has decided; they come in another order. {first} anew in another `save_to` "
            f"folder, where data=kerascnn.data.load(..., memory={memory}) has them {earlier}."
        )


def describe(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a recipe as JSON can hold them, the same for the same call, without those that train nothing."""
    return {name: _plain(value) for name, value in arguments.items() if name not in SILENT}


def _decided(path: Path) -> dict[str, Any] | None:
    """What was decided for the run at `path`; None where no run has ended or has come to the end of an epoch."""
    if (path / "result.json").exists():  # perhaps written by `Result.save`, without a run.json
        return {"arguments": json.loads((path / "result.json").read_text()).get("arguments", {})}
    if (path / "state.npz").exists() and (path / "run.json").exists():
        return json.loads((path / "run.json").read_text())
    return None


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, map(_plain, value)))
    if isinstance(value, partial):
        return [_plain(value.func), _plain(value.args), _plain(value.keywords)]
    return _object(value)


def _object(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array{value.shape} of {value.dtype}, checksum {zlib.crc32(np.ascontiguousarray(value)):08x}"
    if isinstance(value, keras.Model):
        weights = zlib.crc32(b"".join(array.tobytes() for array in value.get_weights()))
        return f"{type(value).__name__} {value.name} of {value.count_params()} parameters, checksum {weights:08x}"
    if hasattr(value, "__qualname__"):
        return value.__qualname__
    text = str(value)
    if ADDRESS.search(text):  # an object that does not say what is in it
        text += str(getattr(value, "__dict__", ""))
    return ADDRESS.sub("", text)
