"""The maps of a network by stride, for U-Nets and detectors."""

from collections.abc import Iterable, Iterator

import keras
from keras import layers

from kerascnn import checks
from kerascnn.backbones.table import BACKBONES
from kerascnn.backbones.walk import Call, trace
from kerascnn.layers.nested import graph, output_in

PADDING = (layers.ZeroPadding2D, layers.Cropping2D)


def features(model: keras.Model, strides: Iterable[int] = (4, 8, 16, 32), name: str | None = None) -> keras.Model:
    """A model with the map of `model` at each of `strides` as its outputs, in that order; it shares the weights.

    A network of `BACKBONES`, with or without a head, gives the maps that the table names. Any other gives at each
    stride its last map that everything after depends on, so that no branch beside it knows more; padding does not
    count.
    `name`: of the new model, MODEL_features by default.

    Raises: ValueError for a stride that no map has, or for a model without a graph.

    >>> network = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3, 2, "same"), layers.MaxPool2D()])
    >>> features(network, (2, 4)).output_shape
    [(None, 4, 4, 4), (None, 2, 2, 4)]
    """
    name = name or f"{model.name}_features"
    found = maps(model)
    for stride in strides:
        if stride not in found:
            rule = f"be among those of {model.name}: {', '.join(map(str, sorted(found)))}"
            raise ValueError(checks.message("strides", rule, stride))
    return keras.Model(graph(model).input, [found[stride] for stride in strides], name=name)


def maps(model: keras.Model) -> dict[int, keras.KerasTensor]:
    """Stride -> map: those of the table for a network of `BACKBONES`, `last_maps` for any other."""
    known = _of_table(model)
    if not known:
        return last_maps(model)
    return {stride: output_in(model, model.get_layer(tap)) for stride, tap in known.items()}


def last_maps(model: keras.Model) -> dict[int, keras.KerasTensor]:
    """Stride -> the last map of that stride on which all that comes after depends. Nested models are opened.

    The stride is counted by the strides of the layers, so that windows without padding do not blur it.
    Raises: ValueError for a model without a graph.
    """
    inputs = graph(model).inputs
    calls = trace(model, inputs, lambda operation, *args, **kwargs: operation(*args, **kwargs))
    strides = {id(tensor): 1.0 for tensor in inputs}
    for call in calls:
        before = max((strides.get(id(tensor), 0) for tensor in call.inputs), default=0)
        strides.update({id(tensor): before * _own_stride(call.operation) for tensor in call.outputs})
    alone = [call.outputs[0] for call in _separators(calls) if call.is_map and not isinstance(call.operation, PADDING)]
    return {int(strides[id(tensor)]): tensor for tensor in alone if strides[id(tensor)] >= 1}


def _separators(calls: list[Call]) -> Iterator[Call]:
    """The calls that no tensor passes by, on its way from before them to after them."""
    used = {id(tensor): number for number, call in enumerate(calls) for tensor in call.inputs}  # the last use counts
    reach = 0
    for number, call in enumerate(calls):
        if reach <= number:
            yield call
        reach = max([reach, *(used.get(id(tensor), 0) for tensor in call.outputs)])


def _own_stride(operation: keras.Operation) -> float:
    if isinstance(operation, layers.UpSampling2D):
        return 1 / operation.size[0]
    stride = getattr(operation, "strides", 1)
    stride = stride[0] if isinstance(stride, (tuple, list)) else stride
    return 1 / stride if isinstance(operation, layers.Conv2DTranspose) else stride


def _of_table(model: keras.Model) -> dict[int, str]:
    """The taps of the backbone whose name `model` begins with, if it has these layers; the longest name counts."""
    names = {layer.name for layer in model.layers}
    fitting = [each for each in BACKBONES.values() if model.name.startswith(each.name)]
    fitting = [each for each in fitting if names.issuperset(each.taps.values())]
    return max(fitting, key=lambda each: len(each.name)).taps if fitting else {}
