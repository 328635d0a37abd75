"""What is asked of a stylised image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.losses.style import gram_matrix, relative_error, total_variation

PARTS = ("content", "style", "variation")


@dataclass(frozen=True)
class Objective:
    """What is asked of a stylised image: the maps of the content, the Gram matrices of the style, little noise.

    Attributes:
        seen: gives the maps for content, then those for style, as `extractor` makes it.
        contents: how many maps are for content.
        grams: the Gram matrices of the style, `(1, channels, channels)`, one for each further map.
        weights: of the parts, `PARTS`.
    """

    seen: keras.Model
    contents: int
    grams: Sequence[Any]
    weights: tuple[float, float, float]

    def content(self, images: Any) -> list[Any]:
        """The maps that an image with this content is to have."""
        return self._maps(images)[: self.contents]

    def parts(self, images: Any, content: Sequence[Any]) -> Any:
        """The weighted losses of content, style and variation, `(batch, 3)`; the first two are means over their layers.

        `images` are `(batch, height, width, channels)` in 0..255, `content` what `content` gives for their content.
        """
        maps = self._maps(images)
        given = maps[: self.contents], [gram_matrix(each) for each in maps[self.contents :]]
        errors = [_mean_error(*pair) for pair in zip(given, (content, self.grams), strict=True)]
        losses = ops.stack([*errors, total_variation(images)], axis=-1)
        return losses * ops.convert_to_tensor(self.weights, losses.dtype)

    def loss(self, content_images: Any, images: Any) -> Any:
        """The sum of the parts for each image, `(batch,)`: the loss of a network that stylises `content_images`."""
        return ops.sum(self.parts(images, self.content(content_images)), axis=-1)

    def _maps(self, images: Any) -> list[Any]:
        return _maps(self.seen, images)


def objective(
    seen: keras.Model, contents: int, styles: Sequence[np.ndarray], shares: Sequence[float], weights: Sequence[float]
) -> Objective:
    """The objective for the style of some images `(height, width, channels)` in 0..255, each with its share.

    The Gram matrices are the means of theirs, weighted by the shares: to be near that mean is to be near each of them,
    weighted so, as the sums of squared distances differ by a constant only.

    Args:
        seen: as `extractor` makes it.
        contents: how many of its maps are for content.
        styles: one image or more, of any sizes.
        shares: a number for each; they are divided by their sum.
        weights: of content, style and variation.
    """
    each = [[gram_matrix(maps) for maps in _maps(seen, image[None])[contents:]] for image in styles]
    shares = [share / sum(shares) for share in shares]
    grams = [sum(share * gram for share, gram in zip(shares, layer, strict=True)) for layer in zip(*each, strict=True)]
    return Objective(seen, contents, grams, tuple(weights))


def _maps(seen: keras.Model, images: Any) -> list[Any]:
    return keras.tree.flatten(seen(ops.cast(images, "float32"), training=False))


def _mean_error(given: Sequence[Any], wanted: Sequence[Any]) -> Any:
    """Over the layers, for each image."""
    return sum(map(relative_error, given, wanted)) / len(wanted)
