"""Which places of a map a layer looks at for each place of the map that it gives."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from kerascnn.inspect.cost import CONVOLUTIONS, TRANSPOSED
from kerascnn.inspect.shapes import border
from kerascnn.layers import CropToReference, FixedConv2D, PadToMultiple
from kerascnn.layers.fixed_convolution import KERNELS

FAR = 2**40
POINTWISE = {  # by name, so that operations of keras.ops and layers derived from these count too
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Average", "Maximum", "Minimum", "Power"),
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Identity", "Dense", "ActivityRegularization"),
    *("BatchNormalization", "Rescaling", "Normalization", "LayerScale", "LearntThreshold", "DropPath", "Dropout"),
    *("AlphaDropout", "BaseSpatialDropout", "GaussianDropout", "GaussianNoise"),
    *("Cast", "Clip", "Absolute", "Negative", "Square", "Sqrt", "Exp", "Log", "Tanh", "Sigmoid", "Relu", "Relu6"),
    *("LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "HardSigmoid", "HardSilu", "Softplus"),
}
ALONG_CHANNELS = {"Concatenate", "Softmax", "LayerNormalization", "RMSNormalization", "UnitNormalization"}
WHOLE = {"BaseGlobalPooling", "Flatten", "GroupNormalization"}
POOLINGS = (
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
)
PADDINGS = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)


@dataclass(frozen=True)
class Reach:
    """Places `low` to `high` see `ceil((scale low + first) / parts)` to `floor((scale high + last) / parts)`.

    >>> low, high = window(3, stride=2, before=1).back(np.array([0, 5]), np.array([0, 6]))
    >>> low.tolist(), high.tolist()
    ([-1, 9], [1, 13])
    """

    scale: int = 1
    first: int = 0
    last: int = 0
    parts: int = 1

    def back(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first and the last place, in the map before, that places from `low` to `high` see."""
        return -((-self.scale * low - self.first) // self.parts), (self.scale * high + self.last) // self.parts


NOTHING = Reach(first=FAR, last=-FAR)


def reach(layer: keras.Operation, axis: int, size: int, to: int, *, rank: int, place: int = 0) -> Reach | None:
    """How `layer`, as it is in inference, sees its input along a spatial `axis`; None if that is not known.

    Args:
        layer: a layer, or an operation of keras.ops.
        axis: 0 for the first behind the batch.
        size: of the input along the axis.
        to: the same of the output.
        rank: axes of the input, with those of the batch and the channels.
        place: of the input among the layer's inputs.
    """
    if isinstance(layer, layers.SpectralNormalization):
        return reach(layer.layer, axis, size, to, rank=rank)
    if isinstance(layer, CropToReference) and place:
        return NOTHING  # only its size matters
    names = {each.__name__ for each in type(layer).__mro__}
    if names & WHOLE:
        return whole(size)
    if getattr(layer, "data_format", None) == "channels_first" and not isinstance(layer, PADDINGS):
        return None
    if names & POINTWISE or names & ALONG_CHANNELS and set(np.ravel(layer.axis).tolist()) <= {-1, rank - 1}:
        return _pointwise(size, to)
    describe = next((each for kinds, each in KINDS if isinstance(layer, kinds)), lambda *_: None)
    return describe(layer, axis, size, to)


def window(kernel: int, stride: int = 1, dilation: int = 1, before: int = 0) -> Reach:
    """Of a kernel that is laid on a map with `before` zeros in front."""
    return Reach(stride, -before, (kernel - 1) * dilation - before)


def spread(kernel: int, stride: int, dilation: int = 1, before: int = 0) -> Reach:
    """Of the transpose of `window`: each place is spread over a kernel, `before` places in front are cut off."""
    return Reach(1, before - (kernel - 1) * dilation, before, stride)


def whole(size: int) -> Reach:
    """Of what looks at every place of a map."""
    return Reach(0, 0, size - 1)


def resized(size: int, to: int, interpolation: str, antialias: bool = False) -> Reach | None:
    """Of a map brought to another size: the middle of place `o` falls on `(o + 1/2) size / to - 1/2`."""
    if interpolation == "nearest":
        return Reach(2 * size, size - 2 * to + 1, size, 2 * to)
    if interpolation != "bilinear":
        return None
    wide = 2 * (size if antialias and size > to else to)
    return Reach(2 * size, size - to - wide + 1, size - to + wide - 1, 2 * to)


def _pointwise(size, to) -> Reach | None:
    if size == to:
        return Reach()
    return whole(1) if size == 1 else None  # one value for all places, such as a gate's


def _convolution(layer, axis, size, _to) -> Reach:
    kernel, stride, dilation = (each[axis] for each in (layer.kernel_size, layer.strides, layer.dilation_rate))
    if layer.padding == "causal":
        return window(kernel, stride, dilation, (kernel - 1) * dilation)
    return window(kernel, stride, dilation, border(size, kernel, layer.padding, stride, dilation)[0])


def _transposed(layer, axis, _size, to) -> Reach:
    kernel, stride, dilation = (each[axis] for each in (layer.kernel_size, layer.strides, layer.dilation_rate))
    return spread(kernel, stride, dilation, border(to, kernel, layer.padding, stride, dilation)[0])


def _pooling(layer, axis, size, _to) -> Reach:
    kernel, stride = layer.pool_size[axis], layer.strides[axis]
    return window(kernel, stride, before=border(size, kernel, layer.padding, stride)[0])


def _fixed(layer, axis, size, _to) -> Reach:
    kernel = np.shape(KERNELS[layer.kernel] if isinstance(layer.kernel, str) else layer.kernel)[axis]
    before = (kernel - 1) // 2 if layer.padding == "reflect" else border(size, kernel, layer.padding, layer.strides)[0]
    return window(kernel, layer.strides, before=before)


def _enlarging(layer, axis, size, to) -> Reach | None:
    return resized(size, to, getattr(layer, "interpolation", "nearest"))


def _resizing(layer, _axis, size, to) -> Reach | None:
    shape_kept = layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio
    return None if shape_kept else resized(size, to, layer.interpolation, layer.antialias)


def _padding(layer, axis, _size, _to) -> Reach:
    first = getattr(layer, "data_format", None) == "channels_first"  # then it leaves the first axis and pads the last
    return window(1, before=np.reshape(layer.padding, (-1, 2))[axis - first, 0].item() if axis >= first else 0)


def _cropping(layer, axis, _size, _to) -> Reach:
    return window(1, before=-np.reshape(layer.cropping, (-1, 2))[axis, 0].item())


def _cropping_to(layer, _axis, size, to) -> Reach:
    return window(1, before=-((size - to) // 2) if layer.place == "middle" else 0)


def _reshaping(layer, _axis, size, to) -> Reach | None:
    if size == to:
        return Reach()
    return whole(size) if len(layer.target_shape) == 1 else None


KINDS = (
    (CONVOLUTIONS, _convolution),
    (TRANSPOSED, _transposed),
    (POOLINGS, _pooling),
    ((layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D), _enlarging),
    (PADDINGS, _padding),
    ((layers.Cropping1D, layers.Cropping2D, layers.Cropping3D), _cropping),
    (layers.Resizing, _resizing),
    (layers.Reshape, _reshaping),
    (FixedConv2D, _fixed),
    (CropToReference, _cropping_to),
    (PadToMultiple, lambda *_: Reach()),  # what it adds mirrors what is there: no further pixels
)
