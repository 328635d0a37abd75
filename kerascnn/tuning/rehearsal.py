"""A sweep of one batch, before the real one: does it run, is the objective there, how long will it take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn import data as datasets
from kerascnn.tuning.exploring import drawn
from kerascnn.tuning.job import Job, known_to, score

DRAWS = 24  # of which the smallest and the largest network are tried
PASSES, STEPS = 3, 3  # epochs, of which the first one compiles, and steps in each, all with the same batch
READING = ("image_size", "resize", "skip_bad", "validation", "ignore", "class_values")
"""Arguments that say how data are read, which they are."""
SHORT = {"head_epochs": 1, "precision": "float32", "passes": 1, "verbose": 0}  # as far as the recipe has them


class NothingFits(ValueError):
    """No network of the space is within the bounds."""


@dataclass(frozen=True)
class Estimate:
    """What a sweep will be like.

    Attributes:
        steps: seconds of a step of the smallest and of the largest network that were tried.
        flops: of these networks, for one image, where the space gives networks.
        seconds: of the whole sweep, its workers together.
    """

    steps: tuple[float, float]
    flops: tuple[int, int] | None
    seconds: float

    def __str__(self):
        """One line."""
        small, large = (f"{1000 * each:,.1f} ms" for each in self.steps)
        sizes = "" if self.flops is None else f" ({self.flops[0] / 1e6:,.1f} to {self.flops[1] / 1e6:,.1f} MFLOPs)"
        return f"a step takes {small} to {large}{sizes}; the sweep about {duration(self.seconds)}"


def rehearse(
    job: Job, space, data: datasets.Data, *, costs: Callable[[Mapping], Any], accepts: Callable, epochs: float
) -> Estimate:
    """Trains the smallest and the largest of some drawn networks on one batch, and says what the sweep will take.

    Args:
        job: the sweep's.
        space: its hyperparameters.
        data: the data that trials get.
        costs: the `inspect.Cost` for drawn values, or None.
        accepts: whether drawn values are within the bounds.
        epochs: of all trials together.

    Raises: NothingFits if nothing is within the bounds; ValueError if the objective is none of the recipe's figures;
        what the recipe raises, with a note which network it was.
    """
    fitting = _fitting([space.copy(), *(drawn(space, seed) for seed in range(DRAWS))], costs, accepts)
    small, large = (_seconds_per_step(job, values, data) for values in (fitting[0], fitting[-1]))
    flops = [getattr(costs(values.values), "flops", 0) for values in fitting]
    step = float(np.mean(np.interp(flops, [flops[0], flops[-1]], [small, large]))) if flops[-1] > flops[0] else small
    fixed = job.fixed
    batch_size = fixed.get("batch_size") or datasets.suited_batch_size(data, fixed.get("patch"))
    seconds = epochs * fixed.get("passes", 1) * datasets.steps_per_epoch(data, batch_size) * step
    return Estimate((small, large), (flops[0], flops[-1]) if flops[-1] else None, seconds)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(42), duration(150), duration(9000)
    ('42 s', '2.5 min', '2.5 h')
    """
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _fitting(draws, costs, accepts) -> list[Any]:
    """The draws within the bounds, by the size of their networks."""
    fitting = [values for values in draws if accepts(values.values)]
    if not fitting:
        rule = f"leave networks of the space, of which {len(draws)} were drawn"
        raise NothingFits(checks.message("max_parameters` and `max_flops", rule, "none of them within the bounds"))
    return sorted(fitting, key=lambda values: getattr(costs(values.values), "flops", 0))


def _seconds_per_step(job: Job, values, data: datasets.Data) -> float:
    """Of the median step of a short training, whose figures are checked for the objective."""
    arguments = {name: value for name, value in job.arguments(values).items() if name not in READING}
    batch_size = min(
        arguments.get("batch_size") or datasets.suited_batch_size(data, arguments.get("patch")), data.train_size
    )
    arguments |= {"batch_size": batch_size, "epochs": PASSES} | known_to(job.recipe, SHORT)
    try:
        result = job.recipe(datasets.first_batch(data, batch_size, STEPS), **arguments)
    except Exception as error:
        error.add_note(f"This was the rehearsal of the sweep, with {values.values}.")
        raise
    score(result, job.objective)
    return batch_size / result.extras["record"]["images_per_second"]
