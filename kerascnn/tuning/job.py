"""What a trial of a sweep is: the call of a recipe with the values that were drawn, and what comes of it."""

import inspect
import json
import math
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import keras_tuner

from kerascnn import checks
from kerascnn.files import refused, write_text
from kerascnn.training import Result
from kerascnn.tuning.recorded import OUTCOME, VALUES, trial_folder

Space = Callable[[Any], Mapping[str, Any]]
LOWER_IS_BETTER = ("loss", "error", "mse", "mae", "ece")
WEIGHTS = ("*.keras", "*.npz", "*.png")  # of a trial that is not among the best


@dataclass(frozen=True)
class Job:
    """What every process of a sweep must know; workers get it by pickle.

    Attributes:
        recipe: called for each trial.
        data: its first argument.
        fixed: its further arguments, the same for all trials.
        space: `space(hp)` gives the others, which win over `fixed`; `hp` is a `keras_tuner.HyperParameters`.
        objective: a figure of the Result's `metrics`, or of its `history` at the epoch that was kept.
        direction: "max" or "min".
        folder: of the sweep.
    """

    recipe: Callable[..., Result]
    data: Any
    fixed: Mapping[str, Any]
    space: Space
    objective: str
    direction: str
    folder: Path

    def arguments(self, hp) -> dict[str, Any]:
        """The keyword arguments of the recipe for these values; Hyperband's number of epochs wins."""
        arguments = {**self.fixed, **self.space(hp.copy())}
        if "tuner/epochs" in hp.values:
            arguments["epochs"] = hp.values["tuner/epochs"]
        return arguments

    def run(self, trial_id: str) -> dict[str, Any]:
        """Runs a trial, from its last epoch if it was interrupted; returns and writes what came of it.

        That is `score`, `epochs`, `seconds` and `metrics`, or `error`, one line, with the traceback in "error.txt".
        Raises: OSError if the disk is full or cannot be written, which is no fault of the trial: it can go on later.
        """
        folder = trial_folder(self.folder, trial_id)
        hp = keras_tuner.HyperParameters()
        hp.values = json.loads((folder / VALUES).read_text())
        begun = time.perf_counter()
        try:
            result = self.recipe(self.data, **self.arguments(hp), save_to=folder)
            outcome = {
                "score": finite(score(result, self.objective)),
                "epochs": len(next(iter(result.history.values()), ())),
                "seconds": round(result.extras["record"].get("seconds", time.perf_counter() - begun), 2),
                "metrics": {name: float(value) for name, value in result.metrics.items()},
            }
        except Exception as error:  # whatever else it is, it is the trial's, and the sweep goes on
            if isinstance(error, OSError) and refused(error):
                raise
            write_text(folder / "error.txt", traceback.format_exc())
            outcome = {"error": f"{type(error).__name__}: {error}", "seconds": round(time.perf_counter() - begun, 2)}
        write_text(folder / OUTCOME, json.dumps(outcome))
        keras.utils.clear_session()  # which frees the memory
        return outcome


def score(result: Result, objective: str) -> float:
    """The figure of that name: of `metrics`, or of `history` at the best epoch.

    Raises: ValueError that lists the figures there are, if there is none of that name.
    """
    if objective in result.metrics:
        return float(result.metrics[objective])
    if objective in result.history:
        epoch = result.extras["record"].get("best_epoch") or len(result.history[objective])
        return float(result.history[objective][epoch - 1])
    known = [*result.metrics, *result.history]
    rule = f"be a figure of the recipe: {', '.join(known)}"
    raise ValueError(checks.message("objective", rule, objective, checks.nearest(objective, known)))


def finite(value: float) -> float:
    """`value`; raises ArithmeticError for NaN and infinity, which cannot be compared."""
    if not math.isfinite(value):
        raise ArithmeticError(f"The objective of the trial is {value}.")
    return value


def better(objective: str) -> str:
    """ "min" for a figure of which less is better, such as "val_loss", else "max".

    >>> better("val_loss"), better("pixel_error"), better("accuracy")
    ('min', 'min', 'max')
    """
    return "min" if objective.endswith(LOWER_IS_BETTER) else "max"


def known_to(recipe: Callable, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the arguments that the recipe has."""
    return {name: value for name, value in arguments.items() if name in inspect.signature(recipe).parameters}


def thin_out(folder: Path) -> None:
    """Removes weights and pictures of a trial, whose figures stay."""
    for pattern in WEIGHTS:
        for file in folder.glob(pattern):
            file.unlink(missing_ok=True)
    shutil.rmtree(folder / "parts", ignore_errors=True)
