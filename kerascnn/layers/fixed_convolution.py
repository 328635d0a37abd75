"""Convolution with a kernel that is not learned."""

import keras
import numpy as np
from keras import ops

from kerascnn import checks

KERNELS = {
    "sobel_x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel_y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "laplace": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "box": [[1 / 9] * 3] * 3,
    "gauss": [[1 / 16, 2 / 16, 1 / 16], [2 / 16, 4 / 16, 2 / 16], [1 / 16, 2 / 16, 1 / 16]],
}


@keras.saving.register_keras_serializable("kerascnn")
class FixedConv2D(keras.layers.Layer):
    """Applies one fixed `kernel` to each channel by itself: edges, blur before subsampling, sharpening.

    `kernel` is a name ("sobel_x", "sobel_y", "laplace", "sharpen", "box", "gauss") or a matrix `(height, width)`; it is
    not turned over (cross-correlation, as all convolutions in Keras). `padding`: "valid", "same" (zeros) or "reflect"
    (mirrored at the border, which makes no edge there).

    Input: `(batch, height, width, channels)`; output the same, smaller by `strides` and "valid" padding.
    Raises: ValueError for an unknown name or padding, or a kernel that is not a matrix.

    >>> FixedConv2D([[0, 0.5], [0.5, 0]], padding="valid")(np.arange(4.0).reshape(1, 2, 2, 1)).numpy().item()
    1.5
    """

    def __init__(self, kernel, strides: int = 1, padding: str = "same", **kwargs):
        super().__init__(**kwargs)
        if isinstance(kernel, str):
            checks.one_of("kernel", kernel, KERNELS)
        elif np.ndim(kernel) != 2:
            raise ValueError(checks.message("kernel", "be a name or a matrix", kernel, "Pass [[1, 0], [0, -1]]."))
        self.kernel = kernel if isinstance(kernel, str) else np.asarray(kernel).tolist()
        self.strides = checks.positive_int("strides", strides)
        self.padding = checks.one_of("padding", padding, ("valid", "same", "reflect"))

    def call(self, inputs):
        """Convolves."""
        matrix = KERNELS[self.kernel] if isinstance(self.kernel, str) else self.kernel
        matrix = ops.convert_to_tensor(matrix, dtype=inputs.dtype)
        kernel = ops.tile(matrix[:, :, None, None], (1, 1, inputs.shape[-1], 1))
        if self.padding != "reflect":
            return ops.depthwise_conv(inputs, kernel, self.strides, self.padding, "channels_last")
        border = [((size - 1) // 2, size // 2) for size in matrix.shape]
        inputs = ops.pad(inputs, [(0, 0), *border, (0, 0)], mode="reflect")
        return ops.depthwise_conv(inputs, kernel, self.strides, "valid", "channels_last")

    def compute_output_shape(self, input_shape):
        """`(batch, height / strides, width / strides, channels)`."""
        sizes = np.shape(KERNELS.get(self.kernel) if isinstance(self.kernel, str) else self.kernel)
        lost = sizes if self.padding == "valid" else (1, 1)
        image = [n and (n - k) // self.strides + 1 for n, k in zip(input_shape[1:3], lost, strict=True)]
        return (input_shape[0], *image, input_shape[3])

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"kernel": self.kernel, "strides": self.strides, "padding": self.padding}
