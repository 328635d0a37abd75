"""Mirrorings and quarter turns: pixels change their places and stay as they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral

from kerascnn import checks
from kerascnn.augmentation.matrices import affine, turn, whole
from kerascnn.augmentation.targets import both_ways
from kerascnn.augmentation.transform import Transform


@dataclass(frozen=True, repr=False)
class RandomFlip(Transform):
    """Mirrors a share `p` of the images, by default half, left to right ("horizontal") or top to bottom ("vertical").

    `swap` holds pairs of classes, by name or index, that become each other in the mirror, in labels, masks and boxes.
    Raises ValueError if a class stands in two pairs; `prepared` does for a name that is no class.

    >>> RandomFlip("horizontal", swap={"left hand": "right hand"})
    RandomFlip('horizontal', swap={'left hand': 'right hand'})
    """

    direction: str = "horizontal"
    swap: Mapping | None = None
    p: float = field(default=0.5, kw_only=True)

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        checks.one_of("direction", self.direction, ("horizontal", "vertical"))
        both_ways(self.swap or {})

    def prepared(self, class_names: Sequence[str]) -> RandomFlip:
        """This flip with the indices of the classes in `swap`."""
        if not self.swap:
            return self
        names = list(class_names)
        swap = {_index(one, names): _index(other, names) for one, other in self.swap.items()}
        return dataclasses.replace(self, swap=swap)

    def matrices(self, u, size, xp):
        """The mirroring, for each image."""
        return affine(u, xp, xx=-1.0) if self.direction == "horizontal" else affine(u, xp, yy=-1.0)


@dataclass(frozen=True, repr=False)
class QuarterTurn(Transform):
    """Turns by 0, 90, 180 or 270 degrees alike; by 0 or 180 where the image is not square. Pixels stay as they are."""

    draws = 1

    def matrices(self, u, size, xp):
        """The turn of each image."""
        step = 1 if size[0] == size[1] else 2
        angle = whole(u[:, 0], 0, 4 // step - 1, xp) * (step * math.pi / 2)
        return turn(u, xp.round(xp.cos(angle)), xp.round(xp.sin(angle)), xp)


def _index(name, names) -> int:
    if isinstance(name, Integral) and 0 <= name < len(names):
        return int(name)
    if name not in names:
        raise ValueError(checks.message("swap", "hold classes of the data", name, checks.nearest(name, names)))
    return names.index(name)
