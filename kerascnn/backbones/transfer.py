"""Weights from one network into another, by the names of layers and weights, with a report of what went over."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np

from kerascnn import checks
from kerascnn.backbones.walk import leaves

SHOWN = 4  # names in a message


@dataclass(frozen=True)
class Transferred:
    """What `transfer` did: the target's weights, each in one of three places, as "layer/weight".

    Attributes:
        taken: have the source's values.
        missing: are not in the source, and stay as they were.
        other_shape: are in the source with another shape, and stay as they were.
    """

    taken: tuple[str, ...]
    missing: tuple[str, ...]
    other_shape: tuple[str, ...]

    def __str__(self) -> str:
        """One line.

        >>> print(Transferred(("stem/kernel",), ("top/kernel", "top/bias"), ()))
        taken 1 of 3 weights; not in the source: top/kernel, top/bias
        """
        total = len(self.taken) + len(self.missing) + len(self.other_shape)
        parts = [f"taken {len(self.taken)} of {total} weights"]
        parts += [f"not in the source: {_some(self.missing)}"] if self.missing else []
        parts += [f"other shape: {_some(self.other_shape)}"] if self.other_shape else []
        return "; ".join(parts)


def transfer(source: keras.Model, target: keras.Model) -> Transferred:
    """Gives each weight of `target` the value of the source's weight of the same layer, name and shape.

    Nested models are opened on both sides, so that a network and the same one wrapped in another find each other.
    Statistics of norms go over too. A kernel for grey images does not fit colour: it counts as of another shape.
    `.weights.h5` files go by class and order instead, where an inserted layer shifts all that follow into wrong places.

    Raises: ValueError if nothing fits, with some names of both, before anything is changed; or if a model has two
    layers of one name.

    >>> source, target = (keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="top")]) for _ in range(2))
    >>> print(transfer(source, target))
    taken 2 of 2 weights
    """
    given, wanted = _weights(source), _weights(target)
    missing = tuple(path for path in wanted if path not in given)
    shared = [path for path in wanted if path in given]
    taken = tuple(path for path in shared if given[path].shape == wanted[path].shape)
    if not taken:
        rule = f"have weights in common with {target.name!r}, by layer, name and shape"
        mend = f"It has {_some(given)}; wanted are {_some(wanted)}."
        raise ValueError(checks.message("source", rule, source.name, mend))
    for path in taken:
        wanted[path].assign(np.array(given[path]))  # JAX would share the array, which training the target deletes
    for layer in leaves(target).values():
        if hasattr(layer, "finalize_state"):  # Normalization derives tensors from its weights
            layer.finalize_state()
    return Transferred(taken, missing, tuple(path for path in shared if path not in set(taken)))


def _weights(model: keras.Model) -> dict[str, keras.Variable]:
    """The weights by "layer/weight"; in layers made of several, "kernel", "kernel_2" and so on, in their order."""
    paths = {}
    for name, layer in leaves(model).items():
        seen: Counter[str] = Counter()
        for weight in layer.weights:
            seen[weight.name] += 1
            number = seen[weight.name]
            paths[f"{name}/{weight.name}" + (f"_{number}" if number > 1 else "")] = weight
    return paths


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "none") + more
