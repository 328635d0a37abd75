"""Objects that are put into pictures: cut out, given a size, a turn, a place and a colour."""

from __future__ import annotations

import math

import numpy as np

EXTENTS = (14, 28)  # pixels of an object's longer side, before it is turned
TURN = 15  # degrees, either way
APART = 60  # levels between an object and the ground under it, on average
OVERLAP = 0.1  # of the smaller of two boxes, at most
TRIES = 12  # places that an object is tried at before it is left out


def sprite(rng: np.random.Generator, original: np.ndarray, opaque: int) -> np.ndarray:
    """`original` `(height, width)` in a size and turn of its own, cut to the object; uint8, empty if there is none.

    A pixel of half the level `opaque` or more belongs to the object.
    """
    from PIL import Image

    extent, angle = rng.uniform(*EXTENTS), math.radians(rng.uniform(-TURN, TURN))
    height, width = original.shape
    scale = max(height, width) / extent
    side = math.ceil(extent * 1.3)  # more than any turn needs
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    middle = side / 2
    affine = (a, b, width / 2 - (a + b) * middle, -b, a, height / 2 - (a - b) * middle)
    turned = Image.fromarray(original).transform((side, side), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    whole = np.asarray(turned)
    there = whole >= opaque // 2
    rows, columns = there.any(axis=1).nonzero()[0], there.any(axis=0).nonzero()[0]
    if not rows.size:
        return whole[:0, :0]
    return whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def place(rng: np.random.Generator, shape, size, boxes) -> tuple[int, int, int, int] | None:
    """A box of `shape` in a picture of `size` that hardly overlaps `boxes`; None if none is found, or it is empty."""
    height, width = shape
    if not height:
        return None
    for top, left in rng.integers(0, (size[0] - height + 1, size[1] - width + 1), (TRIES, 2)).tolist():
        box = left, top, left + width, top + height
        if all(_overlap(box, other) <= OVERLAP for other in boxes):
            return box
    return None


def _overlap(one, other) -> float:
    """The area that two boxes share, as a share of the smaller one."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    areas = ((right - left) * (bottom - top) for left, top, right, bottom in (one, other))
    return max(width, 0) * max(height, 0) / min(areas)


def painted(rng: np.random.Generator, under: np.ndarray, sprite: np.ndarray, opaque: int) -> np.ndarray:
    """`under` with the sprite over it, in the first of some colours that differs enough, or that differs most.

    `under` is float32 `(height, width, 3)`, the sprite uint8 `(height, width)`, through which nothing shines from the
    level `opaque` on.
    """
    colours = rng.uniform(0, 255, (8, 3)).astype(np.float32)
    apart = np.abs(colours - under.mean(axis=(0, 1))).mean(axis=1)
    colour = colours[np.argmax(np.minimum(apart, APART))]
    level = sprite[..., None].astype(np.float32)
    opacity = np.minimum(level / opaque, 1)
    return under + opacity * (colour * (0.6 + 0.4 / 255 * level) - under)
