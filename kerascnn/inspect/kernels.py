"""Kernels that were designed rather than learnt, and what they make of an image."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.inspect.shapes import border, output_size
from kerascnn.layers.fixed_convolution import KERNELS as FIXED

KINDS = ("cross-correlation", "convolution")
KERNELS: Mapping[str, Sequence[Sequence[float]]] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "lighten": [[0, 0, 0], [0, 1.5, 0], [0, 0, 0]],
    "darken": [[0, 0, 0], [0, 0.5, 0], [0, 0, 0]],
    "box": FIXED["box"],
    "gaussian": FIXED["gauss"],
    "high_pass": [[-1 / 16, -2 / 16, -1 / 16], [-2 / 16, 12 / 16, -2 / 16], [-1 / 16, -2 / 16, -1 / 16]],
    "sharpen": FIXED["sharpen"],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "laplacian": FIXED["laplace"],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "horizontal": [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
    "vertical": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
    "+45": [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
    "-45": [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
    "sobel_left": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "sobel_right": FIXED["sobel_x"],
    "sobel_top": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "sobel_bottom": FIXED["sobel_y"],
    "prewitt_left": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "prewitt_right": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "prewitt_top": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "prewitt_bottom": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
}


def kernel(name: str) -> np.ndarray:
    """A designed kernel `(3, 3)` in float32 by its name in `KERNELS`; raises ValueError for another.

    They are written as they are laid on the image, not turned over: use them with `kind="cross-correlation"`.
    "horizontal", "vertical", "+45" (rising to the right) and "-45" (falling) answer to bright lines of one pixel;
    `"sobel_left"` and its like to edges whose bright side is there. "gaussian" and "box" let low frequencies pass;
    "high_pass" is what "gaussian" takes away, "sharpen" adds the negative "laplacian" to the image.

    >>> kernel("sobel_right").tolist()
    [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]
    """
    return np.array(KERNELS[checks.one_of("name", name, KERNELS)], np.float32)


def apply(
    image: Any,
    kernel: str | Sequence[Sequence[float]] | np.ndarray,
    *,
    padding: int | str = "valid",
    stride: int = 1,
    kind: str = "cross-correlation",
) -> np.ndarray:
    """What a kernel makes of an image, each channel by itself: floats with as many axes as `image` has.

    Cross-correlation, the layers' "convolution", lays the kernel on as it is; the convolution of mathematics turns it
    by 180 degrees first: `y[i] = sum over l of x[i - l] k[l]`, which alone makes `x * k` the same as `k * x`.

    Args:
        image: `(height, width)`, `(height, width, channels)` or `(n, height, width, channels)`.
        kernel: a name of `KERNELS` or a matrix `(height, width)`.
        padding: zeros on each side, or "valid" or "same", as of `output_size`.
        stride: pixels from one place of the kernel to the next.
        kind: "cross-correlation" or "convolution".

    Raises: ValueError for other axes, an unknown name, or a kernel larger than the padded image.

    >>> apply([[1, 2, 3]], [[10, 1]]).tolist(), apply([[1, 2, 3]], [[10, 1]], kind="convolution").tolist()
    ([[12.0, 23.0]], [[21.0, 32.0]])
    """
    checks.one_of("kind", kind, KINDS)
    matrix = as_matrix(kernel)
    images, axes = as_batch(image)
    sizes = list(zip(images.shape[1:3], matrix.shape, strict=True))
    for size, length in sizes:
        output_size(size, length, padding, stride)
    borders = [border(size, length, padding, stride) for size, length in sizes]
    images = np.pad(images.astype(np.result_type(images, matrix, np.float32)), [(0, 0), *borders, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(images, matrix.shape, axis=(1, 2))[:, ::stride, ::stride]
    turned = matrix[::-1, ::-1] if kind == "convolution" else matrix
    found = np.einsum("nhwcij,ij->nhwc", windows, turned)
    return found if axes == 4 else found[0] if axes == 3 else found[0, ..., 0]


def as_matrix(kernel: str | Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """A kernel by its name in `KERNELS`, or itself, as a matrix; raises ValueError for other axes."""
    matrix = np.asarray(KERNELS[checks.one_of("kernel", kernel, KERNELS)] if isinstance(kernel, str) else kernel)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(checks.message("kernel", "be a name or a matrix (height, width)", kernel))
    return matrix


def as_batch(image: Any) -> tuple[np.ndarray, int]:
    """An image or several as `(n, height, width, channels)`, and how many axes they had."""
    image = np.asarray(image)
    if image.ndim not in (2, 3, 4) or not image.size:
        rule = "be (height, width), (height, width, channels) or (n, height, width, channels)"
        raise ValueError(checks.message("image", rule, image.shape))
    shape = {2: (1, *image.shape, 1), 3: (1, *image.shape), 4: image.shape}[image.ndim]
    return image.reshape(shape), image.ndim
