"""Fit with everything that a long training needs: best weights, log, progress, and a resume that is exact."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import keras
import numpy as np

from kerascnn import checks, hosts, plots
from kerascnn import data as datasets
from kerascnn.callbacks import KeepBest, LateStart, Log, Progress, Resume, StopOnNaN, TimeBudget
from kerascnn.layers import nested
from kerascnn.reports import Report
from kerascnn.training import devices
from kerascnn.training.folder import RunFolder
from kerascnn.training.memory import advised
from kerascnn.training.result import Result, write

ALL_EPOCHS = "all epochs"
SAVE_SECONDS = 600.0  # of training that a kill in the middle of an epoch undoes at most


@dataclass(frozen=True)
class Fitted:
    """What `run` returns.

    Attributes:
        model: the network for use, with the weights that were to be kept (without auxiliary outputs).
        history: a list for each figure, an entry an epoch.
        seconds: of training, without validation, for each epoch.
        images_per_second: median over the epochs.
        best_epoch: the epoch that is best on the validation split, from 1.
        input_wait: share of the training seconds that went by waiting for input.
        stages: what each stage was and cost, of a training in stages (see `run_stages`).
        ended: why there was no further epoch.
    """

    model: keras.Model
    history: Mapping[str, list[float]]
    seconds: Sequence[float]
    images_per_second: float
    best_epoch: int
    input_wait: float
    stages: Sequence[Mapping[str, Any]] = ()
    ended: str = ALL_EPOCHS


def run(  # noqa: PLR0913 (what a training is told)
    model: keras.Model,
    data: datasets.Data,
    *,
    epochs: int,
    batch_size: int,
    augment=None,
    seed: int = 0,
    folder: RunFolder | None = None,
    monitor: str = "val_accuracy",
    keep: Literal["best", "last"] = "best",
    patience: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    weigh: Callable[[np.ndarray], np.ndarray] | None = None,
    corrupt: Callable | None = None,
    target_of: Callable | None = None,
    sampler: datasets.Sampler | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    save_seconds: float | None = SAVE_SECONDS,
    verbose: int | str = "auto",
) -> Fitted:
    """Trains a compiled model on `data.train`, and keeps the weights that are best on `data.validation`, or the last.

    With a `folder` the state of the run is written there after each epoch, and every ten minutes; the same call goes on
    from that step, and ends with the same weights, history and best epoch, bit for bit, as a run that was never
    stopped. Raises MemoryError, with advice, where a step does not fit the memory.

    Args:
        model: compiled; built anew from the same seed when a run is resumed.
        data: training and validation split.
        epochs: of the whole run.
        batch_size: images a step.
        augment: an `augmentation.Pipeline` or what else `data.batches` takes, or None.
        seed: of order and augmentation.
        folder: where to keep the run; None keeps nothing.
        monitor: the figure that says which epoch is best.
        keep: the weights that the model ends with, of the "best" epoch or of the "last".
        patience: epochs without a better one after which training stops; None trains them all.
        class_weight: weight of each class in the loss, by its index; 1 for those that are not there.
        weigh: a function of a mask that weighs its pixels in the loss.
        corrupt: noise that is added to training images, as `data.batches` takes it.
        target_of: a function of a batch of targets, arrays or tensors of a graph; outputs are compared with its result.
        sampler: says which images make up a batch, such as `data.ClassBatches`; None permutes them all.
        callbacks: further Keras callbacks. One with `state()` and `restore(state)` is resumed exactly too.
        save_seconds: after which the state is written in the middle of an epoch too; None writes it at its end only.
        verbose: "auto" or 1 for a live table, 2 for one line an epoch, 0 for nothing.
    """
    folder = folder or RunFolder(None, {})
    folder.check_room(model)
    devices.check_batch(sampler.size(batch_size) if sampler else min(batch_size, data.train_size))
    best = KeepBest(monitor, patience=patience, path=folder.file("best.npz"), keep=keep)
    clock = datasets.InputClock()
    log = Log(folder.file("history.csv"), clock.seconds)
    steps = datasets.steps_per_epoch(data, batch_size, sampler)
    images = steps * (batch_size if sampler else min(batch_size, data.train_size))
    progress = [] if verbose == 0 else [Progress(epochs, images, live=False if verbose == 2 else None)]
    companions = [best, log, *callbacks]
    resume = [Resume(folder.file("state.npz"), companions, seconds=save_seconds)] if folder.path else []
    first, start = next(
        ((epochs, 0) if each.stopped else (each.first_epoch, each.first_step) for each in resume), (0, 0)
    )
    batches = datasets.batches(
        data, "train", batch_size, seed=seed, augment=augment, class_weight=class_weight,
        weigh=weigh, corrupt=corrupt, sampler=sampler, epochs=(min(first, epochs - 1), epochs), start=start,
        share=devices.current().share,
    )  # fmt: skip
    judged = devices.judged(data, batch_size)
    if target_of is not None:
        batches, judged = (datasets.retargeted(each, target_of) for each in (batches, judged))
    looks = [keras.callbacks.LambdaCallback(on_train_batch_begin=each.look) for each in resume]
    heard = [StopOnNaN(), *looks, *callbacks, best, log, *progress, *resume]  # no state is written of a loss of NaN
    try:
        with advised(batch_size), devices.spread(model) as before:
            heard = [*before, *heard]
            if start:
                model.evaluate(judged, steps=1, verbose=0)  # builds the metrics, whose sums come back
            model.fit(
                clock.timed(batches),
                steps_per_epoch=steps,
                initial_epoch=first,
                epochs=epochs,
                validation_data=judged,
                callbacks=LateStart(heard, model, step=start, epochs=epochs, steps=steps) if start else heard,
                shuffle=False,  # the batches come shuffled
                verbose=0,
            )
    finally:
        for shown in progress:
            shown.close()
    budget = next((each for each in callbacks if isinstance(each, TimeBudget)), None)
    speed = images / float(np.median(_whole(log.seconds, budget)))
    waited = sum(log.waits) / sum(log.seconds[-len(log.waits) :])
    ended = (budget.ended if budget else "") or (f"no better {monitor} in {patience} epochs" if best.stopped else "")
    return Fitted(
        nested.for_use(model), log.history, log.seconds, speed, best.epoch + 1, waited, ended=ended or ALL_EPOCHS
    )


def _whole(seconds: Sequence[float], budget: TimeBudget | None) -> list[float]:
    """The seconds of the epochs; of one that was cut short those that all of it would have taken."""
    return [*seconds[:-1], seconds[-1] / (budget.share if budget else 1)]


def finish(
    fitted: Fitted, report: Report, record: Mapping[str, Any], folder: RunFolder, *, pictures: bool = True
) -> Result:
    """The Result of a run, saved in its folder if it has one, where it replaces what only an unfinished run needs."""
    figures = {name: values for name, values in fitted.history.items() if name != "stage"}
    drawn = {"curves.png": partial(plots.curves, figures), **report.pictures} if pictures else {}
    result = Result(fitted.model, fitted.history, record["metrics"], None, {"record": record, "pictures": drawn})
    if folder.path is None:
        return result
    if not hosts.first():
        return replace(result, path=folder.path)
    result = write(result, folder.path)
    folder.clear()
    return result


def tensorboard(wanted: bool, folder: RunFolder) -> list[keras.callbacks.Callback]:
    """The callback that logs for TensorBoard in the folder, if it is wanted."""
    if not (wanted and hosts.first()):
        return []
    if folder.path is None:
        raise ValueError(checks.message("tensorboard", "be False without a folder", wanted, "Pass save_to="))
    return [keras.callbacks.TensorBoard(folder.file("tensorboard"))]
