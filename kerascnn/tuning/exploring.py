"""What a space holds: all its hyperparameters, those under conditions too, found by calling it."""

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner

from kerascnn import checks


def explored(space: Callable[[Any], Mapping[str, Any]]) -> keras_tuner.HyperParameters:
    """The hyperparameters of a space, called again and again until each condition in it has held once.

    >>> def space(hp):
    ...     kind = hp.Choice("block", ["plain", "inception"])
    ...     with hp.conditional_scope("block", ["inception"]):
    ...         branches = hp.Int("branches", 2, 4)
    ...     return {"model": kind}
    >>> [each.name for each in explored(space).space]
    ['block', 'branches']
    """
    found, seen, open_scopes = keras_tuner.HyperParameters(), [], []
    tried = found.copy()
    while True:
        space(tried)
        found.merge(tried, overwrite=False)
        seen += [scope for scope in map(copy.deepcopy, tried.active_scopes) if scope not in seen]
        open_scopes += [scope for scope in map(copy.deepcopy, tried.inactive_scopes) if scope not in open_scopes]
        open_scopes = [scope for scope in open_scopes if scope not in seen]
        if not open_scopes:
            return found
        tried = found.copy()
        scope = open_scopes.pop(0)
        seen.append(scope)  # once, even if it never holds
        tried.values.update({condition.name: condition.values[0] for condition in scope})
        tried.ensure_active_values()


def with_values(space: keras_tuner.HyperParameters, values: Mapping[str, Any]) -> keras_tuner.HyperParameters:
    """The hyperparameters with these values."""
    found = space.copy()
    found.values = dict(values)
    return found


def drawn(space: keras_tuner.HyperParameters, seed: int) -> keras_tuner.HyperParameters:
    """The hyperparameters with values drawn for those that are active."""
    found = keras_tuner.HyperParameters()
    for place, each in enumerate(space.space):
        found.merge([each])
        if found.is_active(each):
            found.values[each.name] = each.random_sample(seed * 1000 + place)
    return found


def check_space(space, recipe: Callable, fixed: Mapping[str, Any]) -> keras_tuner.HyperParameters:
    """The hyperparameters of `space`; raises TypeError or ValueError unless it gives arguments of the recipe."""
    if not callable(space):
        raise TypeError(checks.message("space", "be a function of `hp`, such as ConvNetSpace()", space))
    found = explored(space)
    given = space(found.copy())
    if not isinstance(given, Mapping):
        mend = "Return a dict such as {'model': 'fastnet', 'learning_rate': hp.Float('rate', 0.01, 1.0)}."
        raise TypeError(checks.message("space", "return arguments of the recipe by name", type(given).__name__, mend))
    known = set(inspect.signature(recipe).parameters) - {"data", "save_to", "callbacks", "verbose"}
    for name in given:
        if name not in known:
            rule = f"give arguments of {recipe.__name__}"
            raise ValueError(checks.message("space", rule, name, checks.nearest(name, known)))
        if name in fixed:
            raise ValueError(checks.message(name, "be given once, and the space gives it too", fixed[name]))
    if not found.space:
        raise ValueError(checks.message("space", "have something to search", repr(space)))
    return found
