"""A U-Net whose encoder is a network that has learned already."""

import math

import keras

from kerascnn import checks
from kerascnn.backbones.building import Weights, backbone
from kerascnn.backbones.freezing import stages
from kerascnn.backbones.taps import maps
from kerascnn.backbones.trunk import trunk
from kerascnn.blocks import decoder_block, map_head
from kerascnn.layers import CropToReference, PadToMultiple, nested

PROBE = 256  # pixels of the image with which sizes are looked at
NEW = ("decoder", "crop", "output")  # how the names of layers behind the encoder begin
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
    shape = (None, None, image_shape[-1])
    lower = backbone(encoder, shape, weights=weights) if isinstance(encoder, str) else trunk(encoder)
    _check_channels(image_shape, lower)
    found = maps(lower)
    tapped = keras.Model(lower.inputs, list(found.values()))
    _check_maps(tapped, list(found), lower.name)
    levels = _levels(filters, max(found))
    inputs = keras.Input(shape, name="image")
    x = PadToMultiple(max(found), dtype="float32", name="pad")(inputs)
    outputs = nested.run(tapped, x, lambda _path, operation, *args, **kwargs: operation(*args, **kwargs))
    skips = dict(zip(found, keras.tree.flatten(outputs), strict=True))
    x = skips[max(found)]
    options = {"up": up, "attention": attention, "depth": convolutions, "normalization": normalization}
    for stride, width in levels.items():
        x = decoder_block(x, skips.get(stride), width, **options, name=f"decoder{stride}")
    x = CropToReference("start", name="crop")([x, inputs])
    outputs = map_head(x, classes, head, image=inputs, name="output")
    return keras.Model(inputs, outputs, name=name or f"unet_on_{lower.name}")


def encoder_stages(model: keras.Model) -> tuple[tuple[str, ...], ...]:
    """The names of the encoder's layers in a model of `unet_on`, from bottom to top, as `stages` gives them.

    To train the decoder alone: `freeze(model)`, then `unfreeze` the layers that are not among these; then the top
    stages of the encoder too, as in fine-tuning.

    >>> from kerascnn.models import resnet20
    >>> model = unet_on(resnet20((32, 32, 3), 10, depths=(1, 1, 1), filters=4), (None, None, 3), 2)
    >>> [names[-1] for names in encoder_stages(model)]
    ['stage2_block1_act', 'stage3_block1_act']
    """
    parts = stages(model, (PROBE, PROBE, model.input_shape[-1]))
    kept = (tuple(name for name in names if not name.startswith(NEW)) for names in parts)
    return tuple(names for names in kept if names)


def _check_channels(image_shape, encoder: keras.Model) -> None:
    channels = encoder.inputs[0].shape[-1]
    if image_shape[-1] != channels:
        rule = f"have the {channels} channels that the encoder {encoder.name} takes"
        raise ValueError(checks.message("image_shape", rule, tuple(image_shape)))


def _check_maps(tapped: keras.Model, strides: list[int], name: str) -> None:
    """Looks at one image: each map must have its size over the stride, so that the maps lie over each other."""
    sizes = _sizes(tapped)
    if max(strides) == 1 or sizes != [(PROBE / stride, PROBE / stride) for stride in strides]:
        rule = f"have maps of {PROBE} / stride pixels for an image of {PROBE}, the strides powers of two"
        seen = f"Its sizes are {sizes}. " if sizes else ""
        mend = f"{seen}Pass an encoder that pads, such as 'efficientnet_lite0' or 'resnet50'."
        raise ValueError(checks.message("encoder", rule, name, mend))


def _sizes(tapped: keras.Model) -> list[tuple[int, ...]] | None:
    """Those of the maps of an image of `PROBE` pixels; None if they do not even fit inside the encoder."""
    image = keras.KerasTensor((1, PROBE, PROBE, tapped.inputs[0].shape[-1]))
    try:
        specs = nested.run(
            tapped, image, lambda _path, operation, *args, **more: operation.compute_output_spec(*args, **more)
        )
    except ValueError:  # of NASNet, which pads by sizes that it knows when it is built
        return None
    return [tuple(each.shape[1:-1]) for each in keras.tree.flatten(specs)]


def _levels(filters: tuple[int, ...], coarsest: int) -> dict[int, int]:
    """Stride -> filters of the decoder, coarse ones first."""
    count = int(math.log2(coarsest))
    if not isinstance(filters, (tuple, list)) or len(filters) < count:
        rule = f"be a tuple with a number for each of the {count} strides from {coarsest // 2} to 1"
        raise ValueError(checks.message("filters", rule, filters))
    widths = (checks.positive_int("filters", width) for width in filters[-count:])
    return {coarsest >> level: width for level, width in enumerate(widths, 1)}
