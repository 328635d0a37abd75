"""A pyramid of maps: what coarse maps know goes down to the fine ones, and where things are goes up again."""

from collections.abc import Mapping
from typing import Any

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import activate, conv, normalize


def pyramid(
    maps: Mapping[int, Any],
    channels: int,
    *,
    depth: int = 1,
    separable: bool = True,
    normalization="batch",
    activation="silu",
    name: str,
):
    """Maps of several strides in, maps of the same strides with `channels` each out, which all know of each other.

    From the coarsest to the finest, each map is doubled and added to the next (FPN, Lin et al. 2017,
    https://arxiv.org/abs/1612.03144), then from the finest to the coarsest each is halved by a convolution and added
    (PAN, Liu et al. 2018, https://arxiv.org/abs/1803.01534); `depth` 3x3 convolutions follow each sum.

    `maps`: stride -> map `(batch, height, width, channels)` of an image whose sizes the largest stride divides, each
    stride a multiple of the one before. `separable`: convolutions of each channel by itself and then 1x1, a ninth of
    the work. Returns: stride -> map, finest first. Nodes `NAME_in8_conv`, `NAME_down8_add`, `NAME_up16_add`, ...
    Raises: ValueError for strides that are no multiples of each other.

    >>> import keras
    >>> maps = {8: keras.Input((16, 16, 40)), 16: keras.Input((8, 8, 112))}
    >>> [x.shape for x in pyramid(maps, 32, name="pyramid").values()]
    [(None, 16, 16, 32), (None, 8, 8, 32)]
    """
    strides = _strides(maps)
    style = {"normalization": normalization, "activation": activation}
    tower = {"depth": checks.positive_int("depth", depth), "separable": separable, **style}
    known = {s: conv(maps[s], channels, 1, **style, name=f"{name}_in{s}") for s in strides}
    for fine, coarse in reversed(list(zip(strides, strides[1:], strict=False))):
        wide = layers.UpSampling2D(coarse // fine, name=f"{name}_down{fine}_resize")(known[coarse])
        x = layers.Add(name=f"{name}_down{fine}_add")([known[fine], wide])
        known[fine] = _tower(x, channels, **tower, name=f"{name}_down{fine}")
    for fine, coarse in zip(strides, strides[1:], strict=False):
        options = {"strides": coarse // fine, "separable": separable, **style}
        x = convolution(known[fine], channels, **options, name=f"{name}_up{coarse}_halved")
        x = layers.Add(name=f"{name}_up{coarse}_add")([known[coarse], x])
        known[coarse] = _tower(x, channels, **tower, name=f"{name}_up{coarse}")
    return known


def convolution(x, filters: int, *, strides: int = 1, separable: bool, normalization="batch", activation, name: str):
    """A 3x3 convolution, `separable` or not, normalised and activated: nodes `NAME_conv`, `NAME_norm`, `NAME_act`."""
    options = {"strides": strides, "separable": separable, "use_bias": normalization is None}
    x = kernel(filters, **options, name=f"{name}_conv")(x)
    return activate(normalize(x, normalization, name=f"{name}_norm"), activation, name=f"{name}_act")


def kernel(filters: int, *, separable: bool, **options) -> layers.Layer:
    """A 3x3 convolution as a layer; `separable` is of each channel by itself and then 1x1."""
    if separable:
        first = {"depthwise_initializer": "he_normal", "pointwise_initializer": "he_normal"}
        return layers.SeparableConv2D(filters, 3, padding="same", **first, **options)
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", **options)


def _tower(x, channels, *, depth, name, **options):
    for number in range(1, depth + 1):
        x = convolution(x, channels, **options, name=f"{name}_{number}")
    return x


def _strides(maps: Mapping[int, Any]) -> list[int]:
    strides = sorted(maps)
    if not strides or any(coarse % fine for fine, coarse in zip(strides, strides[1:], strict=False)):
        rule = "have strides that are multiples of each other"
        raise ValueError(checks.message("maps", rule, strides, "Pass maps of the strides 8, 16 and 32."))
    return strides
