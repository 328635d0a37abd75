"""Images of any size brought to the one of a network, and boxes brought back."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerascnn import checks

RESIZES = ("letterbox", "stretch", "crop")


@keras.saving.register_keras_serializable("kerascnn")
class Letterbox(keras.layers.Layer):
    """Resizes images to `height` x `width` pixels without aliasing, as the data they are to be compared with were.

    `resize`: "letterbox" keeps the ratio and leaves black margins, the image in the middle; "stretch" fills the size;
    "crop" keeps the ratio and shows the middle only. `restore` brings boxes back.

    Input: `(batch, height, width, channels)`, raw, of any size that is known when the layer is called; output
    `(batch, height, width, channels)`, not rounded. Raises: ValueError for another `resize`, or images of unknown size.

    >>> import numpy as np
    >>> Letterbox(4, 4)(np.full((1, 2, 4, 1), 7))[0, :, 0, 0].numpy().tolist()
    [0.0, 7.0, 7.0, 0.0]
    """

    def __init__(self, height: int, width: int, resize: str = "letterbox", **kwargs):
        super().__init__(**kwargs)
        self.height = checks.positive_int("height", height)
        self.width = checks.positive_int("width", width)
        self.resize = checks.one_of("resize", resize, RESIZES)

    def call(self, inputs):
        """Resizes, then pads or cuts."""
        sizes = tuple(inputs.shape[1:3])
        inputs = ops.cast(inputs, self.compute_dtype)
        (high, wide), starts = self._inner(*sizes)
        if (high, wide) != sizes:
            inputs = ops.image.resize(inputs, (high, wide), "bilinear", antialias=True, data_format="channels_last")
            inputs = ops.cast(inputs, self.compute_dtype)
        for axis, (start, size) in enumerate(zip(starts, (self.height, self.width), strict=True), 1):
            inputs = _placed(inputs, start, size, axis)
        return inputs

    def restore(self, boxes: Any, image_size: Sequence[int]) -> Any:
        """Boxes `(..., 4)`, xyxy on the resized image, in pixels of the image of `image_size` (height, width).

        They are clipped to it.

        >>> Letterbox(64, 64).restore([[16.0, 24.0, 32.0, 64.0]], (100, 200)).numpy().tolist()
        [[50.0, 25.0, 100.0, 100.0]]
        """
        sizes, (top, left) = self._inner(*image_size)
        y, x = (whole / size for whole, size in zip(image_size, sizes, strict=True))
        boxes = ops.convert_to_tensor(boxes, "float32")
        moved = (boxes - ops.convert_to_tensor([left, top, left, top], "float32")) * ops.convert_to_tensor([x, y, x, y])
        height, width = image_size
        return ops.clip(moved, 0.0, ops.convert_to_tensor([width, height, width, height], "float32"))

    def compute_output_shape(self, input_shape):
        """All of one size."""
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"height": self.height, "width": self.width, "resize": self.resize}

    def _inner(self, height: int | None, width: int | None) -> tuple[tuple[int, int], tuple[int, int]]:
        """The size of the image after resizing, and how far from the top and the left it begins, below 0 if it is cut.

        The rounding is that of `data.images.fit`.
        """
        if not height or not width:
            mend = "Call it with images, or build it for images of one size."
            raise ValueError(checks.message("inputs", "be images of a known size", (height, width), mend))
        if self.resize == "stretch":
            return (self.height, self.width), (0, 0)
        choose = min if self.resize == "letterbox" else max
        scale = choose(self.height / height, self.width / width)
        high, wide = (max(1, round(scale * side)) for side in (height, width))
        return (high, wide), ((self.height - high) // 2, (self.width - wide) // 2)


def _placed(images, start: int, size: int, axis: int):
    """`images` with `size` pixels along `axis`: zeros around them from `start` on, or the middle of them."""
    if start < 0:
        return images[(slice(None),) * axis + (slice(-start, size - start),)]
    padding = [(0, 0)] * 4
    padding[axis] = (start, size - start - images.shape[axis])
    return ops.pad(images, padding) if padding[axis] != (0, 0) else images
