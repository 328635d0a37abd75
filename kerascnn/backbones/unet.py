"""A U-Net whose encoder is a network that has learned already."""

import math

import keras

from kerascnn import checks
from kerascnn.backbones.building import Weights
from kerascnn.backbones.encoding import encoded, encoder_of
from kerascnn.blocks import decoder_block, map_head
from kerascnn.layers import CropToReference

FILTERS = (256, 128, 64, 32, 16)


def unet_on(
    encoder: str | keras.Model,
    image_shape: tuple[int | None, ...],
    classes: int,
    *,
    weights: Weights = "imagenet",
    filters: tuple[int, ...] = FILTERS,
    up: str = "resize",
    attention: bool = False,
    convolutions: int = 2,
    normalization="batch",
    head: str = "softmax",
    name: str | None = None,
) -> keras.Model:
    """A decoder over the maps of a backbone: raw images of any size -> `classes` numbers a pixel, in float32.

    The model is flat, the encoder's layers have their own names and share their weights with `encoder`; those of the
    decoder begin with "decoder". Images are padded inside and the answer is cut back, so that sizes in `image_shape`
    may be None. All layers train; see `encoder_stages` for freezing.

    Args:
        encoder: a name of `BACKBONES`, or a network of which the head, if it has one, is left out.
        image_shape: sizes in pixels, or None, and the number of channels: those that the encoder takes.
        classes: channels of the output.
        weights: of a named encoder, see `backbone`.
        filters: of the decoder, for the strides from the coarsest to 1; of too many the last ones count.
        up: see `blocks.decoder_block`, as the next two.
        attention: whether gates weight the shortcuts.
        convolutions: at each stride.
        normalization: see `blocks.normalize`.
        head: see `blocks.map_head`.
        name: of the model, "unet_on_ENCODER" by default.

    Raises: ValueError for an encoder whose convolutions do not pad, such as Inception's, whose maps do not lie over
        each other; for channels that it does not take, and for too few `filters`; what `backbone` raises.

    >>> unet_on("mobilenet_v2", (96, 80, 3), 4, weights=None, filters=(8,) * 5).output_shape
    (None, None, None, 4)
    """
    lower = encoder_of(encoder, image_shape, weights)
    inputs = keras.Input((None, None, image_shape[-1]), name="image")
    skips = encoded(lower, inputs)
    levels = _levels(filters, max(skips))
    x = skips[max(skips)]
    options = {"up": up, "attention": attention, "depth": convolutions, "normalization": normalization}
    for stride, width in levels.items():
        x = decoder_block(x, skips.get(stride), width, **options, name=f"decoder{stride}")
    x = CropToReference("start", name="crop")([x, inputs])
    outputs = map_head(x, classes, head, image=inputs, name="output")
    return keras.Model(inputs, outputs, name=name or f"unet_on_{lower.name}")


def _levels(filters: tuple[int, ...], coarsest: int) -> dict[int, int]:
    """Stride -> filters of the decoder, coarse ones first."""
    count = int(math.log2(coarsest))
    if not isinstance(filters, (tuple, list)) or len(filters) < count:
        rule = f"be a tuple with a number for each of the {count} strides from {coarsest // 2} to 1"
        raise ValueError(checks.message("filters", rule, filters))
    widths = (checks.positive_int("filters", width) for width in filters[-count:])
    return {coarsest >> level: width for level, width in enumerate(widths, 1)}
