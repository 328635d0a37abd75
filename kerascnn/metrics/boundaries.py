"""How well the borders of regions are met."""

from typing import Any

import numpy as np

from kerascnn import checks


def boundary_f(
    truth: Any, predicted: Any, classes: int, *, tolerance: float = 2.0, ignore: int | None = 255
) -> np.ndarray:
    """The boundary F of each class of one image, `(classes,)` in [0, 1]; nan where neither map has a border of it.

    `truth` and `predicted` are class indices `(height, width)`. The border of a class are its pixels with a neighbour
    (of 4) of another class; the edge of the image is none, nor is what touches pixels that `truth` ignores. Precision
    is the share of the predicted border within `tolerance` pixels of the true one, recall the reverse, and
    F = 2 P R / (P + R); a border on one side only has F = 0. The mean over images and classes is the usual figure.
    Csurka et al. 2013, https://doi.org/10.5244/C.27.32; Perazzi et al. 2016 (DAVIS).

    >>> truth, predicted = np.array([[0, 0, 1, 1, 1]]), np.array([[0, 0, 0, 0, 1]])  # 2 pixels too far to the right
    >>> boundary_f(truth, predicted, 2, tolerance=2).tolist(), boundary_f(truth, predicted, 2, tolerance=1).tolist()
    ([1.0, 1.0], [0.0, 0.0])
    """
    checks.positive_int("classes", classes)
    checks.in_range("tolerance", tolerance, 0, float("inf"), ends="[)")
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 2 or truth.shape != predicted.shape:
        raise ValueError(checks.message("truth", f"be (height, width), as `predicted`, {predicted.shape}", truth.shape))
    unknown = np.zeros(truth.shape, bool) if ignore is None else truth == ignore
    return np.array(
        [_f(_border(truth == c, unknown), _border(predicted == c, unknown), tolerance) for c in range(classes)]
    )


def _border(region, unknown):
    from scipy.ndimage import binary_erosion

    region = region & ~unknown
    return region & ~binary_erosion(region | unknown, border_value=1)


def _f(truth, found, tolerance):
    if not truth.any() and not found.any():
        return float("nan")
    if not truth.any() or not found.any():
        return 0.0
    precision, recall = _near(found, truth, tolerance), _near(truth, found, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _near(border, other, tolerance):
    """The share of the pixels of `border` within `tolerance` of one of `other`."""
    from scipy.ndimage import distance_transform_edt

    return float(np.mean(distance_transform_edt(~other)[border] <= tolerance))
