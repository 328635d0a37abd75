"""Policies: published augmentations that draw their operations out of a table, as plain transforms.

In two things they differ from the papers' programs, as the transforms do: contrast is changed about the mean of each
channel, and images turn and shear about their centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

from kerascnn import checks
from kerascnn.augmentation.colour import Brightness, Contrast, Saturation
from kerascnn.augmentation.geometry import Rotate, Shear, Shift
from kerascnn.augmentation.pipeline import OneOf, Pipeline
from kerascnn.augmentation.pixels import AutoContrast, Equalize, Sharpness
from kerascnn.augmentation.tones import Posterize, Solarize
from kerascnn.augmentation.transform import Identity, Transform

MAGNITUDES = 30
"""RandAugment's magnitudes are 0..30."""


@dataclass(frozen=True)
class Table:
    """The greatest strength of each operation.

    `shear` is a slope, `shift` a share of the side, `turn` in degrees; `colour` counts to either side of 1, for
    brightness, saturation, contrast and sharpness; `bits` of 8 are taken away.
    """

    shear: float
    shift: float
    turn: float
    colour: float
    bits: int


STANDARD = Table(shear=0.3, shift=150 / 331, turn=30, colour=0.9, bits=4)
WIDE = Table(shear=0.99, shift=32 / 224, turn=135, colour=0.99, bits=6)


@dataclass(frozen=True, repr=False)
class RandAugment(Transform):
    """`layers` operations in a row, each drawn out of fourteen, all at one strength (Cubuk et al. 2019).

    `magnitude` in 0..30 is that strength; turns, shears, shifts and changes of colour go either way by exactly so much.
    The table is torchvision's. `colour=False`, for images of other than three channels, leaves them alone where
    saturation is drawn. https://arxiv.org/abs/1909.13719

    >>> RandAugment(3, magnitude=5)
    RandAugment(3, magnitude=5)
    """

    layers: int = 2
    magnitude: float = 9
    colour: bool = field(default=True, kw_only=True)

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        checks.positive_int("layers", self.layers)
        checks.in_range("magnitude", self.magnitude, 0, MAGNITUDES)

    def expanded(self) -> Pipeline:
        """The same as plain transforms."""
        share = self.magnitude / MAGNITUDES
        values = Posterize(8 - round(STANDARD.bits * share)), Solarize((255 * (1 - share),) * 2)
        return Pipeline(*[_one_operation(STANDARD, share, _either_way, values, self.colour)] * self.layers)


@dataclass(frozen=True, repr=False)
class TrivialAugment(Transform):
    """One operation out of fourteen, its strength drawn evenly between none and great (Müller and Hutter 2021).

    The table is the paper's wide one, with shifts by up to 32 of 224 pixels; there is nothing to tune. `colour=False`,
    for images of other than three channels, leaves them alone where saturation is drawn.
    https://arxiv.org/abs/2103.10158
    """

    colour: bool = field(default=True, kw_only=True)

    def expanded(self) -> Pipeline:
        """The same as plain transforms."""
        values = Posterize((8 - WIDE.bits, 8)), Solarize((0, 255))
        return Pipeline(_one_operation(WIDE, 1, _evenly, values, self.colour))


def _one_operation(table: Table, share: float, drawn, values, colour: bool) -> OneOf:
    """One of the operations, at `share` of the table's strengths; `values` act on single values."""
    slope, much = math.degrees(math.atan(table.shear * share)), table.colour * share
    return OneOf(
        Identity(),
        *(drawn(partial(Shear, axes=axis), slope) for axis in "xy"),
        *(drawn(partial(Shift, axes=axis), table.shift * share) for axis in "xy"),
        drawn(Rotate, table.turn * share),
        drawn(Brightness, much, about=1),
        drawn(Saturation, much, about=1) if colour else Identity(),
        drawn(Contrast, much, about=1),
        *values,
        drawn(Sharpness, much, about=1),
        AutoContrast(),
        Equalize(),
    )


def _either_way(make, most: float, about: float = 0) -> OneOf:
    return OneOf(*[make((end, end)) for end in (about - most, about + most)])


def _evenly(make, most: float, about: float = 0) -> Transform:
    return make((about - most, about + most))
