"""A network that says what the one object of an image is, and where."""

import keras

from kerascnn import checks
from kerascnn.backbones.building import Weights
from kerascnn.backbones.detector import default_strides
from kerascnn.backbones.encoding import encoded, encoder_of
from kerascnn.blocks import box_head, pyramid
from kerascnn.blocks.detection_heads import class_head
from kerascnn.models.detector import residual_maps
from kerascnn.models.inputs import image_input

LARGEST = 16  # stride of our own backbone
CELLS = 4  # that its coarsest map should have a side


def localizer_on(
    encoder: str | keras.Model | None,
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    weights: Weights = "imagenet",
    filters: int = 32,
    channels: int = 64,
    depth: int = 2,
    dropout: float = 0.0,
    name: str | None = None,
) -> keras.Model:
    """A class and a box of the one object of an image, from a shared backbone: {"class": ..., "box": ...}, in float32.

    Raw images (batch, height, width, channels) in, 0..255. "class" `(batch, classes)` are probabilities, from the mean
    of the coarsest map and from what counts on the finest, see `class_head`. "box" `(batch, 4)` is xyxy in
    pixels, from a pyramid over the maps: each place of the finest says where it sees the box, and which of them count
    is learned too, see `blocks.box_head`. Nothing keeps the box inside the image. The encoder's layers have their own
    names and share their weights with `encoder`; the others begin with "pyramid", "class" and "box".

    Args:
        encoder: a name of `BACKBONES`; a network of which the head, if it has one, is left out; None for a small
            residual one, for images of about 64 pixels.
        image_shape: (height, width, channels).
        classes: without background.
        weights: of a named encoder, see `backbone`.
        filters: of the small one, at stride 4, doubled with each further stride.
        channels: of the pyramid and the box's convolutions.
        depth: convolutions for the box.
        dropout: in [0, 1), in front of the class.
        name: of the model, "localizer_on_ENCODER" or "small_localizer" by default.

    Raises: ValueError for a size of the image that is not known; what `unet_on` raises of the encoder.

    >>> {key: output.shape for key, output in localizer_on(None, (64, 64, 3), 7, filters=8).output.items()}
    {'class': (None, 7), 'box': (None, 4)}
    """
    if None in tuple(image_shape):
        rule, mend = "be three known sizes", "Pass (height, width, channels)."
        raise ValueError(checks.message("image_shape", rule, tuple(image_shape), mend))
    if encoder is None:
        inputs, x = image_input(image_shape)
        maps = residual_maps(x, LARGEST, filters=filters)
        maps = {stride: maps[stride] for stride in default_strides(maps, image_shape, cells=CELLS)}
    else:
        lower = encoder_of(encoder, image_shape, weights)
        inputs = keras.Input(tuple(image_shape), name="image")
        maps = encoded(lower, inputs, lambda found: default_strides(found, image_shape, cells=CELLS))
    fine = min(maps)
    x = pyramid(maps, channels, name="pyramid")[fine]
    outputs = {
        "class": class_head(x, maps[max(maps)], classes, channels=channels, depth=depth, dropout=dropout, name="class"),
        "box": box_head(x, stride=fine, channels=channels, depth=depth, name="box"),
    }
    own = "small_localizer" if encoder is None else f"localizer_on_{lower.name}"
    return keras.Model(inputs, outputs, name=name or own)
