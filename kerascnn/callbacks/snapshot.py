"""Arrays of a model, taken and put back exactly, and their file."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn import hosts
from kerascnn.files import write_atomically


def take(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Copies of the variables' values."""
    return [np.array(variable.numpy()) for variable in variables]


def put(variables: Sequence[keras.Variable], arrays: Sequence[np.ndarray]) -> None:
    """Assigns the arrays to the variables, in order; raises ValueError where the network is another one."""
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [array.shape for array in arrays]:
        raise ValueError(
            f"The snapshot holds {len(arrays)} arrays that do not fit the {len(shapes)} variables of this model. "
            "It was written by a run with another model: use another folder."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array.view(np.dtype(variable.dtype)) if array.dtype.kind == "V" else array)


def optimizer_of(model: keras.Model) -> keras.optimizers.Optimizer:
    """The optimizer that holds rates and averages, which Keras wraps for float16 in one that scales the loss."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def build_optimizer(model: keras.Model) -> None:
    """Makes the optimizer's variables unless they are there; LossScaleOptimizer would make them twice."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def averaged(model: keras.Model) -> list[np.ndarray]:
    """As `take(model.variables)`, with the optimizer's moving averages in place of the trainable weights.

    Without `use_ema` in the optimizer these are the weights themselves.
    """
    arrays = take(model.variables)
    optimizer = optimizer_of(model)
    if getattr(optimizer, "use_ema", False):
        place = {id(variable): number for number, variable in enumerate(model.variables)}
        averages = optimizer._model_variables_moving_average
        for variable, average in zip(optimizer._trainable_variables, averages, strict=True):
            arrays[place[id(variable)]] = take([average])[0]
    return arrays


def write(path: Path, arrays: Mapping[str, Sequence[np.ndarray]], facts: Mapping[str, Any]) -> None:
    """Writes named lists of arrays and facts that JSON can hold into one file, whole or not at all."""
    named = {f"{name}/{number}": array for name, group in arrays.items() for number, array in enumerate(group)}
    named["facts"] = np.frombuffer(json.dumps(facts).encode(), "uint8")
    save: Callable = lambda file: np.savez(file, **named)  # noqa: E731
    write_atomically(path, save)


def read(path: Path) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
    """What `write` wrote; of several hosts all read what the first one wrote before it came here."""
    hosts.meet()
    groups: dict[str, list[np.ndarray]] = {}
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(file["facts"].tobytes())
        for key in file.files:  # in the order of writing
            if key != "facts":
                groups.setdefault(key.rsplit("/", 1)[0], []).append(file[key])
    return groups, facts
