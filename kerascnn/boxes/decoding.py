"""What the output of a detection network says, as boxes and scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from kerascnn import checks

Decoder = Callable[[Any], tuple[Any, Any]]
"""Output of a network -> boxes "xyxy" in pixels `(batch, n, 4)`, scores in [0, 1] `(batch, n, classes)`, float32."""


@keras.saving.register_keras_serializable("kerascnn")
@dataclass(frozen=True)
class AnchorFree:
    """Decodes `(batch, n, 4 + classes)`: boxes "xyxy" in pixels, then the logits of the classes.

    >>> boxes, scores = AnchorFree()([[[1.0, 2.0, 3.0, 4.0, 0.0]]])
    >>> float(boxes[0, 0, 2]), float(scores[0, 0, 0])
    (3.0, 0.5)
    """

    def __call__(self, outputs: Any) -> tuple[Any, Any]:
        """Boxes `(batch, n, 4)` and scores `(batch, n, classes)`."""
        outputs = ops.cast(outputs, "float32")
        return outputs[..., :4], ops.sigmoid(outputs[..., 4:])

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AnchorFree":
        """The decoder that `get_config` described."""
        return cls(**config)


@keras.saving.register_keras_serializable("kerascnn")
@dataclass(frozen=True)
class YoloGrid:
    """Decodes the grid of the 2016 paper, `(batch, rows, columns, 5 boxes + classes)`.

    A cell has `boxes` times (x, y, w, h, confidence), then the probabilities of the classes: x and y are the middle of
    the box as a share of the cell, w and h the square roots of its share of the image, which is `image_size` (height,
    width) in pixels. A score is confidence times probability, kept in [0, 1]; the boxes of a cell follow each other,
    the cells go row by row. Redmon et al. 2016, https://arxiv.org/abs/1506.02640

    >>> boxes, scores = YoloGrid((10, 20), classes=1, boxes=1)([[[[0.5, 0.5, 0.5, 1.0, 0.8, 0.5]]]])
    >>> [float(value) for value in boxes[0, 0]], round(float(scores[0, 0, 0]), 3)
    ([7.5, 0.0, 12.5, 10.0], 0.4)
    """

    image_size: tuple[int, int]
    classes: int
    boxes: int = 2

    def __post_init__(self):
        """Checks the arguments."""
        size = self.image_size if isinstance(self.image_size, tuple | list) else ()
        if len(size) != 2:
            raise ValueError(checks.message("image_size", "be (height, width) in pixels", self.image_size))
        object.__setattr__(self, "image_size", tuple(checks.positive_int("image_size", side) for side in size))
        checks.positive_int("classes", self.classes)
        checks.positive_int("boxes", self.boxes)

    def __call__(self, outputs: Any) -> tuple[Any, Any]:
        """Boxes `(batch, rows * columns * boxes, 4)` and scores `(batch, rows * columns * boxes, classes)`."""
        outputs = ops.cast(outputs, "float32")
        batch, rows, columns, depth = ops.shape(outputs)
        if depth != 5 * self.boxes + self.classes:
            rule = f"have 5 * {self.boxes} + {self.classes} values a cell"
            raise ValueError(checks.message("outputs", rule, tuple(outputs.shape)))
        each = ops.reshape(outputs[..., : 5 * self.boxes], (batch, rows, columns, self.boxes, 5))
        scores = each[..., 4:] * outputs[..., None, 5 * self.boxes :]
        n = rows * columns * self.boxes
        boxes = ops.reshape(self._edges(each, rows, columns), (batch, n, 4))
        return boxes, ops.clip(ops.reshape(scores, (batch, n, self.classes)), 0, 1)

    def _edges(self, each, rows, columns):
        height, width = self.image_size
        x = (each[..., 0] + ops.arange(columns, dtype="float32")[:, None]) * (width / columns)
        y = (each[..., 1] + ops.arange(rows, dtype="float32")[:, None, None]) * (height / rows)
        half_width, half_height = ops.square(each[..., 2]) * (width / 2), ops.square(each[..., 3]) * (height / 2)
        return ops.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {"image_size": list(self.image_size), "classes": self.classes, "boxes": self.boxes}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "YoloGrid":
        """The decoder that `get_config` described."""
        return cls(**config)
