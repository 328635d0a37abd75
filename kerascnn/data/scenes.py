"""Scenes: small objects scattered over textures. Their masks and boxes are known, as they were painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerascnn import checks
from kerascnn.data.batching import plain_batches
from kerascnn.data.boxes import ABSENT
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.images import recolor
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.sources import Made
from kerascnn.data.sprites import EXTENTS, TRIES, painted, place, sprite
from kerascnn.data.textures import ground

SIZES = {"train": 4000, "validation": 500, "test": 500}
"""Scenes of each split."""
SIDE = 64
LEAST_SIDE = 40  # so that every object fits, however it is turned
MOST = 5  # objects of a scene, unless it has exactly one
OPAQUE = {True: 160, False: 64}
"""The level of enlarged and of other originals from which nothing shines through: the former have blurred edges.

From half of it on, a pixel belongs to the object.
"""


@dataclass(frozen=True)
class Scene:
    """`image` uint8 `(height, width, 3)`; `mask` uint8 `(height, width)`, 0 where there is no object, else 1 + label.

    `boxes` float32 `(most, 4)`, left, top, right and bottom edge in pixels, 0 where there is none; `labels` int32
    `(most,)`, -1 where there is none. A box holds all of its object, of which the next one may hide a little.
    """

    image: np.ndarray
    mask: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Scenes:
    """A set of scenes, each a function of `key` (numbers such as a seed and a split) and its index alone.

    `images` `(n, height, width)` uint8, bright on dark, and `labels` `(n,)` are what the objects are drawn from. A
    scene has 1 to `most` of them; with `most=1` an original that shows nothing is passed over for another one.

    >>> import kerascnn.data
    >>> scene = kerascnn.data.load("scenes", targets="masks").sources["test"].make.scenes.draw(0)
    >>> scene.image.shape, int(scene.mask.max() - scene.labels.max())
    ((64, 64, 3), 1)
    """

    images: np.ndarray
    labels: np.ndarray
    image_size: tuple[int, int] = (SIDE, SIDE)
    key: tuple[int, ...] = (0,)
    most: int = MOST

    @property
    def opaque(self) -> int:
        """The level of the originals from which an object is opaque."""
        return OPAQUE[max(self.images.shape[1:]) < EXTENTS[0]]

    def draw(self, index: int) -> Scene:
        """The scene of that index: 1 to `most` objects of 14 to 28 pixels, turned a little, that hardly overlap."""
        rng = np.random.default_rng([*self.key, index])
        canvas = ground(rng, self.image_size)
        mask = np.zeros(self.image_size, np.uint8)
        boxes, labels = np.zeros((self.most, 4), np.float32), np.full(self.most, ABSENT, np.int32)
        placed: list[tuple[int, int, int, int]] = []
        tried = TRIES if self.most == 1 else rng.integers(1, self.most + 1)
        for row in rng.integers(0, len(self.images), tried).tolist():
            if len(placed) == self.most:
                break
            drawn = sprite(rng, self.images[row], self.opaque)
            box = place(rng, drawn.shape, self.image_size, placed)
            if box is None:
                continue
            window = np.s_[box[1] : box[3], box[0] : box[2]]
            canvas[window] = painted(rng, canvas[window], drawn, self.opaque)
            mask[window][drawn >= self.opaque // 2] = 1 + self.labels[row]
            boxes[len(placed)], labels[len(placed)] = box, self.labels[row]
            placed.append(box)
        return Scene(np.clip(np.rint(canvas), 0, 255).astype(np.uint8), mask, boxes, labels)


class Pictures:
    """Image and target of each of `scenes`, in so many colour channels; with `keep` of them each is drawn only once.

    Targets are as `Data` has them, of the kind "masks", "boxes" or "box".
    """

    def __init__(self, scenes: Scenes, channels: int = 3, keep: int = 0, targets: str = "masks"):
        self.scenes = scenes
        self.channels = channels
        self.targets = targets
        self.target_shape = {"masks": scenes.image_size, "boxes": (scenes.most, 5), "box": (5,)}[targets]
        self.dtype = "uint8" if targets == "masks" else "float32"
        images = np.empty((keep, *scenes.image_size, channels), np.uint8)
        self._kept = images, np.empty((keep, *self.target_shape), self.dtype)
        self._there = np.zeros(keep, bool)

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Those of the scene of that index."""
        images, targets = self._kept
        if index >= len(targets):
            return self._drawn(index)
        if not self._there[index]:  # two threads may both draw it, to the same pixels
            images[index], targets[index] = self._drawn(index)
            self._there[index] = True
        return images[index], targets[index]

    def _drawn(self, index):
        scene = self.scenes.draw(index)
        image = recolor(scene.image, self.channels)
        if self.targets == "masks":
            return image, scene.mask
        rows = np.concatenate([scene.boxes, scene.labels[:, None].astype(np.float32)], axis=1)
        return image, rows[0] if self.targets == "box" else rows


def from_originals(originals: Data, options: Options) -> Data:
    """Scenes of the grey images in `originals`, drawn when they are needed: 4,000, 500 and 500 in three splits.

    Targets are `options.targets`: "masks", with the background as class 0; "boxes"; or "box", in scenes of one object.
    If they fit in memory they stay there, else they are drawn again each time. Each split takes its objects from the
    same split of `originals`. Training and validation scenes change with `options.seed`, test scenes never do. Raises
    ValueError for data without a test split, and for small scenes.
    """
    size = options.image_size or (SIDE, SIDE)
    if min(size) < LEAST_SIDE:
        raise ValueError(checks.message("image_size", f"be {LEAST_SIDE} or more for scenes", size))
    if "test" not in originals.splits:
        raise ValueError(checks.message("data", "have a test split of its own, to make scenes of", originals.name))
    channels, sources = options.color_channels or 3, {}
    targets, most = options.targets, 1 if options.targets == "box" else MOST
    report = {"warnings": [], "resize": None, "bytes": sum(SIZES.values()) * size[0] * size[1] * (channels + 1)}
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    for number, split in enumerate(SPLITS):
        images, labels = zip(*plain_batches(originals, split, 1024).as_numpy_iterator(), strict=True)
        key = (0 if split == "test" else options.seed, number)
        scenes = Scenes(np.concatenate(images)[..., 0].astype(np.uint8), np.concatenate(labels), size, key, most)
        pictures = Pictures(scenes, channels, SIZES[split] if report["in_memory"] else 0, targets)
        shapes = (*size, channels), pictures.target_shape
        sources[split] = Made(SIZES[split], pictures, *shapes, dtype=pictures.dtype)
    names = ("background", *originals.class_names) if targets == "masks" else originals.class_names
    name = "scenes" if originals.name == "digits" else f"scenes/{originals.name}"
    return from_sources(sources, names, name=name, report=report, targets=targets)
