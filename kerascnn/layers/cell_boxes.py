"""From distances in the cells of a map to boxes on the image."""

import keras
from keras import ops

from kerascnn import checks

WIDEST = 8.0  # e**8 strides: wider than any image, and far from what overflows


@keras.saving.register_keras_serializable("kerascnn")
class CellBoxes(keras.layers.Layer):
    """The box that each cell of a map predicts: four numbers a cell -> left, top, right, bottom in pixels.

    The numbers are the logarithms of the distances, in units of `stride`, from the centre of the cell to the four
    sides: a change of them changes a box by the same share, small or large. Cell (i, j) has its centre at
    x = (j + 1/2) stride, y = (i + 1/2) stride. Tian et al. 2019 (FCOS), https://arxiv.org/abs/1904.01355

    Input: `(batch, height, width, 4)`, of any size; output `(batch, height * width, 4)`, row by row.
    Raises: ValueError unless `stride` is a positive integer, or for a map without four channels.

    >>> import numpy as np
    >>> CellBoxes(8)(np.log([[[[1, 1, 1, 1], [1.5, 0.5, 2, 1]]]])).numpy().round(3).tolist()
    [[[-4.0, -4.0, 12.0, 12.0], [0.0, 0.0, 28.0, 12.0]]]
    """

    def __init__(self, stride: int, **kwargs):
        super().__init__(**kwargs)
        self.stride = checks.positive_int("stride", stride)

    def build(self, input_shape):
        """Checks the shape; there are no weights."""
        if len(input_shape) != 4 or input_shape[-1] != 4:
            raise ValueError(checks.message("inputs", "have shape (batch, height, width, 4)", tuple(input_shape)))

    def call(self, inputs):
        """Lays the distances around the centres."""
        distances = ops.exp(ops.clip(inputs, -WIDEST, WIDEST))
        height, width = ops.shape(inputs)[1:3]
        sides = (ops.cast(ops.arange(size), inputs.dtype) + 0.5 for size in (height, width))
        y, x = ops.meshgrid(*sides, indexing="ij")
        centres = ops.stack([x, y, x, y], axis=-1)
        signs = ops.convert_to_tensor([-1, -1, 1, 1], inputs.dtype)
        return ops.reshape(self.stride * (centres + signs * distances), (-1, height * width, 4))

    def compute_output_shape(self, input_shape):
        """`(batch, height * width, 4)`."""
        batch, height, width, _ = input_shape
        return (batch, height and width and height * width, 4)

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"stride": self.stride}
