"""A finished network without its head, for a new one: the part that carries over to other classes."""

from typing import Literal

import keras

from kerascnn import checks
from kerascnn.backbones.walk import Call, trace
from kerascnn.layers import nested


def trunk(model: keras.Model, keep: Literal["convolutional", "all but output"] = "convolutional") -> keras.Model:
    """The lower part of a network, flat, under the same name and with the same layers: weights are shared, not copied.

    "convolutional" ends with the last map `(batch, height, width, channels)`, in front of the pooling or flattening
    that leads to the classes: a new fully connected part goes on top. "all but output" keeps the fully connected part
    and ends with what its last layer gets, features `(batch, count)`; a Dropout in front of that layer goes with it.
    Nested models are opened; of `models.averaged` one view is taken, of a model with auxiliary outputs the main way.
    A network without a head comes back as it is with "convolutional".

    Raises: ValueError for another `keep`, a model without a graph, or one where such a part is not to be found.

    >>> from kerascnn.models import lenet5
    >>> model = lenet5((28, 28, 1), 10)
    >>> trunk(model).output_shape, trunk(model, "all but output").output_shape
    ((None, 5, 5, 16), (None, 84))
    """
    checks.one_of("keep", keep, CUTS)
    network = nested.graph(nested.one_view(model))
    inputs = [keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name) for x in network.inputs]
    calls = trace(network, inputs, lambda operation, *args, **kwargs: operation(*args, **kwargs))
    end = CUTS[keep](calls)
    lower = None if end is None else keras.Model(inputs[0] if len(inputs) == 1 else inputs, end, name=model.name)
    if lower is None or not lower.weights:
        other = next(name for name in CUTS if name != keep)
        rule = f"have {NEEDED[keep]} for keep={keep!r}"
        raise ValueError(checks.message("model", rule, model.name, f"Pass keep={other!r}, or the part that you need."))
    return lower


def _last_map(calls: list[Call]) -> keras.KerasTensor | None:
    """The map that all the rest is computed from, if there is one such."""
    last = max((number for number, call in enumerate(calls) if call.is_map), default=None)
    if last is None:
        return None
    known = {id(tensor) for tensor in calls[last].outputs}
    for call in calls[last + 1 :]:
        if not known.issuperset(map(id, call.inputs)):
            return None
        known.update(map(id, call.outputs))
    return calls[last].outputs[0]


def _last_features(calls: list[Call]) -> keras.KerasTensor | None:
    """What the last layer with a kernel gets, in front of Dropout, if that is no map any more."""
    outputs = [call for call in calls if any(weight.name == "kernel" for weight in _weights(call))]
    if not outputs or outputs[-1].is_map:
        return None
    makers = {id(tensor): call for call in calls for tensor in call.outputs}
    tensor = outputs[-1].inputs[0]
    while isinstance(getattr(makers.get(id(tensor)), "operation", None), keras.layers.Dropout):
        tensor = makers[id(tensor)].inputs[0]
    return tensor if len(tensor.shape) == 2 else keras.layers.Flatten(name="features")(tensor)


CUTS = {"convolutional": _last_map, "all but output": _last_features}
NEEDED = {"convolutional": "one last map behind weights", "all but output": "weights in front of a dense output layer"}


def _weights(call):
    return getattr(call.operation, "weights", ())
