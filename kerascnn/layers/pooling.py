"""Poolings that Keras lacks."""

import keras
from keras import ops

from kerascnn import checks


@keras.saving.register_keras_serializable("kerascnn")
class MinPooling2D(keras.layers.MaxPooling2D):
    """The least value of each window; arguments and shapes as `keras.layers.MaxPooling2D`.

    >>> import numpy as np
    >>> MinPooling2D(2)(np.array([[[[4.0], [3.0]], [[2.0], [5.0]]]])).numpy().item()
    2.0
    """

    def call(self, inputs):
        """Pools."""
        return -super().call(-inputs)


@keras.saving.register_keras_serializable("kerascnn")
class LpPooling2D(keras.layers.AveragePooling2D):
    """The p-norm of each window, `(sum |x|^p)^(1/p)`: p=1 sums, p=2 is Euclidean, p=inf is the largest |x|.

    `p` in [1, inf]; the others as `keras.layers.AveragePooling2D`. Padding counts as zeros. The gradient of an all-zero
    window is 0. Paper: Sermanet et al. 2012, https://arxiv.org/abs/1204.3968.

    >>> import numpy as np
    >>> LpPooling2D(2)(np.array([[[[3.0], [0.0]], [[0.0], [-4.0]]]])).numpy().item()
    5.0
    """

    def __init__(self, pool_size=2, p: float = 2, strides=None, padding="valid", **kwargs):
        super().__init__(pool_size, strides=strides, padding=padding, **kwargs)
        self.p = checks.in_range("p", p, 1, float("inf"))

    def call(self, inputs):
        """Pools."""
        size = ops.abs(inputs)
        if self.p == float("inf"):
            return ops.max_pool(size, self.pool_size, self.strides, self.padding, self.data_format)
        # The norm scales with its input: dividing by the largest value keeps the powers from overflow.
        largest = ops.stop_gradient(ops.max(size, axis=self._image_axes(), keepdims=True))
        largest = ops.where(largest > 0, largest, ops.ones_like(largest))
        sums = self._window_sums(ops.power(size / largest, self.p))
        is_zero = sums <= 0
        norms = ops.power(ops.where(is_zero, ops.ones_like(sums), sums), 1 / self.p)  # x^(1/p) has no gradient at 0
        return ops.where(is_zero, ops.zeros_like(sums), norms * largest)

    def _image_axes(self):
        return (1, 2) if self.data_format == "channels_last" else (2, 3)

    def _window_sums(self, x):
        channels = x.shape[-1 if self.data_format == "channels_last" else 1]
        ones = ops.ones((*self.pool_size, channels, 1), dtype=x.dtype)
        return ops.depthwise_conv(x, ones, self.strides, self.padding, self.data_format)

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"p": self.p}
