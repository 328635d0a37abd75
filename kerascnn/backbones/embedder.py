"""A network that maps an image to a vector, out of any other."""

from typing import Literal

import keras

from kerascnn import checks
from kerascnn.backbones.building import Weights, backbone
from kerascnn.backbones.table import BACKBONES
from kerascnn.backbones.trunk import trunk
from kerascnn.blocks import embedding
from kerascnn.models import MODELS, build
from kerascnn.models.tables import Builder

CLASSES = 2  # of a head that is left out


def embedder(
    model: str | Builder | keras.Model,
    image_shape: tuple[int, int, int],
    *,
    dimensions: int = 128,
    pooling: str = "average",
    normalize: bool = True,
    keep: Literal["convolutional", "all but output"] = "convolutional",
    weights: Weights = "imagenet",
    name: str | None = None,
) -> keras.Model:
    """A tower: raw images (batch, height, width, channels), 0..255 -> embeddings `(batch, dimensions)`, in float32.

    Args:
        model: a name of `MODELS`, also with arguments; a name of `BACKBONES`; a builder `f(image_shape, classes)`; or a
            network, whose layers are shared. Its head, if it has one, is left out.
        image_shape: (height, width, channels).
        dimensions: of the embedding.
        pooling: of the last map: "average", "max" or "flatten", which keeps places apart.
        normalize: whether embeddings have length 1.
        keep: what of the network stays, see `trunk`; with "all but output" its fully connected part does, too.
        weights: of a named backbone, see `backbone`.
        name: of the model, that of the network by default.

    Raises: ValueError for a network that does not take such images, or has no such part; what `build` and `backbone`
        raise.

    >>> embedder("lenet5(filters=(4, 8))", (28, 28, 1), dimensions=16).output_shape
    (None, 16)
    """
    checks.positive_int("dimensions", dimensions)
    lower = _lower(model, tuple(image_shape), keep, weights)
    x = embedding(lower.outputs[0], dimensions, pooling=pooling, normalize=normalize, name="embedding")
    return keras.Model(lower.inputs[0], x, name=name or lower.name)


def _lower(model, image_shape, keep, weights):
    if isinstance(model, str) and model in BACKBONES:
        return backbone(model, image_shape, weights=weights)
    if isinstance(model, str) and model.split("(")[0].strip() not in MODELS:
        checks.one_of("model", model, [*MODELS, *BACKBONES])
    if not isinstance(model, keras.Model):
        return trunk(build(model, image_shape, CLASSES), keep)
    lower = trunk(model, keep)
    takes = tuple(lower.inputs[0].shape[1:])
    if len(takes) != len(image_shape) or any(a not in (None, b) for a, b in zip(takes, image_shape, strict=False)):
        rule, mend = f"take images of shape {image_shape}", f"It takes {takes}: resize the images or build it anew."
        raise ValueError(checks.message("model", rule, model.name, mend))
    return lower
