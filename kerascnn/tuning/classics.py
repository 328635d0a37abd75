"""Spaces around the classic networks: the networks themselves with other kernels, strides, widths and depths."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from kerascnn.tuning.choices import Space
from kerascnn.tuning.drawing import (
    between,
    call,
    checked_integers,
    checked_numbers,
    checked_range,
    checked_values,
    doublings,
    keep_checked,
    pick,
)

VGGS = (11, 13, 16, 19)
RESNETS = (18, 20, 32, 34, 44, 50, 56, 101, 110, 152)


@dataclass(frozen=True)
class LeNetSpace(Space):
    """LeNet-5 with other kernels, activations and numbers of feature maps; for images of 16 pixels or more.

    Attributes:
        widths: factors of the paper's 6 and 16 feature maps and 120 and 84 units.
        kernels: sizes of both kernels.
        activation: of all layers.
        normalization: whether convolutions are batch-normalised: True, False or both.

    Raises: ValueError for what the attributes do not allow.

    >>> import keras_tuner
    >>> LeNetSpace(widths=(1.0,), kernels=(5, 3))(keras_tuner.HyperParameters())
    {'model': "lenet5(filters=(6, 16), kernel_size=5, units=(120, 84), activation='tanh', normalization=None)"}
    """

    widths: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    kernels: tuple[int, ...] = (3, 5, 7)
    activation: tuple[str, ...] = ("tanh", "relu")
    normalization: tuple[bool, ...] = (False, True)

    def __post_init__(self):
        """Checks the attributes."""
        keep_checked(self, widths=checked_numbers, kernels=checked_integers, activation=checked_values)
        keep_checked(self, normalization=_truths)

    def __call__(self, hp) -> dict[str, Any]:
        """`{"model": "lenet5(...)"}`."""
        width = pick(hp, "width", self.widths)
        sizes = {
            "filters": _scaled((6, 16), width),
            "kernel_size": pick(hp, "kernel", self.kernels),
            "units": _scaled((120, 84), width),
            "activation": pick(hp, "activation", self.activation),
        }
        return {"model": call("lenet5", **sizes, normalization=_normalization(hp, self.normalization))}


@dataclass(frozen=True)
class ZFNetSpace(Space):
    """ZFNet, found from AlexNet by changing what is varied here: the first kernel, the strides, the feature maps.

    As given for images of 17 pixels or more; for photographs of 128 or more pass `kernels=(7, 9, 11)`,
    `first_strides=(2, 4)` and `second_strides=(1, 2)`.
    Paper: Zeiler & Fergus 2014, section 4.1, https://arxiv.org/abs/1311.2901.

    Attributes:
        kernels: sizes of the first kernel; the paper goes from 11 to 7.
        first_strides: of the first convolution; the paper goes from 4 to 2.
        second_strides: of the second convolution.
        widths: factors of the paper's 96, 256, 384, 384 and 256 feature maps.
        units: of each of the two hidden dense layers; 4,096 in the paper.
        normalization: whether convolutions are batch-normalised: True, False or both.

    Raises: ValueError for what the attributes do not allow.
    """

    kernels: tuple[int, ...] = (3, 5, 7, 9, 11)
    first_strides: tuple[int, ...] = (1, 2)
    second_strides: tuple[int, ...] = (1,)
    widths: tuple[float, ...] = (0.25, 0.5, 1.0)
    units: tuple[int, ...] = (256, 1024)
    normalization: tuple[bool, ...] = (True,)

    def __post_init__(self):
        """Checks the attributes."""
        keep_checked(self, kernels=checked_integers, first_strides=checked_integers, second_strides=checked_integers)
        keep_checked(self, widths=checked_numbers, units=checked_integers, normalization=_truths)

    def __call__(self, hp) -> dict[str, Any]:
        """`{"model": "zfnet(...)"}`."""
        sizes = {
            "filters": _scaled((96, 256, 384, 384, 256), pick(hp, "width", self.widths)),
            "kernel_sizes": (pick(hp, "kernel_1", self.kernels), 5, 3, 3, 3),
            "strides": (pick(hp, "stride_1", self.first_strides), pick(hp, "stride_2", self.second_strides)),
            "units": (pick(hp, "units", self.units),) * 2,
        }
        return {"model": call("zfnet", **sizes, normalization=_normalization(hp, self.normalization))}


@dataclass(frozen=True)
class VGGSpace(Space):
    """VGG with other depths and numbers of feature maps.

    Attributes:
        depths: layers with weights: 11, 13, 16, 19 or several.
        filters: the range of feature maps of the first stage, drawn from the lowest and its doublings; the later ones
            have 2, 4, 8 and 8 times as many. 64 in the paper.
        kernels: sizes of all kernels.
        units: of each of the two hidden dense layers; 4,096 in the paper.
        normalization: whether convolutions are batch-normalised: True, False or both.

    Raises: ValueError for what the attributes do not allow.
    """

    depths: tuple[int, ...] = (11, 13, 16)
    filters: tuple[int, int] = (8, 64)
    kernels: tuple[int, ...] = (3,)
    units: tuple[int, ...] = (256, 1024)
    normalization: tuple[bool, ...] = (True,)

    def __post_init__(self):
        """Checks the attributes."""
        keep_checked(self, depths=partial(checked_values, allowed=VGGS), filters=checked_range)
        keep_checked(self, kernels=checked_integers, units=checked_integers, normalization=_truths)

    def __call__(self, hp) -> dict[str, Any]:
        """`{"model": "vgg16(...)"}`."""
        name, filters = f"vgg{pick(hp, 'depth', self.depths)}", pick(hp, "filters", doublings(*self.filters))
        sizes = {
            "filters": _scaled((1, 2, 4, 8, 8), filters),
            "kernel_size": pick(hp, "kernel", self.kernels),
            "units": (pick(hp, "units", self.units),) * 2,
        }
        return {"model": call(name, **sizes, normalization=_normalization(hp, self.normalization))}


@dataclass(frozen=True)
class ResNetSpace(Space):
    """ResNets with other depths and numbers of feature maps.

    Attributes:
        depths: layers with weights: 20, 32, 44, 56, 110 for small images; 18, 34, 50, 101, 152.
        filters: the range of feature maps of the first stage, drawn from the lowest and its doublings; each later stage
            has twice as many. 16 in the paper for small images, 64 for photographs.
        kernels: sizes of all kernels.

    Raises: ValueError for what the attributes do not allow.
    """

    depths: tuple[int, ...] = (20, 32, 44, 56)
    filters: tuple[int, int] = (8, 64)
    kernels: tuple[int, ...] = (3,)

    def __post_init__(self):
        """Checks the attributes."""
        keep_checked(self, depths=partial(checked_values, allowed=RESNETS), filters=checked_range)
        keep_checked(self, kernels=checked_integers)

    def __call__(self, hp) -> dict[str, Any]:
        """`{"model": "resnet20(...)"}`."""
        name, filters = f"resnet{pick(hp, 'depth', self.depths)}", pick(hp, "filters", doublings(*self.filters))
        return {"model": call(name, filters=filters, kernel_size=pick(hp, "kernel", self.kernels))}


@dataclass(frozen=True)
class UNetSpace(Space):
    """U-Nets of other depths and widths, for recipes that answer for each pixel.

    Attributes:
        depths: the range of how often the map is halved.
        filters: the range of feature maps of the first level, drawn from the lowest and its doublings; each deeper
            level has twice as many. 64 in the paper, with a depth of 4.
        kernels: sizes of all kernels.
        convolutions: at each level, down and up.
        block: "plain", "residual" or both.
        attention: whether gates weight the shortcuts: True, False or both.

    Raises: ValueError for what the attributes do not allow.
    """

    depths: tuple[int, int] = (2, 4)
    filters: tuple[int, int] = (8, 64)
    kernels: tuple[int, ...] = (3,)
    convolutions: tuple[int, ...] = (1, 2)
    block: tuple[str, ...] = ("plain",)
    attention: tuple[bool, ...] = (False,)

    def __post_init__(self):
        """Checks the attributes."""
        keep_checked(self, depths=checked_range, filters=checked_range, kernels=checked_integers, attention=_truths)
        keep_checked(self, convolutions=checked_integers, block=partial(checked_values, allowed=("plain", "residual")))

    def __call__(self, hp) -> dict[str, Any]:
        """`{"model": "unet(...)"}`."""
        sizes = {
            "filters": pick(hp, "filters", doublings(*self.filters)),
            "depth": between(hp, "depth", *self.depths),
            "kernel_size": pick(hp, "kernel", self.kernels),
            "convolutions": pick(hp, "convolutions", self.convolutions),
            "block": pick(hp, "block", self.block),
            "attention": pick(hp, "attention", self.attention),
        }
        return {"model": call("unet", **sizes)}


def _truths(name, values):
    return checked_values(name, values, (True, False))


def _scaled(counts, width):
    return tuple(max(1, round(count * width)) for count in counts)


def _normalization(hp, values):
    return "batch" if pick(hp, "normalization", values) else None
