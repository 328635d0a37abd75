"""How many weights a layer saves against one that connects everything with everything."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras

from kerascnn import checks
from kerascnn.inspect.cost import kernel_weights
from kerascnn.inspect.tracing import known, traced
from kerascnn.layers import nested


@dataclass(frozen=True)
class AgainstDense:
    """Weights without biases: of a layer or model, and of the dense layer between the same inputs and outputs."""

    weights: int
    dense: int


def against_dense(
    layer: keras.Layer | Callable[[], keras.Model], image_shape: tuple[int, ...] | None = None
) -> AgainstDense:
    """The weights of a layer, or of a model, against those of a dense layer from all its inputs to all its outputs.

    Only the kernels of convolutions and of dense layers count, without biases.

    Args:
        layer: a layer, a Functional or Sequential model, or a function that builds one, which then takes no memory.
        image_shape: what it is given; None for a model that takes one size, or a layer that was called in a model.

    Raises: ValueError where the shape is needed; else as `cost`.

    >>> from keras import layers
    >>> against_dense(layers.Conv2D(1, 5), (28, 28, 1))
    AgainstDense(weights=25, dense=451584)
    """
    is_model = isinstance(layer, keras.Model) or not isinstance(layer, keras.Layer)
    return traced(layer if is_model else _alone(layer, image_shape), image_shape, _weights)


def _weights(network, images) -> AgainstDense:
    outputs = nested.run(network, images, lambda _, operation, *args, **kw: operation.compute_output_spec(*args, **kw))
    units = [sum(map(_count, keras.tree.flatten(tensors))) for tensors in (images, outputs)]
    layers = {id(layer): layer for layer in nested.walk(network)}.values()  # a shared one once
    return AgainstDense(sum(map(kernel_weights, layers)), math.prod(units))


def _count(x) -> int:
    return math.prod(known(x.shape, "image")[1:])


def _alone(layer, image_shape) -> Callable[[], keras.Model]:
    """What builds a model of a copy of the layer: the layer itself may not be built yet, and stays as it is."""
    try:
        shape = image_shape or layer.input.shape[1:]
    except (AttributeError, ValueError):
        mend = "Pass image_shape=(height, width, channels) for a layer that no model has called."
        raise ValueError(checks.message("image_shape", "be given", image_shape, mend)) from None
    return lambda: keras.Sequential([keras.Input(shape), type(layer).from_config(layer.get_config())])
