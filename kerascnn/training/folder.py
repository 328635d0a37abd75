"""The folder of a run: which call it belongs to, what was decided once, whether it has ended."""

import errno
import json
import math
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from kerascnn import checks, hosts
from kerascnn.data import Data
from kerascnn.files import PARTIAL, write_text
from kerascnn.training.describe import describe

PARTS = "parts"  # the folder of the folders of a run's parts
ENDED = "ended.npz"  # in the folder of a part: it has ended
BEGUN = ("state.npz", f"{PARTS}/*/state.npz", f"{PARTS}/*/{ENDED}")  # any of them: there is something to go on from
WRITTEN = ("model.keras", "history.csv", "README.md")  # in every folder of a run, and perhaps in one of the user's own


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
        Raises: ValueError, which names the arguments that differ, if the folder belongs to another call, or the files
        that a run would replace, if it belongs to none.
        """
        if path is None:
            return cls(None, {})
        path, arguments = Path(path), describe(arguments)
        hosts.check_shared(path)
        decisions = hosts.agreed(lambda: _decided(path))
        if decisions is None:
            _check_free(path)
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
            with suppress(OSError):  # it may be read-only by now
                folder.clear()
        return folder

    @property
    def ended(self) -> bool:
        """Whether the run has its result."""
        return self.path is not None and hosts.agreed((self.path / "result.json").exists)

    def decide(self, name: str, make) -> Any:
        """The decision of that name: taken by `make()` the first time and then kept.

        What was decided must be JSON's to hold; of several hosts the first one decides.
        """
        if name in self.decisions:
            return self.decisions[name]
        value = hosts.agreed(make)
        if self.path is not None:
            self.decisions[name] = value
            write_text(self.path / "run.json", json.dumps(self.decisions, indent=1))
        return value

    def check_data(self, data: Data) -> None:
        """Raises ValueError if the run began with other data, or can no longer be given them in the same order.

        Data are others when files came, went or changed their class, or the pixels of a class.
        """
        facts = data.facts
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

    def part(self, name: str) -> "RunFolder":
        """The folder of a part of the run, such as a stage of its training; its file `ENDED` says that it has ended."""
        return RunFolder(None if self.path is None else self.path / PARTS / name, {})

    def clear(self) -> None:
        """Removes what only an unfinished run needs, its parts too, and what a kill has left of half written files."""
        if self.path is not None and hosts.first():
            for file in (self.path / "state.npz", self.path / "best.npz", *self.path.glob(PARTIAL)):
                file.unlink(missing_ok=True)
            shutil.rmtree(self.path / PARTS, ignore_errors=True)

    def check_room(self, model: keras.Model) -> None:
        """Raises OSError if there is no room for the least that training `model` writes: its weights, now and at best.

        For use before the first epoch. Momenta come on top, so a disk may still be full later.
        """
        if self.path is None:
            return
        size = 4 * sum(math.prod(variable.shape) for variable in model.variables)
        needed = size * (1 if (self.path / "state.npz").exists() else 2)
        free = shutil.disk_usage(self.path).free if self.path.exists() else needed
        if free < needed:
            rule = f"have room for {needed / 2**20:,.1f} MiB at least, and has {free / 2**20:,.1f}"
            mend = "Free some space and make the same call again, or name another folder."
            raise OSError(errno.ENOSPC, checks.message("save_to", rule, str(self.path), mend))

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


def _decided(path: Path) -> dict[str, Any] | None:
    """What was decided for the run at `path`; None where no run has ended or has come to the end of an epoch."""
    if (path / "result.json").exists():  # perhaps written by `Result.save`, without a run.json
        return {"arguments": read_json(path / "result.json").get("arguments", {})}
    begun = any(any(path.glob(pattern)) for pattern in BEGUN)
    if begun and (path / "run.json").exists():
        return read_json(path / "run.json")
    return None


def read_json(file: Path, name: str = "save_to") -> dict[str, Any]:
    """What a run has written of itself; raises ValueError that names its folder if it is something else."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        rule = f"be a new folder or one of a run, whose {file.name} is JSON"
        mend = "Name another folder, or delete this one."
        raise ValueError(checks.message(name, rule, str(file.parent), mend))
    return found


def _check_free(path: Path) -> None:
    """Raises ValueError if `path` holds files of the names that a run writes, and no run has written them."""
    theirs = [name for name in WRITTEN if (path / name).exists()]
    ours = any(any(path.glob(pattern)) for pattern in ("run.json", *BEGUN))
    if theirs and not ours:
        rule = f"be a new folder or one of the same call, and holds {', '.join(theirs)} of something else"
        raise ValueError(checks.message("save_to", rule, str(path), "Name another folder."))
