"""A training in stages, each with its own part of the network and its own rates; it resumes exactly, like a `run`."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import keras

from kerascnn import checks, hosts
from kerascnn.callbacks import snapshot
from kerascnn.callbacks.resume import memories, remind
from kerascnn.data import Data
from kerascnn.layers import nested
from kerascnn.training.devices import building
from kerascnn.training.folder import ENDED, RunFolder
from kerascnn.training.run import SAVE_SECONDS, Fitted, run
from kerascnn.training.stage import Stage, train_stage


def run_stages(  # noqa: PLR0913 (what a training is told)
    network: keras.Model,
    data: Data,
    stages: Sequence[Stage],
    *,
    batch_size: int,
    augment=None,
    seed: int = 0,
    folder: RunFolder | None = None,
    keep: Literal["best", "last"] = "last",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    class_weight: Mapping[int, float] | None = None,
    patience: int | None = None,
    save_seconds: float | None = SAVE_SECONDS,
    verbose: int | str = "auto",
) -> Fitted:
    """Trains `network` through the stages, one `run` after the other, each with the weights that the last one kept.

    With a `folder` each stage writes its state there, as `run` does, and when it has ended, the weights of the whole
    network. The same call then goes on exactly, wherever it was killed: finished stages are made `ready` again, which
    leaves the network's layers as the stage had them, but neither their `on` nor their training is done again.

    Order and augmentation of stage number k, from 0, are those of `seed + k`. History and seconds are chained over the
    stages; `history["stage"]` is the number of each epoch's stage, from 1. Speed and best epoch are the last stage's.
    `Fitted.stages` has for each stage its name, epochs, trainable weights, seconds of training and of preparation
    (`on` and `ready`), images a second, and MiB of memory that the process had held at most when it ended.

    Args:
        network: built anew from the same seed when a run is resumed.
        data: training and validation split.
        stages: in their order, with different names.
        batch_size: images a step.
        augment: for stages without `on`; as `run` takes it.
        seed: of order and augmentation.
        folder: where to keep the run; None keeps nothing.
        keep: the weights that each stage ends with, of its "best" epoch or of its "last".
        callbacks: further Keras callbacks, the same in all stages.
        class_weight: weight of each class in the loss, by its index.
        patience: epochs without a better one after which a stage ends; None trains them all.
        save_seconds: after which the state is written in the middle of an epoch too; None writes it at its end only.
        verbose: "auto" or 1 for a live table, 2 for one line an epoch, 0 for nothing.
    """
    names = [stage.name for stage in stages]
    if not names or len(set(names)) < len(names):
        raise ValueError(checks.message("stages", "be one or more, of different names", names))
    folder = folder or RunFolder(None, {})
    train = partial(
        run, keep=keep, callbacks=callbacks, class_weight=class_weight, patience=patience, save_seconds=save_seconds,
        verbose=verbose,
    )  # fmt: skip
    done = []
    for number, stage in enumerate(stages):
        part = folder.part(stage.name)
        fitted = _ended(part, stage, network, callbacks)
        if fitted is None:
            if verbose != 0:
                print(f"stage {number + 1} of {len(stages)}: {stage.name}", file=sys.stderr)
            settings = {"batch_size": stage.batch_size or batch_size, "seed": seed + number, "folder": part}
            if stage.on is None:
                settings["augment"] = augment
            fitted = train_stage(stage, network, data, partial(train, **settings))
            _leave(part, fitted, network, callbacks)
        done.append(fitted)
    return _chained(network, done)


def _leave(part: RunFolder, fitted: Fitted, network: keras.Model, callbacks) -> None:
    """Writes what the next stage begins with, and all that is told of this one, and removes its state."""
    if part.path is not None:
        arrays, remembered = memories(callbacks)
        facts = {name: value for name, value in vars(fitted).items() if name != "model"}
        facts = {"fitted": facts, "callbacks": remembered}
        snapshot.write(part.file(ENDED), {"network": snapshot.take(network.variables), **arrays}, facts)
        part.clear()


def _ended(part: RunFolder, stage: Stage, network: keras.Model, callbacks) -> Fitted | None:
    """The stage as an earlier start has trained it, with its weights in the network; None if none has."""
    if part.path is None or not hosts.agreed(part.file(ENDED).exists):
        return None
    if stage.on is None:
        with building():
            stage.ready(network)
    part.clear()  # killed between the two?
    arrays, facts = snapshot.read(part.file(ENDED))
    snapshot.put(network.variables, arrays["network"])
    remind(callbacks, arrays, facts["callbacks"])
    return Fitted(network, **facts["fitted"])


def _chained(network: keras.Model, done: Sequence[Fitted]) -> Fitted:
    history: dict[str, list[float]] = {}
    for number, fitted in enumerate(done, start=1):
        before, epochs = len(history.get("stage", ())), len(fitted.seconds)
        for name in {**history, **fitted.history, "stage": ()}:
            values = [number] * epochs if name == "stage" else fitted.history.get(name, [math.nan] * epochs)
            history.setdefault(name, [math.nan] * before).extend(values)
    seconds = [second for fitted in done for second in fitted.seconds]
    last = done[-1]
    return replace(
        last,
        model=nested.for_use(network),
        history=history,
        seconds=seconds,
        best_epoch=len(seconds) - len(last.seconds) + last.best_epoch,
        input_wait=sum(fitted.input_wait * sum(fitted.seconds) for fitted in done) / sum(seconds),
        stages=tuple(report for fitted in done for report in fitted.stages),
    )
