"""Learning-rate range test: which rates train this model on these data (Smith 2017, arXiv:1506.01186)."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from kerascnn import checks
from kerascnn import data as datasets
from kerascnn.callbacks import snapshot

DIVERGED = 4.0  # the test ends when the smoothed loss is this many times its least value
SMOOTHING = 0.9


@dataclass(frozen=True)
class LearningRateCurve:
    """What the range test found.

    Attributes:
        rates: learning rate of each step.
        losses: loss of each step, smoothed.
        suggestion: the rate where the loss falls fastest: a peak for one-cycle and cosine schedules.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    suggestion: float

    def draw(self):
        """The curve as a matplotlib Figure."""
        from kerascnn import plots

        return plots.learning_rate(self.rates, self.losses, self.suggestion)


def find_learning_rate(
    model: keras.Model,
    data: datasets.Data,
    *,
    batch_size: int = 128,
    low: float = 1e-5,
    high: float = 1.0,
    steps: int = 100,
    augment=None,
    seed: int = 0,
) -> LearningRateCurve:
    """Trains for some steps while the learning rate rises from `low` to `high`, and puts the model back as it was.

    Args:
        model: compiled, with a learning rate that is a number, not a schedule.
        data: its training split is used.
        batch_size: images a step.
        low: first learning rate.
        high: last learning rate; the test ends earlier if the loss explodes.
        steps: number of steps between them.
        augment: as in the training that is to come.
        seed: of order and augmentation.
    """
    checks.in_range("low", low, 0, high, ends="()")
    checks.positive_int("steps", steps, least=10)
    rates = np.geomspace(low, high, steps)
    snapshot.build_optimizer(model)
    variables = [*model.variables, *model.optimizer.variables]
    before = snapshot.take(variables)
    losses = _losses(model, _forever(data, batch_size, augment, seed, steps), rates)
    snapshot.put(variables, before)
    rates = rates[: len(losses)].tolist()
    return LearningRateCurve(rates, losses, suggest(rates, losses))


def suggest(rates: Sequence[float], losses: Sequence[float]) -> float:
    """The rate at which the loss falls fastest against the logarithm of the rate, before its least value.

    Raises: ValueError for fewer than two losses, as when the loss was NaN from the first or second step on.

    >>> suggest([1e-4, 1e-3, 1e-2, 1e-1, 1.0], [2.3, 2.2, 1.5, 1.2, 9.0])
    0.01
    """
    if len(losses) < 2:
        mend = "The loss was NaN or exploded at once: try a smaller `low`, and look for NaN in the data."
        raise ValueError(checks.message("losses", "hold at least 2 steps", list(losses), mend))
    end = max(2, int(np.argmin(losses)) + 1)
    slope = np.gradient(np.asarray(losses[:end]), np.log(rates[:end]))
    return float(rates[int(np.argmin(slope))])


def _forever(data, batch_size, augment, seed, steps):
    epochs = -(-steps // datasets.steps_per_epoch(data, batch_size))
    return datasets.batches(data, "train", batch_size, seed=seed, augment=augment, epochs=(0, epochs))


def _losses(model, batches, rates) -> list[float]:
    losses, mean = [], 0.0
    for step, (rate, (images, targets)) in enumerate(zip(rates, batches, strict=False), 1):
        model.optimizer.learning_rate.assign(rate)
        model.reset_metrics()
        loss = float(model.train_on_batch(np.asarray(images), np.asarray(targets), return_dict=True)["loss"])
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth = mean / (1 - SMOOTHING**step)  # corrects the start at zero
        if not np.isfinite(smooth) or (losses and smooth > DIVERGED * min(losses)):
            break
        losses.append(smooth)
    return losses
