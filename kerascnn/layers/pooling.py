"""Poolings that Keras lacks."""

import functools

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
        if self.compute_dtype in ("float16", "bfloat16"):
            size = ops.cast(size, "float32")  # the gradient's factors leave the range of float16, if not their product
        first = 1 if self.data_format == "channels_last" else 2
        for axis in (0, 1):  # the norm of a window is the norm of its columns' norms
            size = self._norms(size, first + axis, self.pool_size[axis], self.strides[axis])
        return ops.cast(size, self.compute_dtype)

    def _norms(self, x, axis, length, stride):
        """The norms of windows along one axis, each over its largest value, so that no power over- or underflows."""
        parts = self._parts(x, axis, length, stride)
        largest = ops.stop_gradient(functools.reduce(ops.maximum, parts))
        is_zero = largest <= 0
        scale = ops.where(is_zero, ops.ones_like(largest), largest)
        sums = sum(ops.power(part / scale, self.p) for part in parts)
        norms = ops.power(ops.where(is_zero, ops.ones_like(sums), sums), 1 / self.p)  # x^(1/p) has no gradient at 0
        return ops.where(is_zero, ops.zeros_like(sums), norms * scale)

    def _parts(self, x, axis, length, stride):
        """The first value of each window along `axis`, the second, and so on."""
        size = ops.shape(x)[axis]  # a tensor where it is not known yet
        start, steps = 0, (size - length) // stride + 1
        if self.padding == "same":
            x = ops.pad(x, [(length - 1, length - 1) if i == axis else (0, 0) for i in range(4)])
            steps = (size + stride - 1) // stride
            missing = (steps - 1) * stride + length - size
            start = length - 1 - (missing + abs(missing)) // 4  # half of what is missing, if any, lies before
        ends = (steps - 1) * stride + 1
        before = (slice(None),) * axis
        return [x[(*before, slice(start + i, start + i + ends, stride))] for i in range(length)]

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"p": self.p}
