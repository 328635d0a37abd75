"""Batch operations: pictures that are made of several images, with targets made of theirs.

Labels become shares of the classes, `(n, classes)` float32 that sum to 1. Integer labels need the number of classes:
`prepared(class_names)` gives it, or the argument `classes`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from kerascnn import checks
from kerascnn.augmentation.beta import symmetric_beta
from kerascnn.augmentation.draws import uniforms
from kerascnn.augmentation.transform import Transform

PARTNERS = 0x5041_5254_4E45_5253  # added to the seed: partners come from a stream of their own
MOST_ALPHA = 100


@dataclass(frozen=True, repr=False)
class BatchOperation(Transform):
    """What all share: `classes`, the number of classes that integer labels count, and the partners of each image.

    `others` is the number of partners. `mix(groups, u, backend)` makes one batch of `1 + others` of equal length.
    """

    classes: int | None = field(default=None, kw_only=True)
    others: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        if self.classes is not None:
            checks.positive_int("classes", self.classes)

    def prepared(self, class_names):
        """With the number of classes that `class_names` has; raises ValueError if it was given and is another."""
        if self.classes not in (None, len(class_names)):
            mend = "Leave it out: it is taken from the data."
            raise ValueError(checks.message("classes", f"be {len(class_names)}, as the data", self.classes, mend))
        return dataclasses.replace(self, classes=len(class_names))

    def mixed_labels(self, groups, shares, xp) -> dict:
        """The labels of all groups by their `shares`, each `(n,)`; nothing where there are none."""
        if "labels" not in groups[0]:
            return {}
        each = (self._one_hot(group["labels"], xp) for group in groups)
        mixed = sum(share[:, None] * labels for share, labels in zip(shares, each, strict=True))
        return {"labels": xp.array(mixed, dtype="float32")}

    def _one_hot(self, labels, xp):
        if len(labels.shape) > 1:
            return labels
        if self.classes is None:
            mend = f"Pass {type(self).__name__}(classes=10), or one-hot labels."
            raise ValueError(checks.message("classes", "be known where labels are integers", None, mend))
        return one_hot(labels, self.classes, xp)


@dataclass(frozen=True, repr=False)
class MixUp(BatchOperation):
    """Fades each image into another: a share of it drawn from Beta(`alpha`, `alpha`), and the rest of the other's.

    Labels are mixed alike; boxes are those of both images. `alpha` is in (0, 100]: near 0 one of the two images is
    almost alone, at 1 every share is as likely, above it halves are. Zhang et al. 2018, "mixup: Beyond Empirical Risk
    Minimization" (https://arxiv.org/abs/1710.09412).

    >>> pair = [{"images": np.full((1, 1, 1, 1), level, np.float32), "labels": np.array([k])} for k, level in
    ...         enumerate((0, 200))]
    >>> from kerascnn.augmentation import host
    >>> mixed = MixUp(1.0, classes=2).mix(pair, np.array([[0.25]]), host)
    >>> float(mixed["images"][0, 0, 0, 0]), mixed["labels"].tolist()
    (150.0, [[0.25, 0.75]])
    """

    alpha: float = 0.2
    draws: ClassVar[int] = 1
    targets: ClassVar[frozenset] = frozenset({"labels", "bounding_boxes"})

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        checks.in_range("alpha", self.alpha, 0, MOST_ALPHA, ends="(]")

    def mix(self, groups, u, backend):
        """The faded batch."""
        xp, (own, other) = backend.np, groups
        share = symmetric_beta(u[:, 0], self.alpha, xp)
        mixed = {**own, "images": backend.blend(own["images"], other["images"], share)}
        if "bounding_boxes" in own:
            mixed["bounding_boxes"] = joined([group["bounding_boxes"] for group in groups], xp)
        return mixed | self.mixed_labels(groups, (share, 1 - share), xp)


@dataclass(frozen=True, repr=False)
class CutMix(BatchOperation):
    """Puts a piece of another image into each, at its own place; labels are mixed by the areas, masks cut alike.

    The piece has the image's proportions, its centre lies anywhere, and its area before it is cut off at the edges is a
    share of the image drawn from Beta(`alpha`, `alpha`), `alpha` in (0, 100]. Yun et al. 2019, "CutMix: Regularization
    Strategy to Train Strong Classifiers with Localizable Features" (https://arxiv.org/abs/1905.04899).
    """

    alpha: float = 1.0
    draws: ClassVar[int] = 3
    targets: ClassVar[frozenset] = frozenset({"labels", "segmentation_masks"})

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        checks.in_range("alpha", self.alpha, 0, MOST_ALPHA, ends="(]")

    def windows(self, u, size, xp):
        """The piece `(y0, x0, y1, x1)` of each image, in whole pixels within `size` `(height, width)`: `(n, 4)`."""
        half = 0.5 * xp.sqrt(1 - symmetric_beta(u[:, 0], self.alpha, xp))
        ends = []
        for draw, length in ((u[:, 2], size[0]), (u[:, 1], size[1])):
            centre, reach = xp.floor(draw * length), xp.floor(half * length)
            ends.append((xp.maximum(centre - reach, 0), xp.minimum(centre + reach, length)))
        (top, bottom), (left, right) = ends
        return xp.stack([top, left, bottom, right], axis=1)

    def mix(self, groups, u, backend):
        """The batch with the pieces in it."""
        own, other = groups
        size = own["images"].shape[1:3]
        windows = self.windows(u, size, backend.np)
        share = 1 - areas(windows) / (size[0] * size[1])
        return own | pasted(own, other, windows, backend) | self.mixed_labels(groups, (share, 1 - share), backend.np)


def partners(indices: np.ndarray, epoch: int, seed: int, size: int, number: int) -> np.ndarray:
    """`number` other examples for each of `indices`, `(n, number)`, evenly from a split of `size`, repetitions allowed.

    A function of (seed, epoch, index) alone, as all draws are. Never the example itself, unless it is the only one.

    >>> partners(np.array([3, 4]), 0, 0, 5, 6).tolist()
    [[0, 0, 2, 0, 0, 2], [0, 1, 2, 0, 2, 0]]
    """
    indices = np.asarray(indices, np.int64)
    u = uniforms(int(seed) + PARTNERS, epoch, indices, number)
    return (indices[:, None] + 1 + np.floor(u * (size - 1)).astype(np.int64)) % size


def one_hot(labels, classes: int, xp):
    """Labels `(n,)` as shares of the classes, `(n, classes)`."""
    return xp.where(labels[:, None] == xp.arange(classes), 1.0, 0.0)


def areas(windows):
    """The pixels in each of `windows` `(n, 4)`."""
    return (windows[:, 2] - windows[:, 0]) * (windows[:, 3] - windows[:, 1])


def pasted(own, other, windows, backend) -> dict:
    """The images and masks of `own` with those of `other` inside the `windows`."""
    pasted = {"images": backend.fill(own["images"], windows, other["images"])}
    if "segmentation_masks" in own:
        mine, theirs = own["segmentation_masks"], other["segmentation_masks"]
        held = _held(windows, mine.shape[1:3], backend.np)
        held = held if len(mine.shape) == 3 else held[..., None]
        pasted["segmentation_masks"] = backend.np.where(held, theirs, mine)
    return pasted


def _held(windows, size, xp):
    """`(n, height, width)`, whether a pixel lies in its image's window."""
    rows, columns = xp.arange(size[0], dtype="float32")[:, None], xp.arange(size[1], dtype="float32")
    top, left, bottom, right = (windows[:, i, None, None] for i in range(4))
    return (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)


def joined(parts, xp):
    """The boxes of all parts, one after the other."""
    return {key: xp.concatenate([part[key] for part in parts], axis=1) for key in ("boxes", "labels")}
