"""Which settings are best? The recipe for a sweep: it runs another recipe again and again, and loses nothing."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from kerascnn import checks, files, models, tuning
from kerascnn import data as datasets
from kerascnn.inspect import Cost, cost
from kerascnn.models.registry import MAP_MODELS
from kerascnn.tuning import Between, Choices, ConvNetSpace, TuneResult, UNetSpace
from recipes._arguments import resizing
from recipes._shell import RUNS

SPACES = {  # what is searched unless a space is given
    "classify": ConvNetSpace() + Choices(learning_rate=Between(0.02, 0.5, log=True)),
    "finetune": Choices(
        learning_rate=Between(1e-4, 1e-3, log=True), unfreeze=(0, 1, 2), dropout=Between(0.0, 0.5, step=0.1)
    ),
    "segment": UNetSpace() + Choices(learning_rate=Between(5e-4, 1e-2, log=True)),
    "denoise": UNetSpace() + Choices(learning_rate=Between(5e-4, 1e-2, log=True)),
}
SPACES["detect"] = SPACES["localize"] = Choices(learning_rate=Between(5e-4, 1e-2, log=True), ema=(None, 0.99))
SPACES["embed"] = Choices(
    learning_rate=Between(3e-4, 1e-2, log=True), dimensions=(32, 64, 128), margin=Between(0.05, 0.8, log=True)
)
BEST, WINNER = "best", "best.txt"  # the folder of the best settings, and the number of the trial that found them
LATER = ("pictures", "compare")  # what is done for the best settings only
TARGETS = {
    "segment": "masks",
    "denoise": "images",
    "detect": "boxes",
    "localize": "box",
}  # what a recipe's data have, if not labels
OBJECTIVES = {
    "segment": "iou",
    "denoise": "psnr",
    "detect": "map50",
    "embed": "recall_at_1",
    "localize": "iou",
}  # by which trials are compared, if not by accuracy


def tune(
    data: str | Path | datasets.Data | tuple,
    *,
    recipe: str | Callable = "classify",
    space: str | Callable | None = None,
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "hyperband",
    objective: str | None = None,
    max_trials: int | None = 30,
    max_seconds: float | None = None,
    max_parameters: int | None = None,
    max_flops: float | None = None,
    workers: int = 1,
    directory: str | Path | None = None,
    resume: bool = True,
    keep: int = 3,
    seed: int = 0,
    tensorboard: bool = False,
    verbose: int | Literal["auto"] = "auto",
    **same: Any,
) -> TuneResult | None:
    """Searches for the settings with which a recipe does best, by its figures on the validation split.

    Each trial is a call of the recipe. The data is loaded once, trials never see the test split, and the best settings
    are trained once more with it at the end. Whatever is killed, the same call goes on: no finished trial is lost, and
    one that was interrupted continues after its last epoch. A trial that fails is recorded, with its error.

    Args:
        data: as the recipe takes it; with `workers` a name, a folder or arrays.
        recipe: "classify", "finetune", "segment", "denoise", "detect", "localize", "embed"; in Python any
            function `f(data, *, epochs, save_to, ...) -> Result`.
        space: what is searched. In Python a function of `hp` (a `keras_tuner.HyperParameters`) that returns arguments
            of the recipe, such as `tuning.ConvNetSpace()`; as text "ConvNetSpace(kernels=(3, 5)) +
            Choices(learning_rate=Between(0.01, 1.0, log=True), batch_size=(64, 128))". None searches the network and
            the learning rate, and for finetune how much of the backbone trains.
        tuner: "random", "grid" (all combinations), "bayesian" (a Gaussian process), or "hyperband": many trials of few
            epochs, of which the best are trained anew for longer.
        objective: a figure of the recipe's Result, such as "accuracy" or "val_loss"; of losses and errors less is
            better. None is "accuracy", for segment and localize "iou", for denoise "psnr", for detect
            "map50", for embed "recall_at_1".
        max_trials: after which the sweep ends, unless its tuner ends it; None is without such a limit.
        max_seconds: after which no further trial begins.
        max_parameters: a network with more is not built, and does not count as a trial.
        max_flops: the same for the operations for one image, multiply and add counted as two.
        workers: processes on this machine, among which cores and GPUs are divided.
        directory: of the sweep, with its journal; None is "saved_models/runs/tune-<recipe>-<data>-<tuner>".
        resume: goes on with the sweep in `directory`; False refuses a directory that has one.
        keep: number of trials, the best, whose weights stay on the disk.
        seed: of the draws, and of every trial.
        tensorboard: also writes the trials for TensorBoard's HParams page, into "tensorboard" in `directory`.
        verbose: "auto" a live table, 2 one line a trial, 0 nothing.
        same: arguments of the recipe that are the same in all trials, such as `epochs=5`.

    Returns:
        A `TuneResult` with the best Result, all trials and what counted; None in the process of a worker on another
        machine (see docs/tuning.md).

    Examples:
        python -m recipes tune --data fashion_mnist --recipe classify --epochs 9 --max-trials 30 --workers 2
    """
    recipe = _recipe(recipe)
    space = _space(space, recipe)
    objective = objective or OBJECTIVES.get(recipe.__name__, "accuracy")
    fixed = _fixed(recipe, same, seed)
    plan = tuning.Plan(
        tuner, _epochs(recipe, fixed), max_trials, max_seconds, max_parameters, max_flops, workers, keep, seed,
        tensorboard, verbose,
    )  # fmt: skip
    checks.one_of("verbose", verbose, ("auto", 0, 1, 2))
    found = tuning.check_space(space, recipe, same)
    folder = Path(directory or RUNS / f"tune-{recipe.__name__}-{_name(data)}-{tuner}")
    job = tuning.Job(recipe, data, fixed, space, objective, tuning.better(objective), folder)
    _check_plan(job, plan, found)
    if tuning.is_remote():
        return tuning.work_for_chief(job)
    if not resume and (folder / tuning.JOURNAL).exists():
        mend = "Pass resume=True to go on with it, or delete it."
        raise ValueError(checks.message("directory", "be new with resume=False", str(folder), mend))
    files.check_writable("directory", folder)
    with datasets.remembered(test=False):
        loaded = datasets.load(data, targets=TARGETS.get(recipe.__name__, "labels"), **_reading(recipe, data, fixed))
        cost_of = partial(_cost, shape=loaded.image_shape, classes=loaded.classes or loaded.channels)
        with tuning.Sweep(job, found, plan, cost_of) as sweep:
            if sweep.is_new:
                sweep.rehearse(loaded)
            trials = sweep.run()
    shares = tuning.write(trials, job.objective, job.direction, folder)
    best_first = tuning.ranked(trials, job.direction)
    if not best_first or best_first[0].status != "finished":
        raise RuntimeError(f"No trial of the sweep in {str(folder)!r} has come to its end.")
    shown = tuning.known_to(recipe, {"verbose": verbose} | dict.fromkeys(LATER, True))
    _make_way(folder, best_first[0].number)
    best = recipe(data, **{**best_first[0].arguments, **shown}, save_to=folder / BEST)
    return TuneResult(best, tuple(best_first), shares, job.objective, job.direction, folder)


def _make_way(folder: Path, winner: int) -> None:
    """Keeps what was trained with the best settings of a shorter sweep, where a longer one has found better ones."""
    mark = folder / WINNER
    earlier = int(mark.read_text()) if mark.exists() else winner
    if earlier != winner and (folder / BEST).exists():
        (folder / BEST).rename(folder / f"{BEST}-of-trial-{earlier}")
    files.write_text(mark, str(winner))


def _recipe(recipe: str | Callable) -> Callable:
    if callable(recipe):
        return recipe
    checks.one_of("recipe", recipe, tuple(SPACES))
    return getattr(importlib.import_module("recipes"), recipe)


def _space(space, recipe: Callable) -> Callable:
    if space is None and recipe.__name__ not in SPACES:
        raise ValueError(checks.message("space", f"be given for recipe {recipe.__name__}", None))
    if space is None:
        return SPACES[recipe.__name__]
    return tuning.parse_space(space) if isinstance(space, str) else space


def _fixed(recipe: Callable, same: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The arguments of every trial; those of `same` must be the recipe's."""
    known = inspect.signature(recipe).parameters
    for name in same:
        if name not in known or name in ("data", "save_to", "callbacks"):
            raise TypeError(checks.message(name, f"be an argument of tune or {recipe.__name__}", same[name]))
    return {**same, **tuning.known_to(recipe, {"seed": seed, "verbose": 0} | dict.fromkeys(LATER, False))}


def _epochs(recipe: Callable, fixed: Mapping[str, Any]) -> int:
    default = inspect.signature(recipe).parameters.get("epochs")
    return fixed.get("epochs", default.default if default else 1)


def _check_plan(job, plan, found) -> None:
    """Raises ValueError for limits that this space cannot have, and TypeError for what workers cannot be given."""
    given = job.space(found.copy())
    if plan.tuner == "hyperband" and "epochs" in given:
        mend = "Pass epochs=, the most that a trial gets, or another tuner."
        raise ValueError(checks.message("space", "leave epochs to tuner='hyperband'", repr(job.space), mend))
    bounds = {"max_parameters": plan.max_parameters, "max_flops": plan.max_flops}
    for name, bound in bounds.items():
        if bound is not None and "model" not in {**job.fixed, **given}:
            raise ValueError(checks.message(name, "be left out unless the space gives a `model`", bound))
    if plan.workers > 1:
        tuning.check_picklable(job)


def _reading(recipe: Callable, data, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with which the recipe will read the data."""
    options = inspect.signature(datasets.load).parameters
    defaults = {name: each.default for name, each in inspect.signature(recipe).parameters.items()}
    found = {name: fixed.get(name, value) for name, value in defaults.items() if name in options and name != "data"}
    if "resize" in found:
        found["resize"] = resizing(data, found["resize"], defaults["resize"])
    return found


def _cost(arguments: Mapping[str, Any], *, shape: tuple[int, ...], classes: int) -> Cost | None:
    """What the network of these arguments costs; None where they name none."""
    model = arguments.get("model")
    if model is None:
        return None
    if isinstance(model, str) and model.partition("(")[0].strip() in MAP_MODELS:
        return cost(lambda: models.build_map(model, shape, classes), shape)
    return cost(lambda: models.build(model, shape, classes))


def _name(data: Any) -> str:
    return Path(data).name if isinstance(data, str | Path) else getattr(data, "name", "arrays")
