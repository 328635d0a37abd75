"""A style without its colours: it is transferred to the luminance alone, and the colours of the content stay.

Gatys et al. 2016, "Preserving color in neural artistic style transfer", https://arxiv.org/abs/1606.05897.
"""

import numpy as np

from kerascnn.data.images import recolor


def grey(image: np.ndarray) -> np.ndarray:
    """The luminance of an image `(height, width, channels)` in each of its channels, in float32.

    >>> grey(np.array([[[255.0, 0.0, 0.0]]])).round().tolist()
    [[[76.0, 76.0, 76.0]]]
    """
    return recolor(recolor(image.astype("float32"), 1), image.shape[-1])


def as_bright(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`image` with mean and standard deviation of the values of `other`: a dark style would else darken the content.

    >>> as_bright(np.array([1.0, 3.0]), np.array([10.0, 10.0, 30.0, 30.0])).round(3).tolist()
    [10.0, 30.0]
    """
    return (image - image.mean()) / (image.std() + 1e-6) * other.std() + other.mean()


def with_colours(image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """`content` `(height, width, 3)` with the luminance of `image`, both in 0..255; what would leave that is cut off.

    >>> with_colours(np.full((1, 1, 3), 100.0), np.array([[[60.0, 50.0, 40.0]]])).round(2).tolist()
    [[[108.15, 98.15, 88.15]]]
    """
    return np.clip(content + grey(image) - grey(content), 0, 255)
