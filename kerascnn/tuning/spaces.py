"""The space of networks of stages. A network is always a text that `models.build` takes, in a trial and in a shell."""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from kerascnn.tuning.choices import Between as Between
from kerascnn.tuning.choices import Both as Both
from kerascnn.tuning.choices import Choices as Choices
from kerascnn.tuning.choices import Space as Space
from kerascnn.tuning.classics import LeNetSpace as LeNetSpace
from kerascnn.tuning.classics import ResNetSpace as ResNetSpace
from kerascnn.tuning.classics import UNetSpace as UNetSpace
from kerascnn.tuning.classics import VGGSpace as VGGSpace
from kerascnn.tuning.classics import ZFNetSpace as ZFNetSpace
from kerascnn.tuning.drawing import (
    between,
    call,
    checked_integers,
    checked_range,
    checked_shares,
    checked_values,
    doublings,
    keep_checked,
    pick,
)

BLOCKS = ("plain", "residual", "inception")
BRANCHES = {"least": 8, "mend": "An inception block has a filter for each of its branches."}


@dataclass(frozen=True)
class ConvNetSpace(Space):
    """Networks of `models.convnet`: how many stages, and for each its depth, filters, kernel size and stride.

    A draw is valid for images of any size, as all maps are padded. What has a single value is not searched. The values
    that a new `hp` begins with are the first of each tuple, the lowest of each range.

    Attributes:
        stages: the range of their number; a pair (lowest, highest), as the two that follow.
        blocks: the range of blocks in a stage, drawn for each: `depth_1`, `depth_2`, ...
        filters: the range of channels in a stage, drawn for each from the lowest and its doublings: `filters_1`, ...
        kernels: kernel sizes to choose from, for each stage: `kernel_1`, ...
        strides: to choose from, for each stage: `stride_1`, ...
        block: "plain", "residual", "inception" or several.
        pooling: how a map is shrunk: "none" by strides, "max", "average" or several.
        activation: names of activations.
        normalization: whether convolutions are batch-normalised: True, False or both.
        head: how the last map becomes features: "average", "max", "flatten" or several.
        dropout: the range of the share of features dropped, in [0, 1).

    Raises: ValueError for what the attributes do not allow.

    >>> import keras_tuner
    >>> hp = keras_tuner.HyperParameters()
    >>> ConvNetSpace(stages=(1, 2), kernels=(3, 5), strides=(2,), block=("plain",), pooling=("max",))(hp)["model"]
    ... # doctest: +ELLIPSIS
    "convnet(filters=(16,), depths=(1,), kernel_sizes=(3,), strides=(2,), block='plain', pooling='max', ...)"
    >>> sorted(hp.values)
    ['depth_1', 'filters_1', 'kernel_1', 'stages']
    """

    stages: tuple[int, int] = (2, 5)
    blocks: tuple[int, int] = (1, 4)
    filters: tuple[int, int] = (16, 256)
    kernels: tuple[int, ...] = (1, 3, 5, 7)
    strides: tuple[int, ...] = (1, 2)
    block: tuple[str, ...] = BLOCKS
    pooling: tuple[str, ...] = ("none", "max")
    activation: tuple[str, ...] = ("relu",)
    normalization: tuple[bool, ...] = (True,)
    head: tuple[str, ...] = ("average",)
    dropout: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self):
        """Checks the attributes."""
        keep_checked(
            self,
            stages=checked_range,
            blocks=checked_range,
            kernels=checked_integers,
            strides=checked_integers,
            block=partial(checked_values, allowed=BLOCKS),
            pooling=partial(checked_values, allowed=("none", "max", "average")),
            activation=checked_values,
            normalization=partial(checked_values, allowed=(True, False)),
            head=partial(checked_values, allowed=("average", "max", "flatten")),
            dropout=checked_shares,
        )
        keep_checked(self, filters=partial(checked_range, **(BRANCHES if "inception" in self.block else {})))

    def __call__(self, hp) -> dict[str, Any]:
        """`{"model": "convnet(...)"}`."""
        stages = between(hp, "stages", *self.stages)
        drawn = [self._stage(hp, number) for number in range(1, self.stages[1] + 1)]
        filters, depths, kernel_sizes, strides = zip(*drawn[:stages], strict=True)
        style = {
            name: pick(hp, name, getattr(self, name))
            for name in ("block", "pooling", "activation", "normalization", "head")
        }
        style["dropout"] = Between(*map(float, self.dropout)).draw(hp, "dropout")
        sizes = {"filters": filters, "depths": depths, "kernel_sizes": kernel_sizes, "strides": strides}
        return {"model": call("convnet", **sizes, **style)}

    def _stage(self, hp, number: int) -> tuple[int | None, ...]:
        """Filters, depth, kernel size and stride; None for what a network without this stage does not have."""
        least, most = self.stages
        needed = list(range(number, most + 1))
        with nullcontext() if number <= least else hp.conditional_scope("stages", needed):
            return (
                pick(hp, f"filters_{number}", doublings(*self.filters)),
                between(hp, f"depth_{number}", *self.blocks),
                pick(hp, f"kernel_{number}", self.kernels),
                pick(hp, f"stride_{number}", self.strides),
            )
