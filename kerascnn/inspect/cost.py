"""What a network costs: its parameters and its arithmetic for one image, known before it takes any memory."""

import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from kerascnn import checks
from kerascnn.layers import nested

TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
COUNTED = (
    *TRANSPOSED,
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Dense),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D, layers.SeparableConv1D, layers.SeparableConv2D),
)
KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


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
    # Keras keeps its names, its precision and the variables still without values for each thread by itself; the seeds
    # of initial weights it draws from the random numbers of the process.
    state, policy = random.getstate(), keras.config.dtype_policy()
    try:
        with ThreadPoolExecutor(max_workers=1) as apart:
            return apart.submit(_cost, model, policy, image_shape).result()
    finally:
        random.setstate(state)


def _cost(model, policy, image_shape) -> Cost:
    keras.config.set_dtype_policy(policy)
    with keras.StatelessScope(initialize_variables=False):
        built = model if isinstance(model, keras.Model) else model()
        if not isinstance(built, keras.Model):
            raise TypeError(checks.message("model", "be a keras.Model or a function that builds one", built))
        network = nested.graph(built)
        images = [keras.KerasTensor((1, *(image_shape or x.shape[1:])), x.dtype) for x in network.inputs]
        return Cost(network.count_params(), _flops(network, images))


def _flops(model: keras.Model, inputs: Any) -> int:
    counts = []

    def call(_path, operation, *args, **kwargs):
        counts.append(_flops_of_call(operation, *args, *kwargs.values()))
        return operation.compute_output_spec(*args, **kwargs)

    nested.run(model, inputs, call)
    return sum(counts)


def _flops_of_call(layer: keras.Operation, x: Any = None, *_others) -> int:
    if isinstance(layer, layers.TimeDistributed):
        x = keras.KerasTensor((_known(layer, x)[0] * x.shape[1], *x.shape[2:]), x.dtype)
    if isinstance(layer, layers.Wrapper):
        return _flops_of_call(layer.layer, x)
    if isinstance(layer, keras.Model):
        return _flops(layer, x)
    if not isinstance(layer, COUNTED):
        return 0
    outputs = layer.compute_output_spec(x)
    weights = sum(math.prod(getattr(layer, name).shape) for name in KERNELS if hasattr(layer, name))
    places = _places(layer, x if isinstance(layer, TRANSPOSED) else outputs)
    return 2 * weights * places + layer.use_bias * math.prod(outputs.shape)


def _places(layer, x) -> int:
    """How often a kernel is laid on: the size of all axes but that of the channels."""
    channels = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
    return math.prod(_known(layer, x)) // x.shape[channels]


def _known(layer, x) -> tuple[int, ...]:
    if None in x.shape:
        rule, mend = "take images of a certain size", "Pass image_shape=(height, width, channels)."
        raise ValueError(checks.message("model", rule, f"{x.shape} at {layer.name}", mend))
    return tuple(x.shape)
