"""What is wrong with the arguments that the recipes which train share, whatever the data are."""

import math

from kerascnn import augmentation, checks, class_weights, losses, models, optimizers, schedules
from kerascnn.training.precision import check_precision


def check_training(
    *, optimizer, learning_rate, schedule, epochs, weight_decay, clip_norm, ema, batch_size, augment, precision, seed,
    verbose, label_smoothing=0.0, class_weight=None, views=1, job="classify", **_others,
) -> None:  # fmt: skip
    """Raises ValueError or TypeError, before anything slow is begun; `job` is that of `augmentation.named`."""
    if batch_size is not None:
        checks.positive_int("batch_size", batch_size)
    checks.positive_int("seed", seed, least=0)
    checks.one_of("views", views, models.VIEWS)
    checks.in_range("learning_rate", learning_rate, 0, math.inf, ends="()")
    schedules.named(schedule, learning_rate, epochs, steps_per_epoch=1)
    optimizers.make(optimizer, learning_rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema)
    losses.SparseCategoricalCrossentropy(label_smoothing=label_smoothing)
    class_weights.check(class_weight)
    augmentation.named(augment, None, job=job)
    check_precision(precision)
    checks.one_of("verbose", verbose, ("auto", 0, 1, 2))


def check_maps(*, patch, passes, patience) -> None:
    """Raises ValueError for what the recipes of maps share; `passes` is a number of looks at an image in an epoch."""
    for name, value in {"patch": patch, "patience": patience}.items():
        if value is not None:
            checks.positive_int(name, value)
    checks.positive_int("passes", passes)
