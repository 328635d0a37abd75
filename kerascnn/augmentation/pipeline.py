"""`Pipeline`: transforms in a row, applied to a batch at the cost of one interpolation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.augmentation.draws import uniforms
from kerascnn.augmentation.transforms import TRANSFORMS
from kerascnn.augmentation.warp import PADS, warp


@dataclass(frozen=True, init=False, repr=False)
class Pipeline:
    """A value: `transforms` in their order, and the `border` ("reflect", "edge", "zero") that geometric ones bring in.

    Neighbouring geometric transforms are multiplied into one matrix, so that any number of them interpolates once.
    Calling it is a stateless function of (seed, epoch, index of the example): `pipeline(images, indices, epoch, seed)`
    takes and gives a batch `(n, height, width, channels)`, uint8 or float32, in a TensorFlow graph; `apply` does the
    same on arrays.

    >>> from kerascnn.augmentation import RandomFlip, Shift
    >>> Pipeline(RandomFlip("horizontal"), Shift(0.1))
    Pipeline(RandomFlip(direction='horizontal'), Shift(share=0.1))
    """

    transforms: tuple
    border: str

    def __init__(self, *transforms, border: str = "reflect"):
        for transform in transforms:
            if isinstance(transform, type) or not (hasattr(transform, "matrices") or hasattr(transform, "pixels")):
                mend = f"The transforms are {', '.join(TRANSFORMS)}."
                raise TypeError(checks.message("transforms", "be transforms, not classes or names", transform, mend))
        object.__setattr__(self, "transforms", transforms)
        object.__setattr__(self, "border", checks.one_of("border", border, PADS))

    def __repr__(self):
        """The call that makes this pipeline."""
        parts = [*map(repr, self.transforms)] + ([f"border={self.border!r}"] if self.border != "reflect" else [])
        return f"Pipeline({', '.join(parts)})"

    def __call__(self, images, indices, epoch, seed):
        """`images` changed, as a tensor of the same shape and type."""
        import tensorflow as tf

        seed = tf.convert_to_tensor(seed, tf.int64)
        changed = tf.numpy_function(self.apply, [images, indices, epoch, seed], images.dtype)
        changed.set_shape(images.shape)
        return changed

    def apply(self, images: np.ndarray, indices: np.ndarray, epoch: int, seed: int) -> np.ndarray:
        """`images` changed, as a new array."""
        draws = uniforms(seed, epoch, indices, sum(transform.draws for transform in self.transforms))
        height, width = images.shape[1:3]
        pending, owned, first = None, False, 0
        for transform in self.transforms:
            own, first = draws[:, first : first + transform.draws], first + transform.draws
            if hasattr(transform, "matrices"):
                matrices = transform.matrices(own, height, width)
                pending = matrices if pending is None else matrices @ pending
                continue
            if pending is not None:
                images, pending, owned = warp(images, pending, self.border), None, True
            images, owned = images if owned else images.copy(), True
            transform.pixels(images, own)
        return images if pending is None else warp(images, pending, self.border)

    def to_dict(self) -> dict[str, Any]:
        """A plain dict, for JSON or YAML; `from_dict` reads it."""
        transforms = [{"name": type(each).__name__, **dataclasses.asdict(each)} for each in self.transforms]
        return {"transforms": transforms, "border": self.border}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Pipeline:
        """The pipeline that `to_dict` wrote; raises ValueError for an unknown transform."""
        transforms = []
        for entry in plain["transforms"]:
            arguments = dict(entry)
            transforms.append(TRANSFORMS[checks.one_of("name", arguments.pop("name"), TRANSFORMS)](**arguments))
        return cls(*transforms, border=plain.get("border", "reflect"))
