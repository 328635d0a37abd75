"""The one-cycle policy (Smith and Topin 2018, https://arxiv.org/abs/1708.07120)."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kerascnn import checks

CURVES: dict[str, Callable[[Any], Any]] = {
    "cosine": lambda share: (1 - ops.cos(math.pi * share)) / 2,
    "linear": lambda share: share,
}


@keras.saving.register_keras_serializable("kerascnn")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that climbs from `peak * start_factor` to `peak`, then falls to `peak * final_factor` at `steps`.

    `warmup` is the climb's share of `steps`, in [0, 1). Both ways follow `curve`: "cosine", as torch's OneCycleLR, or
    "linear", the paper's triangle. After `steps` the rate stays where it is.
    Raises: ValueError for a number out of its range or an unknown `curve`.

    >>> rate = OneCycle(1.0, 100, warmup=0.2, start_factor=0.1)
    >>> [round(float(rate(step)), 3) for step in (0, 10, 20, 60, 100)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        *,
        warmup: float = 0.3,
        start_factor: float = 0.04,
        final_factor: float = 0.0,
        curve: str = "cosine",
        name: str = "one_cycle",
    ):
        super().__init__()
        self.peak = checks.in_range("peak", peak, 0, math.inf, ends="()")
        self.steps = checks.positive_int("steps", steps)
        self.warmup = checks.in_range("warmup", warmup, 0, 1, ends="[)")
        self.start_factor = checks.in_range("start_factor", start_factor, 0, 1)
        self.final_factor = checks.in_range("final_factor", final_factor, 0, 1)
        self.curve = checks.one_of("curve", curve, CURVES)
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The rate at `step`, a scalar tensor in float32."""
        share = ops.cast(step, "float32") / self.steps
        climbed = ops.minimum(share / self.warmup, 1.0) if self.warmup else 1.0
        fallen = ops.clip((share - self.warmup) / (1 - self.warmup), 0.0, 1.0)
        bend = CURVES[self.curve]
        rising = self.start_factor + (1 - self.start_factor) * bend(climbed)
        falling = 1 + (self.final_factor - 1) * bend(fallen)
        return self.peak * ops.where(share < self.warmup, rising, falling)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        names = ("peak", "steps", "warmup", "start_factor", "final_factor", "curve", "name")
        return {name: getattr(self, name) for name in names}
