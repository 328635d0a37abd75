"""What a network costs: its parameters and its arithmetic for one image, known before it takes any memory."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from kerascnn.inspect.tracing import calls, known, traced

TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D, layers.SeparableConv1D, layers.SeparableConv2D),
)
COUNTED = (*TRANSPOSED, *CONVOLUTIONS, layers.Dense)
KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
FLOPS, MULTIPLY_ADDS = (2, 1), (1, 0)  # what a weight at one place, and what the bias there, count as


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: all weights, those that are not trained too, without the layers that only training needs.
        flops: operations for one image, a multiplication and an addition counted as two.
    """

    parameters: int
    flops: int


def cost(model: keras.Model | Callable[[], keras.Model], image_shape: tuple[int, ...] | None = None) -> Cost:
    """The parameters and the operations of a Functional or Sequential model, also one of nested models.

    Counted are convolutions of all kinds and dense layers with their biases, in models within the model and in wrappers
    too: every weight of a kernel is multiplied and added once at each place, those at the border as all others. All
    else counts as nothing, as is usual: normalisation, activation, pooling, attention, recurrent layers. A layer that
    is called twice counts twice in `flops`.

    Args:
        model: the model, or a function that builds it, such as `lambda: models.build("vgg16", shape, 10)`. What the
            function builds gets no memory, however large it is, and leaves no trace: neither on the names nor on
            the random numbers of what is built next.
        image_shape: of the image, for a model that takes any size.

    Raises: ValueError for a model, within the model too, with a `call` of its own, or for images of no certain size
        where `image_shape` is None; TypeError if the function gives no model; what the function raises.

    >>> image = keras.Input((8, 8, 1))
    >>> cost(keras.Model(image, layers.Conv2D(4, 3, padding="same", use_bias=False)(image)))
    Cost(parameters=36, flops=4608)
    """
    return traced(model, image_shape, lambda network, images: Cost(network.count_params(), _total(network, images)))


def arithmetic(layer: keras.Operation, inputs: Sequence[Any], worth: tuple[int, int] = FLOPS) -> int:
    """The operations of one call of a layer, each weight at a place and each bias there for what it is `worth`."""
    x = inputs[0] if inputs else None
    if isinstance(layer, layers.TimeDistributed):
        x = keras.KerasTensor((known(x.shape, layer.name)[0] * x.shape[1], *x.shape[2:]), x.dtype)
    if isinstance(layer, layers.Wrapper):
        return arithmetic(layer.layer, [x], worth)
    if isinstance(layer, keras.Model):
        return _total(layer, x, worth)
    if not isinstance(layer, COUNTED):
        return 0
    outputs = layer.compute_output_spec(x)
    places = _places(layer, x if isinstance(layer, TRANSPOSED) else outputs)
    return worth[0] * kernel_weights(layer) * places + worth[1] * layer.use_bias * math.prod(outputs.shape)


def kernel_weights(layer: keras.Operation) -> int:
    """How many weights the kernels of a convolution or dense layer have, its biases left out; 0 for all others."""
    if not isinstance(layer, COUNTED):
        return 0
    return sum(math.prod(getattr(layer, name).shape) for name in KERNELS if hasattr(layer, name))


def _total(model: keras.Model, inputs: Any, worth: tuple[int, int] = FLOPS) -> int:
    return sum(arithmetic(call.operation, call.inputs, worth) for call in calls(model, inputs))


def _places(layer, x) -> int:
    """How often a kernel is laid on: the size of all axes but that of the channels."""
    channels = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
    return math.prod(known(x.shape, layer.name)) // x.shape[channels]
