"""How the recipes that train begin: what is wrong with their arguments, whatever the data are, and a run's folder."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

from kerascnn import augmentation, checks, class_weights, hosts, losses, models, optimizers, schedules, training
from kerascnn import data as datasets
from kerascnn.callbacks import TimeBudget
from kerascnn.models import MODELS
from kerascnn.models.registry import parse
from kerascnn.training.precision import check_precision


def alone(recipe: Callable) -> Callable:
    """`recipe`, with other processes kept out of its `save_to` while it runs."""

    @functools.wraps(recipe)
    def called(*arguments, **options):
        with training.locked(options.get("save_to") if hosts.first() else None):
            return recipe(*arguments, **options)

    return called


def shared(recipe: Callable) -> Callable:
    """The recipe on the devices and hosts that its arguments name; the first host alone shows how it goes."""
    signature = inspect.signature(recipe)

    @functools.wraps(recipe)
    def run(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        options = given.arguments
        machines = hosts.named(options["hosts"], options["host_index"])
        with training.machines(options["devices"], machines, batch_size=options["batch_size"]):
            if not hosts.first():
                options["verbose"] = 0
            return recipe(*given.args, **given.kwargs)

    return run


def begin(
    arguments: Mapping[str, Any], check: Callable[..., None]
) -> tuple[training.RunFolder, list[keras.callbacks.Callback]]:
    """Checks the arguments of a recipe; gives the folder of its run, and the callbacks that were asked for.

    Raises: what `check(**arguments)` raises, before anything slow is begun; ValueError for another call's folder.
    """
    check(**arguments)
    folder = training.RunFolder.open(arguments["save_to"], arguments)
    limit = arguments["max_seconds"]
    budget = [] if limit is None else [TimeBudget(limit, arguments["verbose"])]
    return folder, [*arguments["callbacks"], *training.tensorboard(arguments["tensorboard"], folder), *budget]


def check_model(model, table: Mapping[str, Any] = MODELS) -> None:
    """Raises ValueError for a text that names no network of `table`, TypeError for what is no model at all."""
    if isinstance(model, str):
        parse(model, table)
    elif not callable(model):
        models.build(model, (), 1)  # which says what a model may be


def check_training(
    *, optimizer, learning_rate, schedule, epochs, weight_decay, clip_norm, ema, batch_size, augment, precision, seed,
    verbose, patience=None, patch=None, passes=1, label_smoothing=0.0, class_weight=None, views=1, network=None,
    job="classify", accumulate=1, max_seconds=None, **_others,
) -> None:  # fmt: skip
    """Raises ValueError or TypeError, before anything slow is begun; `job` is that of `augmentation.named`.

    `network` is what the user passed for the network that trains: a keras.Model keeps its own precision.
    """
    for name, value in {"batch_size": batch_size, "patience": patience, "patch": patch}.items():
        if value is not None:
            checks.positive_int(name, value)
    checks.positive_int("passes", passes)
    checks.positive_int("seed", seed, least=0)
    checks.one_of("views", views, models.VIEWS)
    checks.in_range("learning_rate", learning_rate, 0, math.inf, ends="()")
    schedules.named(schedule, learning_rate, epochs, steps_per_epoch=1)
    optimizers.make(
        optimizer, learning_rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate
    )
    if max_seconds is not None:
        TimeBudget(max_seconds)
    losses.SparseCategoricalCrossentropy(label_smoothing=label_smoothing)
    class_weights.check(class_weight)
    augmentation.named(augment, None, job=job)
    check_precision(precision)
    checks.one_of("verbose", verbose, ("auto", 0, 1, 2))
    if isinstance(network, keras.Model):
        training.as_built(network, precision)


def resizing(data, resize: str, default: str) -> str:
    """How `data.load` is to resize: a recipe's `default` asks nothing of a `Data`, whose images have a size by now."""
    return "stretch" if isinstance(data, datasets.Data) and resize == default else resize
