"""How far an image is from the content of one and the style of another, by what a network sees in them.

Gatys, Ecker and Bethge 2015, "A neural algorithm of artistic style", https://arxiv.org/abs/1508.06576.
"""

from typing import Any

from keras import ops


def gram_matrix(maps: Any) -> Any:
    """Which channels of a map respond together, wherever they do: `(batch, channels, channels)`, means over the places.

    `maps` are `(batch, height, width, channels)`. As the places are forgotten, it says how an image is painted and not
    what is on it; maps of other sizes can be compared.

    >>> import numpy as np
    >>> gram_matrix(np.array([[[[1.0, 2.0], [3.0, 0.0]]]])).numpy().tolist()
    [[[5.0, 1.0], [1.0, 2.0]]]
    """
    places = ops.shape(maps)[1] * ops.shape(maps)[2]
    return ops.einsum("bhwi,bhwj->bij", maps, maps) / ops.cast(places, maps.dtype)


def relative_error(values: Any, target: Any) -> Any:
    """The sum of squared differences divided by the sum of squares of `target`, for each example, `(batch,)`.

    It is 0 for the target itself and 1 for nothing at all, so that layers of any size and scale, of any network, weigh
    alike. `target` may have a batch of one.

    >>> import numpy as np
    >>> relative_error(np.array([[3.0, 4.0], [3.0, 9.0]]), np.array([[3.0, 4.0]])).numpy().round(6).tolist()
    [0.0, 1.0]
    """
    values, target = ops.convert_to_tensor(values), ops.convert_to_tensor(target)
    axes = tuple(range(1, len(values.shape)))
    return ops.sum((values - target) ** 2, axes) / (ops.sum(target**2, axes) + 1e-12)


def total_variation(images: Any) -> Any:
    """The mean squared difference of neighbouring pixels, down and across, `(batch,)`, of values in units of 255.

    `images` are `(batch, height, width, channels)` in 0..255, of two pixels a side or more. It is large for noise.

    >>> import numpy as np
    >>> total_variation(np.array([[[[0.0], [255.0]], [[0.0], [255.0]]]])).numpy().tolist()
    [1.0]
    """
    images = ops.convert_to_tensor(images) / 255
    down, across = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]
    return ops.mean(down**2, (1, 2, 3)) + ops.mean(across**2, (1, 2, 3))
