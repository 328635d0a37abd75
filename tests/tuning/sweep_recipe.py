"""A recipe of no images: what it "trains" is a line, in epochs that can be interrupted; and spaces for it."""

import json
import os
import time
from pathlib import Path

from kerascnn.files import write_text
from kerascnn.training import Result
from kerascnn.tuning import Job, Plan, Sweep
from kerascnn.tuning.exploring import explored


def line(data, *, slope=1.0, offset=0, kind="a", epochs=3, pause=0.0, fail="", seed=0, save_to=None):
    """A Result whose accuracy grows by `slope` an epoch from `offset`; its folder remembers the epochs."""
    folder = Path(save_to)
    state = folder / "state.json"
    done = json.loads(state.read_text()) if state.exists() else []
    if fail == "memory":
        raise MemoryError("not enough")
    if fail == "die":
        os.kill(os.getpid(), 9)
    while len(done) < epochs:
        time.sleep(pause)
        done.append(offset + slope * (len(done) + 1))
        write_text(state, json.dumps(done))
    (folder / "model.keras").write_text("weights")
    score = float("nan") if fail == "nan" else done[-1]
    record = {"seconds": 0.25 * epochs, "best_epoch": epochs, "images_per_second": 100.0}
    return Result(None, {"val_loss": [-each for each in done]}, {"accuracy": score}, folder, {"record": record})


def space(hp):
    """Six hyperparameters' worth of what a space may have: a condition, floats, texts."""
    values = {"slope": hp.Float("slope", 0.5, 2.0, sampling="log"), "kind": hp.Choice("kind", ["a", "b"])}
    with hp.conditional_scope("kind", ["b"]):
        if values["kind"] == "b":
            values["offset"] = hp.Int("offset", 1, 5)
    return values


def small(hp):
    """Twelve combinations."""
    return {"offset": hp.Choice("offset", [1, 2, 3, 4]), "slope": hp.Choice("slope", [0.5, 1.0, 2.0])}


def failing(hp):
    """Every third combination runs out of memory, every other third gives NaN."""
    return {"offset": hp.Choice("offset", [1, 2]), "fail": hp.Choice("fail", ["", "memory", "nan"])}


def hopeless(hp):
    """All fail alike."""
    return {"offset": hp.Choice("offset", [1, 2, 3, 4, 5]), "fail": "memory"}


def job(folder, space, objective="accuracy", direction="max", **fixed):
    """The job of a sweep with `line`."""
    return Job(line, None, {"seed": 0, **fixed}, space, objective, direction, Path(folder))


def deadly(hp):
    """The second of three kills its process."""
    offset = hp.Choice("offset", [1, 2, 3])
    return {"offset": offset, "fail": "die" if offset == 2 else ""}


def sweep(folder, of=space, cost=lambda arguments: None, fixed=(), **options):
    """A sweep of eight trials with `line`, unless `options` of the Plan say otherwise."""
    plan = Plan(**{"tuner": "random", "epochs": 3, "max_trials": 8, "verbose": 0, **options})
    return Sweep(job(folder, of, **dict(fixed)), explored(of), plan, cost)


def run(folder, **options):
    """The trials of such a sweep."""
    with sweep(folder, **options) as begun:
        return begun.run()
