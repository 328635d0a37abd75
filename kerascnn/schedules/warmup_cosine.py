"""Linear warm-up, then half a cosine (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983)."""

import keras

from kerascnn import checks


def warmup_cosine(
    peak: float, steps: int, *, warmup_steps: int, final: float = 0.0
) -> keras.optimizers.schedules.CosineDecay:
    """A rate that rises in a line to `peak` during `warmup_steps`, then falls on a cosine to `final` at `steps`.

    `steps` counts the warm-up; after `steps` the rate stays at `final`, a rate like `peak` and not a share of it. The
    first step is taken at `peak / warmup_steps` and not at 0, so that it is not lost. What comes back is Keras' own
    schedule: a model saved with it loads without kerascnn.
    Raises: ValueError when `final` is above `peak`, or `warmup_steps` leaves no step for the cosine.

    >>> rate = warmup_cosine(0.1, 100, warmup_steps=10)
    >>> [round(float(rate(step)), 4) for step in (0, 10, 55, 100)]
    [0.01, 0.1, 0.05, 0.0]
    """
    checks.in_range("peak", peak, 0, float("inf"), ends="()")
    checks.in_range("final", final, 0, peak)
    checks.positive_int("steps", steps)
    checks.positive_int("warmup_steps", warmup_steps, least=0)
    if warmup_steps >= steps:
        rule = f"be less than steps={steps}"
        raise ValueError(checks.message("warmup_steps", rule, warmup_steps, "Warm up for a tenth of them or less."))
    cosine = {"decay_steps": steps - warmup_steps, "alpha": final / peak}
    if not warmup_steps:
        return keras.optimizers.schedules.CosineDecay(float(peak), **cosine)
    return keras.optimizers.schedules.CosineDecay(
        peak / warmup_steps, **cosine, warmup_target=float(peak), warmup_steps=warmup_steps
    )
