"""Schedules by name, with the proportions that recipes use."""

from typing import Any

from kerascnn import checks
from kerascnn.schedules.one_cycle import OneCycle
from kerascnn.schedules.warmup_cosine import warmup_cosine

NAMES = ("one-cycle", "cosine", "constant")


def named(name: str, peak: float, epochs: int, steps_per_epoch: int, accumulate: int = 1) -> Any:
    """The learning rate of a whole training: a schedule, or `peak` itself for "constant".

    "one-cycle" climbs for a fifth of the steps from a fifth of the peak and falls in a line; "cosine" warms up for one
    epoch, or a tenth of the steps if that is less. Where `accumulate` steps make one update, they count updates.
    Raises: ValueError where the whole training has not so many steps.

    >>> named("constant", 0.1, 30, 100)
    0.1
    """
    checks.one_of("schedule", name, NAMES)
    batches = checks.positive_int("epochs", epochs) * steps_per_epoch
    steps = batches // checks.positive_int("accumulate", accumulate)
    if not steps:
        rule = f"be at most {batches}, the steps of the whole training"
        raise ValueError(checks.message("accumulate", rule, accumulate))
    if name == "one-cycle":
        return OneCycle(peak, steps, warmup=0.2, start_factor=0.2, curve="linear")
    if name == "cosine":
        return warmup_cosine(peak, steps, warmup_steps=min(steps_per_epoch // accumulate, steps // 10))
    return peak
