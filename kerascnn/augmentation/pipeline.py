"""`Pipeline`: transforms in a row, applied to a batch of images and their targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.augmentation import serial
from kerascnn.augmentation.draws import streams, uniforms
from kerascnn.augmentation.engine import run
from kerascnn.augmentation.mixing import partner_counts, taken, with_partners
from kerascnn.augmentation.plan import Plan, plan
from kerascnn.augmentation.transform import KINDS, Transform
from kerascnn.augmentation.warp import PADS


@dataclass(frozen=True, init=False, repr=False)
class Pipeline(Transform):
    """A value: `transforms` in their order.

    However many there are, the engine multiplies geometric ones into one matrix, which interpolates once, and colour
    maps into one pass. Calling it is a stateless function of (seed, epoch, index of the example), the same for any
    batch size and number of threads. `apply` works on arrays, `pipeline(batch, indices, epoch, seed)` on arrays and
    in a TensorFlow graph.

    A batch is `images` `(n, height, width, channels)`, uint8 or float32 in 0..255, or a dict with Keras' names:
    "images"; "labels" `(n,)` integers or `(n, classes)` shares; "segmentation_masks" `(n, height, width[, k])`
    integers; "target_images" `(n, height, width, k)`, which move with the images and keep their colours;
    "bounding_boxes" of "boxes" `(n, k, 4)`, left, top, right and bottom edge in pixels, and "labels" `(n, k)`, -1 where
    there is none; "keypoints" `(n, k, 2)`, x and y in pixels, -1 where there is none.

    Args:
        transforms: what to do, in this order; pipelines, `OneOf` and policies may stand among them.
        border: what geometric transforms bring in from outside, "reflect", "edge" or "zero". In a pipeline within
            another, the outer one's counts.
        ignore: value of masks where nothing was, with border "zero".
        min_visible: share of a moved box's area that must be in the image, or it is dropped.
        p: share of the images that it acts on.

    >>> from kerascnn.augmentation import RandomFlip, Shift
    >>> Pipeline(RandomFlip("horizontal"), Shift(0.1), border="zero")
    Pipeline(RandomFlip('horizontal'), Shift(0.1), border='zero')
    """

    transforms: tuple
    border: str
    ignore: int
    min_visible: float

    def __init__(self, *transforms, border="reflect", ignore=255, min_visible=0.1, p=1.0):
        for name, value in {"transforms": _transforms(transforms), "ignore": ignore, "p": p}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "border", checks.one_of("border", border, PADS))
        object.__setattr__(self, "min_visible", checks.in_range("min_visible", min_visible, 0, 1))
        self.__post_init__()

    def __repr__(self):
        """The call that makes this pipeline."""
        options = {"border": "reflect", "ignore": 255, "min_visible": 0.1, "p": 1.0}
        words = [f"{name}={getattr(self, name)!r}" for name, usual in options.items() if getattr(self, name) != usual]
        return f"Pipeline({', '.join([*map(repr, self.transforms), *words])})"

    def __call__(self, batch, indices, epoch, seed, *, partnered: bool = False):
        """`apply`, of tensors as an operation of TensorFlow."""
        if isinstance(batch["images"] if isinstance(batch, dict) else batch, np.ndarray):
            return self.apply(batch, indices, int(epoch), seed, partnered=partnered)
        from kerascnn.augmentation.tf_graph import called

        return called(self, batch, indices, epoch, seed, partnered)

    def apply(self, batch, indices, epoch: int = 0, seed: int = 0, *, partnered: bool = False):
        """`batch` changed, as new arrays: the examples `indices` in this `epoch` of a run with this `seed`.

        Batch operations take their partners from the batch, unless it is `partnered`: then its rows and `indices` are
        the examples and after them their partners, as `rows` lists them, and what comes out depends on no batch.
        """
        from kerascnn.augmentation import host

        alone = not isinstance(batch, dict)
        batch, indices = {"images": batch} if alone else dict(batch), np.asarray(indices)
        batch["images"] = np.ascontiguousarray(batch["images"])  # as OpenCV wants them
        if self.others and not partnered:
            positions = self.rows(np.arange(len(indices)), epoch, seed, len(indices))
            batch, indices = taken(batch, positions), indices[positions]
        u = uniforms(seed, epoch, indices, self.plan.draws)
        changed = run(self.plan, batch, u, host, **self.edges, keys=streams(seed, epoch, indices))
        return changed["images"] if alone else changed

    def threaded(self) -> Pipeline:
        """Itself, for those who change several batches at a time: OpenCV, in all of the process, keeps to one thread.

        Threads below theirs cost a third of the speed.
        """
        import cv2

        cv2.setNumThreads(1)
        return self

    @cached_property
    def plan(self) -> Plan:
        """Its steps without nesting."""
        return plan(self)

    @property
    def edges(self) -> dict[str, Any]:
        """What happens at the edges of the image, as the engine takes it."""
        return {"border": self.border, "ignore": self.ignore, "min_visible": self.min_visible}

    @cached_property
    def others(self) -> int:
        """How many partners each example needs for the batch operations."""
        return int(np.prod([1 + count for count in partner_counts(self.plan)], dtype=int)) - 1

    def rows(self, indices: np.ndarray, epoch: int, seed: int, size: int) -> np.ndarray:
        """The examples `indices` of `size` in all, and then the partners of each that its batch operations need."""
        return with_partners(self.plan, indices, epoch, seed, size)

    def prepared(self, class_names: Sequence[str]) -> Pipeline:
        """With the indices of classes in place of their names."""
        return _with(self, tuple(transform.prepared(class_names) for transform in self.transforms))

    def checked(self, data, kinds: Sequence[str] = ("labels",)) -> Pipeline:
        """This pipeline, prepared for `data` (anything with `image_shape` and `class_names`) with targets of `kinds`.

        Raises ValueError, which names the transform, for colour transforms of images that are not in colour, targets
        that a transform cannot carry, names that are no classes, and results of another size than the images.
        """
        ready = self.prepared(data.class_names) if data.class_names else self
        image_shape = tuple(data.image_shape)
        size = image_shape[:2]
        for step in ready.plan.steps:
            transform = step.transform
            if transform.needs_colour and image_shape[-1] != 3:
                rule = f"fit the images: {transform!r} needs three channels"
                raise ValueError(checks.message("augment", rule, f"images of {image_shape}", "Leave it out."))
            for kind in sorted(set(kinds) - transform.targets):
                able = ", ".join(KINDS[name] for name in sorted(transform.targets)) or "nothing"
                rule = f"fit the targets: {transform!r} carries {able}"
                raise ValueError(checks.message("augment", rule, KINDS[kind], "Leave it out."))
            resized = transform.output_size(size) if hasattr(transform, "output_size") else size
            if resized != size and step.gates:
                raise ValueError(
                    checks.message("augment", f"change the size of all images: {transform!r} has a p", self)
                )
            size = resized
        if size != image_shape[:2]:
            mend = f"Pass a size of {image_shape[:2]}."
            raise ValueError(checks.message("augment", "keep the size of the images", f"a result of {size}", mend))
        return ready

    def to_dict(self) -> dict[str, Any]:
        """A plain dict, for JSON or YAML; `from_dict` reads it."""
        return serial.to_dict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Pipeline:
        """The pipeline that `to_dict` wrote; raises ValueError for an unknown transform or argument."""
        return serial.from_dict({"name": "Pipeline", **plain})

    def to_yaml(self) -> str:
        """The same as YAML text; `from_yaml` reads it."""
        return serial.to_yaml(self)

    @classmethod
    def from_yaml(cls, text: str | Path) -> Pipeline:
        """The pipeline in YAML text, or in the file at a path that ends in .yaml or .yml."""
        return serial.from_yaml(text)


@dataclass(frozen=True, init=False, repr=False)
class OneOf(Transform):
    """Does one of `transforms` to each image, chosen evenly or by `weights`.

    >>> from kerascnn.augmentation import Identity, Rotate
    >>> OneOf(Identity(), Rotate(10), weights=(3, 1))
    OneOf(Identity(), Rotate(10), weights=(3, 1))
    """

    transforms: tuple
    weights: tuple | None

    def __init__(self, *transforms, weights: Sequence[float] | None = None, p: float = 1.0):
        if not transforms:
            raise ValueError(checks.message("transforms", "be at least one", transforms))
        if weights is not None:
            checks.same_length("weights", weights, "transforms", transforms)
            for weight in weights:
                checks.in_range("weights", weight, 0, float("inf"), ends="()")
        object.__setattr__(self, "transforms", _transforms(transforms))
        object.__setattr__(self, "weights", weights if weights is None else tuple(weights))
        object.__setattr__(self, "p", p)
        self.__post_init__()

    def __repr__(self):
        """The call that makes it."""
        words = [] if self.weights is None else [f"weights={self.weights!r}"]
        words += [] if self.p == 1 else [f"p={self.p!r}"]
        return f"OneOf({', '.join([*map(repr, self.transforms), *words])})"

    def ends(self) -> list[tuple[float, float]]:
        """The part of [0, 1) whose draws choose each of the transforms."""
        weights = np.asarray(self.weights or (1,) * len(self.transforms), float)
        edges = [0.0, *(np.cumsum(weights[:-1]) / weights.sum()).tolist(), 1.0]
        return list(zip(edges[:-1], edges[1:], strict=True))

    def prepared(self, class_names: Sequence[str]) -> OneOf:
        """With the indices of classes in place of their names."""
        return _with(self, tuple(transform.prepared(class_names) for transform in self.transforms))


def _with(composite, transforms):
    """`composite` of other transforms."""
    others = {entry.name: getattr(composite, entry.name) for entry in dataclasses.fields(composite)}
    del others["transforms"]
    return type(composite)(*transforms, **others)


def _transforms(transforms) -> tuple:
    for transform in transforms:
        if not isinstance(transform, Transform):
            mend = f"The transforms are {', '.join(serial.table())}."
            raise TypeError(checks.message("transforms", "be transforms, not classes or names", transform, mend))
    return tuple(transforms)
