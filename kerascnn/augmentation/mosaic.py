"""`Mosaic`: four images in one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from kerascnn import checks
from kerascnn.augmentation.batch import BatchOperation, areas, joined, pasted
from kerascnn.augmentation.targets import cut
from kerascnn.augmentation.transform import between, ranged


@dataclass(frozen=True, repr=False)
class Mosaic(BatchOperation):
    """Four images in one, parted by a horizontal and a vertical line; each shows what it has at that place.

    The lines cross anywhere within the share `centre` `(from, to)` of both sides. Which image is in which part is drawn
    too. Labels are mixed by the areas; masks are cut alike; boxes are cut off at the lines, and dropped where less than
    the share `min_visible` of their area remains. Bochkovskiy et al. 2020, "YOLOv4" (https://arxiv.org/abs/2004.10934).
    """

    centre: tuple[float, float] = (0.25, 0.75)
    min_visible: float = field(default=0.1, kw_only=True)
    others: ClassVar[int] = 3
    draws: ClassVar[int] = 3
    targets: ClassVar[frozenset] = frozenset({"labels", "segmentation_masks", "bounding_boxes"})

    def __post_init__(self):
        """Checks the arguments; `centre` becomes a tuple."""
        super().__post_init__()
        object.__setattr__(self, "centre", ranged("centre", self.centre, 0, 1))
        checks.in_range("min_visible", self.min_visible, 0, 1)

    def windows(self, u, size, xp):
        """The part `(y0, x0, y1, x1)` of each of the four images in each example: four `(n, 4)`."""
        height, width = size
        down, along = (xp.floor(between(u[:, i], self.centre) * side + 0.5) for i, side in ((1, height), (0, width)))
        turn, nothing = xp.floor(4 * u[:, 2]), xp.zeros_like(down)
        for number in range(4):
            part = (number + turn) % 4
            lower, right = part >= 2, part % 2 == 1
            top, bottom = xp.where(lower, down, nothing), xp.where(lower, nothing + height, down)
            left, end = xp.where(right, along, nothing), xp.where(right, nothing + width, along)
            yield xp.stack([top, left, bottom, end], axis=1)

    def mix(self, groups, u, backend):
        """The batch of mosaics."""
        xp, size = backend.np, groups[0]["images"].shape[1:3]
        windows = list(self.windows(u, size, xp))
        mixed = groups[0]
        for group, window in zip(groups[1:], windows[1:], strict=True):
            mixed = mixed | pasted(mixed, group, window, backend)
        if "bounding_boxes" in mixed:
            pieces = zip(groups, windows, strict=True)
            parts = [self._shown(group["bounding_boxes"], window, xp) for group, window in pieces]
            mixed = mixed | {"bounding_boxes": joined(parts, xp)}
        return mixed | self.mixed_labels(groups, [areas(window) / (size[0] * size[1]) for window in windows], xp)

    def _shown(self, entry, windows, xp):
        """The boxes of one of the images, cut off at its `windows` `(n, 4)`."""
        top, left, bottom, right = (xp.array(windows[:, i : i + 1], dtype="float32") for i in range(4))
        ends = tuple(entry["boxes"][..., i] for i in range(4))
        return cut(entry, ends, (left, top, right, bottom), self.min_visible, xp)
