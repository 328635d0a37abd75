"""Spaces over any arguments of a recipe, and sums of spaces.

A space is a function `space(hp) -> dict` from keras-tuner's hyperparameters to arguments of a recipe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from kerascnn import checks
from kerascnn.tuning.drawing import checked_values, pick


class Space:
    """What the ready spaces share: `space + other` searches the arguments of both; `other` is any function of `hp`."""

    def __call__(self, hp) -> dict[str, Any]:
        """Arguments of a recipe for the values that `hp`, a `keras_tuner.HyperParameters`, has drawn."""
        raise NotImplementedError

    def __add__(self, other):
        """The space of both."""
        return Both(self, other)

    def __radd__(self, other):
        """The space of both."""
        return Both(other, self)


@dataclass(frozen=True, repr=False)
class Both(Space):
    """The arguments that `first` gives, and those that `second` gives.

    Raises: TypeError unless both are functions; when called, ValueError if both give the same argument or draw under
        the same name, where keras-tuner would silently give both one value.
    """

    first: Callable[[Any], Mapping[str, Any]]
    second: Callable[[Any], Mapping[str, Any]]

    def __post_init__(self):
        """Checks the attributes."""
        for space in (self.first, self.second):
            if not callable(space):
                raise TypeError(checks.message("space", "be a function of `hp`, such as ConvNetSpace()", space))

    def __call__(self, hp) -> dict[str, Any]:
        """The arguments of both."""
        alone = type(hp)(), type(hp)()
        given = self.first(alone[0]), self.second(alone[1])
        shared = set(given[0]) & set(given[1])
        if shared:
            raise ValueError(f"Only one of two added spaces may give `{min(shared)}`: {self}.")
        shared = {each.name for each in alone[0].space} & {each.name for each in alone[1].space}
        if shared:
            raise ValueError(f"Only one of two added spaces may draw a hyperparameter named {min(shared)!r}: {self}.")
        return {**self.first(hp), **self.second(hp)}

    def __repr__(self):
        """As it is written."""
        return " + ".join(getattr(space, "__name__", repr(space)) for space in (self.first, self.second))


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included: an integer if all are, otherwise a float of six digits.

    Attributes:
        low: the least.
        high: the largest.
        log: whether every factor is as likely as any other, as suits learning rates; for numbers above 0.
        step: between neighbouring values; a factor above 1 if `log`. None: any value.

    Raises: ValueError for ends that are no numbers or in the wrong order, or a step that leads nowhere.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self):
        """Checks the attributes."""
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if (name, value) != ("step", None) and (isinstance(value, bool) or not isinstance(value, Real)):
                raise ValueError(checks.message(name, "be a number", value))
        if not self.low <= self.high:
            raise ValueError(checks.message("low", f"be at most the high of {self.high}", self.low))
        if self.log and self.low <= 0:
            raise ValueError(checks.message("low", "be above 0 with log=True", self.low))
        if self.step is not None and not self.step > self.log:
            raise ValueError(checks.message("step", f"be above {int(self.log)} with log={self.log}", self.step))

    def draw(self, hp, name: str) -> float | int | None:
        """A number under the hyperparameter `name`; where there is only one, it is no hyperparameter."""
        if self.low == self.high:
            return self.low
        options = {"step": self.step, "sampling": "log" if self.log else "linear"}
        if all(isinstance(each, Integral) for each in (self.low, self.high, self.step or 1)):
            return hp.Int(name, self.low, self.high, **options)
        value = hp.Float(name, self.low, self.high, **options)
        return None if value is None else min(max(float(f"{value:.6g}"), self.low), self.high)


@dataclass(frozen=True, init=False, repr=False)
class Choices(Space):
    """A space over arguments of a recipe: each is drawn under its own name.

    A tuple or list has the values to choose from, which may be anything; a `Between` is a range; anything else is
    passed on as it is. To fix an argument that is a tuple, write `units=((64, 64),)`.

    Raises: ValueError for an empty tuple, or one with a value twice.

    >>> import keras_tuner
    >>> space = Choices(learning_rate=Between(1e-3, 1.0, log=True), augment=("none", "auto"), epochs=5)
    >>> space(keras_tuner.HyperParameters())
    {'learning_rate': 0.001, 'augment': 'none', 'epochs': 5}
    """

    arguments: Mapping[str, Any]

    def __init__(self, **arguments: Any):
        lists = {name: value for name, value in arguments.items() if isinstance(value, (tuple, list))}
        checked = {name: checked_values(name, values) for name, values in lists.items()}
        object.__setattr__(self, "arguments", arguments | checked)

    def __call__(self, hp) -> dict[str, Any]:
        """The arguments."""
        return {name: _drawn(hp, name, values) for name, values in self.arguments.items()}

    def __repr__(self):
        """As it is written."""
        return f"Choices({', '.join(f'{name}={values!r}' for name, values in self.arguments.items())})"


def _drawn(hp, name, values):
    if isinstance(values, Between):
        return values.draw(hp, name)
    return pick(hp, name, values) if isinstance(values, tuple) else values
