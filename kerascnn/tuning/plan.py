"""How a space is searched, and within which limits."""

from dataclasses import dataclass

from kerascnn import checks
from kerascnn.tuning import oracles


@dataclass(frozen=True)
class Plan:
    """How a space is searched.

    Attributes:
        tuner: "random", "grid", "bayesian" or "hyperband".
        epochs: of a trial, at most.
        max_trials: after which the sweep ends; None leaves that to the tuner.
        max_seconds: after which no trial begins, all starts of the sweep together.
        max_parameters: of a network; one with more is not drawn.
        max_flops: for one image.
        workers: processes on this machine.
        keep: number of trials, the best, whose weights stay on the disk.
        seed: of the draws.
        tensorboard: writes values and scores for TensorBoard's HParams page.
        verbose: as of a recipe.
    """

    tuner: str
    epochs: int
    max_trials: int | None = 30
    max_seconds: float | None = None
    max_parameters: int | None = None
    max_flops: float | None = None
    workers: int = 1
    keep: int = 3
    seed: int = 0
    tensorboard: bool = False
    verbose: int | str = "auto"

    def __post_init__(self):
        """Checks the arguments."""
        checks.one_of("tuner", self.tuner, oracles.ORACLES)
        for name in ("epochs", "workers", "keep"):
            checks.positive_int(name, getattr(self, name))
        for name in ("max_trials", "max_parameters"):
            if getattr(self, name) is not None:
                checks.positive_int(name, getattr(self, name))
        for name in ("max_seconds", "max_flops"):
            if getattr(self, name) is not None:
                checks.in_range(name, getattr(self, name), 0, float("inf"), ends="()")
        if self.max_trials is None and self.max_seconds is None and self.tuner in ("random", "bayesian"):
            mend = "Pass max_trials= or max_seconds=."
            raise ValueError(checks.message("max_trials", f"be given for tuner={self.tuner!r}", None, mend))
