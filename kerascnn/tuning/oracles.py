"""keras-tuner's oracles with a memory that survives, and a grid that does not wait."""

from typing import Any

import keras_tuner
from keras_tuner import oracles

from kerascnn import checks
from kerascnn.tuning.recorded import Recorded


class Random(Recorded, oracles.RandomSearchOracle):
    """Independent draws (Bergstra & Bengio 2012, https://jmlr.org/papers/v13/bergstra12a.html)."""


class Grid(Recorded, oracles.GridSearchOracle):
    """All combinations in order; the next one does not wait for the end of another trial, nor depend on it."""

    _last: dict[str, Any] | None = None

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next combination within the bounds."""
        values = self._first() if self._last is None else self._get_next_combination(self._last)
        while values is not None and not self.accepts(values):
            values = self._get_next_combination(values)
        if values is None:
            return {"status": "STOPPED", "values": None}
        self._last = dict(values)
        return {"status": "RUNNING", "values": values}

    def _first(self) -> dict[str, Any]:
        space = self.get_space()
        return {each.name: each.default for each in space.space if space.is_active(each)}


class Bayesian(Recorded, oracles.BayesianOptimizationOracle):
    """A Gaussian process over what was tried (Snoek, Larochelle & Adams 2012, https://arxiv.org/abs/1206.2944)."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The most promising values; drawn ones where these were tried already or lie outside the bounds."""
        found = super().populate_space(trial_id)
        values = found["values"]
        if values is not None and (self._duplicate(values) or not self.accepts(values)):
            return self._random_populate_space()
        return found


class Hyperband(Recorded, oracles.HyperbandOracle):
    """Many short trials, few long ones (Li et al. 2018, https://arxiv.org/abs/1603.06560).

    A promoted trial begins anew with more epochs, as its schedule of learning rates is another one.
    """


ORACLES = {"random": Random, "grid": Grid, "bayesian": Bayesian, "hyperband": Hyperband}


def make(
    tuner: str,
    space: keras_tuner.HyperParameters,
    *,
    objective: str,
    direction: str,
    epochs: int,
    trials: int | None,
    seed: int,
) -> Recorded:
    """The oracle of that name for a search space.

    `epochs` are the most that Hyperband gives a trial; a quarter of `trials` is drawn before the Gaussian process is
    asked.
    """
    options: dict[str, Any] = {"objective": keras_tuner.Objective(objective, direction), "hyperparameters": space}
    if tuner == "hyperband":
        options["max_epochs"] = epochs
    if tuner == "bayesian":
        options["num_initial_points"] = max(5, (trials or 40) // 4)
    return ORACLES[checks.one_of("tuner", tuner, ORACLES)](**options, seed=seed + 1)  # keras-tuner takes 0 for none


def planned(oracle: Recorded, epochs: int) -> list[int]:
    """The epochs of each trial of the whole sweep, in order, as far as it is known; the space may have fewer."""
    if not isinstance(oracle, Hyperband):
        return [epochs] * (oracle.most_trials or 0)
    brackets = reversed(range(oracle._get_num_brackets()))
    rounds = [(bracket, place) for bracket in brackets for place in range(bracket + 1)]
    return [oracle._get_epochs(*each) for each in rounds for _ in range(oracle._get_size(*each))][: oracle.most_trials]
