"""The weight map of the U-Net paper: what separates neighbouring objects counts for more."""

import math
from typing import Any

import numpy as np

from kerascnn import checks


def border_weights(
    instances: Any,
    *,
    w0: float = 10.0,
    sigma: float = 5.0,
    class_weight: bool = True,
    connectivity: int = 4,
    ignore: int | None = 255,
) -> np.ndarray:
    """The weight of each pixel, float32 `(height, width)`: `w_c + w0 exp(-(d1 + d2)^2 / (2 sigma^2))`.

    instances: integers `(height, width)`: 0 background, 1, 2, ... one number an object; or a binary mask (bool, or only
        0, 1 and `ignore`), whose objects are its connected components.
    w0, sigma: the height of the ridge between objects and its width in pixels. d1 and d2 are the distances to the
        nearest and the second nearest object; the ridge lies on background pixels only, and is left out where it would
        be less than w0 / 10^7.
    class_weight: w_c makes objects and background weigh the same, with mean 1; False: w_c = 1.
    connectivity: 4 or 8 neighbours join the pixels of a binary mask.
    ignore: the value of pixels of a binary mask that count nowhere; here they are background.

    Equation 2 of Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597. Raises: ValueError for other arguments.

    >>> weights = border_weights([[1, 0, 1, 1]], class_weight=False)
    >>> float(weights[0, 0]), round(float(weights[0, 1]), 3)  # 1 + 10 exp(-2^2 / (2 * 5^2)) between them
    (1.0, 10.231)
    """
    checks.in_range("w0", w0, 0, math.inf, ends="[)")
    checks.in_range("sigma", sigma, 0, math.inf, ends="()")
    checks.one_of("connectivity", connectivity, (4, 8))
    instances = _numbered(np.asarray(instances), connectivity, ignore)
    nearest, second = _two_distances(instances, reach=math.ceil(6 * sigma))
    ridge = w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))
    return (_class_weights(instances > 0, class_weight) + ridge * (instances == 0)).astype(np.float32)


def _numbered(instances, connectivity, ignore):
    if instances.ndim != 2 or instances.dtype.kind not in "biu" or (instances.size and instances.min() < 0):
        received = f"{instances.dtype} of shape {instances.shape}"
        raise ValueError(checks.message("instances", "be (height, width), integers of at least 0", received))
    mask = instances if ignore is None else np.where(instances == ignore, 0, instances)
    if mask.max(initial=0) > 1:
        return instances
    from scipy.ndimage import generate_binary_structure, label

    return label(mask, generate_binary_structure(2, connectivity // 4))[0]


def _two_distances(instances, reach):
    """The distances of each pixel to the nearest and the second nearest object, infinite beyond `reach`."""
    from scipy.ndimage import distance_transform_edt, find_objects

    nearest, second = np.full((2, *instances.shape), np.inf)
    for number, box in enumerate(find_objects(instances.astype(np.int64)), start=1):
        if box is None:
            continue
        near = tuple(slice(max(side.start - reach, 0), side.stop + reach) for side in box)
        distance = distance_transform_edt(instances[near] != number)
        second[near] = np.minimum(second[near], np.maximum(nearest[near], distance))
        nearest[near] = np.minimum(nearest[near], distance)
    return nearest, second


def _class_weights(objects, balanced):
    share = objects.mean() if objects.size else 0.0
    if not balanced or share in (0.0, 1.0):
        return np.ones(objects.shape)
    return np.where(objects, 0.5 / share, 0.5 / (1 - share))
