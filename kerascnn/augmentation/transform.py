"""`Transform`: what all transforms share. A transform is a small value that says what it contributes to a picture.

Each has one of these methods, which tells the engine its kind. `u` is `(n, draws)` in [0, 1), a row an image; `xp` is
`numpy` or `keras.ops`, so that a formula is written once for both places where a pipeline runs:

- `matrices(u, size, xp)`: `(n, 3, 3)` that move points `(x, y, 1)`, pixels, y downwards, from the centre of the image;
  `size` is `(height, width)`. With `output_size(size)` the result has another size, and its centre counts from there.
- `displacements(u, size, xp)`: `(n, rows, columns, 2)`, a coarse grid of `(dx, dy)` in pixels, smoothed over the image.
- `colours(u, channels, means, xp)`: `(n, channels, channels + 1)`, applied to `(c0, c1, ..., 1)`, values 0..255.
- `values(x, u, xp)`: the new value for each value of `x`; `u` is a tuple of draws that broadcast against `x`.
- `pixels(images, u, backend, keys)`: changed images; `backend` is `host` or `graph`, `keys` seed noise for each image.
- `mix(groups, u, backend)`: one batch of `1 + others` batches.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import ClassVar

from kerascnn import checks

KINDS = {
    "labels": "labels", "segmentation_masks": "masks", "bounding_boxes": "boxes", "keypoints": "key points",
    "target_images": "target images",
}  # fmt: skip
TARGETS = frozenset(KINDS)


@dataclass(frozen=True, repr=False)
class Transform:
    """Acts on a share `p` of the images, drawn for each.

    Class attributes: `draws`, how many numbers it needs for an image; `targets`, the kinds of target that it can carry;
    `needs_colour`, whether images must have three channels; `needs_means`, whether `colours` is to get the mean colour;
    `per_channel`, whether `colours` is one line `a * x + b`, the same for every channel and needing no mean.
    """

    p: float = field(default=1.0, kw_only=True)
    draws: ClassVar[int] = 0
    targets: ClassVar[frozenset] = TARGETS
    needs_colour: ClassVar[bool] = False
    needs_means: ClassVar[bool] = False
    per_channel: ClassVar[bool] = False

    def __post_init__(self):
        """Checks `p`; subclasses check their own arguments after it."""
        checks.in_range("p", self.p, 0, 1)

    def __repr__(self):
        """The call that makes it: the first argument, then what is not as it is by default."""
        own = [entry for entry in dataclasses.fields(self) if entry.init]
        own.sort(key=lambda entry: entry.kw_only)
        words = []
        for number, entry in enumerate(own):
            value = getattr(self, entry.name)
            if number == 0 and not entry.kw_only:
                words.append(repr(value))
            elif value != entry.default:
                words.append(f"{entry.name}={value!r}")
        return f"{type(self).__name__}({', '.join(words)})"

    def prepared(self, class_names: Sequence[str]) -> Transform:
        """This transform with the names of classes replaced by their indices; raises ValueError for an unknown name."""
        return self


@dataclass(frozen=True, repr=False)
class Identity(Transform):
    """Leaves images as they are: a choice among others in `OneOf` and in policies."""

    def values(self, x, u, xp):
        """`x`."""
        return x


def ranged(name: str, value, low: float, high: float, *, about: float = 0) -> tuple[float, float]:
    """The range that an argument means: `value` to either side of `about`, or a pair `(from, to)` as it stands.

    Raises ValueError if an end is not in `low`..`high`, or the pair is the wrong way round.

    >>> ranged("degrees", 10, -180, 180), ranged("share", (1, 2), 0, 4, about=1)
    ((-10, 10), (1, 2))
    """
    pair = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else None
    if pair is None and isinstance(value, Real) and value >= 0:
        pair = (about - value, about + value)
    rule = f"be a number, or a pair (from, to), that stays in [{low}, {high}]"
    if pair is None or len(pair) != 2 or not all(isinstance(end, Real) for end in pair):
        raise ValueError(checks.message(name, rule, value))
    if not low <= pair[0] <= pair[1] <= high:
        raise ValueError(checks.message(name, rule, value))
    return pair


def fixed(value):
    """The range of an argument that a number fixes: the pair as it stands, or the number at both ends."""
    return value if isinstance(value, Sequence) else (value, value)


def between(u, pair):
    """`u` in [0, 1) stretched to the range `pair`."""
    return pair[0] + u * (pair[1] - pair[0])
