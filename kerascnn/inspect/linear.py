"""A convolution written out as the one large matrix that it is."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.inspect.kernels import KINDS, as_matrix
from kerascnn.inspect.shapes import border, output_size

MOST = 2**27  # numbers in a matrix: 1 GiB


def toeplitz(
    kernel: Any,
    shape: Sequence[int],
    *,
    padding: int | str = "valid",
    stride: int = 1,
    kind: str = "cross-correlation",
) -> np.ndarray:
    """The matrix of a convolution, `(outputs, inputs)`: `toeplitz(kernel, x.shape) @ x.ravel()` is `apply`, raveled.

    A row holds the kernel at the inputs that one output sees and zeros elsewhere; the next row holds the same numbers
    further on. Of `kind="convolution"` along one axis, with `len(kernel) - 1` zeros on each side, entry `(i, l)` is
    `kernel[i - l]`. The transposed matrix takes a gradient back through the convolution.

    Args:
        kernel: a name of `KERNELS`, or an array of as many axes as `shape` has: `(length,)`, `(height, width)`, ...
        shape: of the input, one channel of it.
        padding, stride, kind: as of `apply`.

    Raises: ValueError for a kernel of other axes or larger than the padded input, and a matrix of more than 1 GiB.

    >>> toeplitz([1, 2], (3,)).tolist()
    [[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]
    >>> toeplitz([1, 2], (3,), padding=1, kind="convolution").tolist()
    [[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 2.0]]
    """
    checks.one_of("kind", kind, KINDS)
    matrix = as_matrix(kernel) if isinstance(kernel, str) else np.asarray(kernel, float)
    if not matrix.ndim or matrix.ndim != len(shape):
        raise ValueError(checks.message("kernel", f"have as many axes as shape={tuple(shape)}", kernel))
    axes = list(zip(shape, matrix.shape, strict=True))
    outputs = math.prod(output_size(size, length, padding, stride) for size, length in axes)
    if outputs * math.prod(shape) > MOST:
        rule = f"give a matrix of at most {MOST:,} numbers"
        raise ValueError(checks.message("shape", rule, tuple(shape), "Pass that of a smaller piece of the image."))
    matrix = np.flip(matrix) if kind == "convolution" else matrix
    for size, length in axes:  # the first axis of the kernel becomes two at the end: outputs and inputs
        matrix = np.tensordot(matrix, _met(size, length, padding, stride), axes=(0, 1))
    order = [*range(0, matrix.ndim, 2), *range(1, matrix.ndim, 2)]
    return np.ascontiguousarray(matrix.transpose(order).reshape(outputs, -1))


def _met(size, length, padding, stride) -> np.ndarray:
    """`(outputs, length, size)`, 1 where a value of the kernel meets an input along one axis, 0 elsewhere."""
    starts = stride * np.arange(output_size(size, length, padding, stride)) - border(size, length, padding, stride)[0]
    return (starts[:, None, None] + np.arange(length)[:, None] == np.arange(size)).astype(float)
