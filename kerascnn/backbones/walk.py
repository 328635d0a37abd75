"""The layers inside a model, nested models opened: by name, and one call after the other."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import tree

from kerascnn import checks


def leaves(model: keras.Model) -> dict[str, keras.Layer]:
    """The layers of `model` and of the models nested in it, by name; a nested model itself is not among them.

    Raises: ValueError if two different layers have one name, as a name then says nothing.

    >>> inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    >>> list(leaves(keras.Sequential([keras.Input((4,)), inner, keras.layers.ReLU(name="relu")])))
    ['dense', 'relu']
    """
    found: dict[str, keras.Layer] = {}
    for layer in model.layers:
        inside = leaves(layer) if isinstance(layer, keras.Model) else {layer.name: layer}
        for name, leaf in inside.items():
            if found.setdefault(name, leaf) is not leaf and not isinstance(leaf, keras.layers.InputLayer):
                rule = f"have one layer of a name, nested models included, and has two called {name!r}"
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
    """Runs through a model from `tensors`, and returns each call in order; nested models are opened.

    `call(operation, *args, **kwargs)` does the work. Auxiliary outputs, which `inference()` leaves out, are left out.
    Raises: ValueError for a model without a graph: a subclassed one, or a Sequential that was not built.
    """
    calls: list[Call] = []
    maps = {id(tensor) for tensor in tensors}  # the calls keep the tensors, so that ids stay their own

    def visit(operation, *args, **kwargs):
        if isinstance(operation, keras.Model) and hasattr(_graph(operation), "_run_through_graph"):
            return run(operation, args)
        outputs = call(operation, *args, **kwargs)
        given = [each for each in tree.flatten((args, kwargs)) if isinstance(each, keras.KerasTensor)]
        made = tree.flatten(outputs)
        over = any(id(each) in maps for each in given) and _keeps_map(operation, len(tensors[0].shape), made[0])
        maps.update(map(id, made) if over else ())
        calls.append(Call(operation, given, made, over))
        return outputs

    def run(model, inputs):
        outputs = graph(model)._run_through_graph(inputs, call_fn=visit)
        return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs

    run(model, tensors)
    return calls


def graph(model: keras.Model) -> keras.Model:
    """The functional model that `model` is, holds (Sequential) or answers with (`inference()`).

    Raises: ValueError if there is none.
    """
    found = _graph(model)
    if not hasattr(found, "_run_through_graph"):
        mend = "Give a Sequential model its keras.Input; a model with its own call() has no graph."
        raise ValueError(checks.message("model", "be a Functional or built Sequential model", model, mend))
    return found


def _graph(model):
    model = model.inference() if hasattr(model, "inference") else model
    return getattr(model, "_functional", model)


def _keeps_map(operation, rank, output):
    name = type(operation).__name__
    pools_all = name.startswith("Global") or (name in ("Mean", "Max") and math.prod(output.shape[1:-1]) == 1)
    return len(output.shape) == rank and not pools_all
