"""The layers inside a model, nested models opened: by name, and one call after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import tree

from kerascnn import checks
from kerascnn.layers import nested


def leaves(model: keras.Model) -> dict[str, keras.Layer]:
    """The layers of `model` and of the models nested in it, by name; a nested model itself is not among them.

    Raises: ValueError if two different layers have one name, as a name then says nothing.
    """
    found: dict[str, keras.Layer] = {}
    for _, layer in nested.leaves(model):
        if found.setdefault(layer.name, layer) is not layer and not isinstance(layer, keras.layers.InputLayer):
            rule = f"have one layer of a name, nested models included, and has two called {layer.name!r}"
            raise ValueError(checks.message("model", rule, model.name, "Pass one of the nested models."))
    return found


@dataclass(frozen=True)
class Call:
    """One operation of a model at work on symbolic tensors.

    Attributes:
        operation: a layer, or an operation of `keras.ops`.
        inputs: the tensors that it was given.
        outputs: the tensors that it gave.
        is_map: whether these still lie over the image: they have its number of dimensions and come from a tensor that
            does, by another way than global pooling. The gate of a squeeze-excite block is none, what it scales is.
    """

    operation: keras.Operation
    inputs: list[keras.KerasTensor]
    outputs: list[keras.KerasTensor]
    is_map: bool


def trace(model: keras.Model, tensors: list[keras.KerasTensor], call: Callable[..., Any]) -> list[Call]:
    """Runs through a model from `tensors`, as `nested.run`, with the work done by `call(operation, *args, **kwargs)`.

    Returns: each call, in order. Raises: ValueError for a model without a graph, as `nested.graph` does.
    """
    calls: list[Call] = []
    maps = {id(tensor) for tensor in tensors}  # the calls keep the tensors, so that ids stay their own

    def note(_path, operation, *args, **kwargs):
        outputs = call(operation, *args, **kwargs)
        given = [each for each in tree.flatten((args, kwargs)) if isinstance(each, keras.KerasTensor)]
        made = tree.flatten(outputs)
        over = any(id(each) in maps for each in given) and _keeps_map(operation, len(tensors[0].shape), made[0])
        maps.update(map(id, made) if over else ())
        calls.append(Call(operation, given, made, over))
        return outputs

    nested.run(model, tensors, note)
    return calls


def _keeps_map(operation, rank, output):
    name = type(operation).__name__
    pools_all = name.startswith("Global") or (name in ("Mean", "Max") and set(output.shape[1:-1]) <= {1})
    return len(output.shape) == rank and not pools_all
