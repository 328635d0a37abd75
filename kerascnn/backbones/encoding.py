"""A network that has learned already as the lower part of another, which looks at several of its maps."""

from collections.abc import Callable, Iterable
from typing import Any

import keras

from kerascnn import checks
from kerascnn.backbones.building import Weights, backbone
from kerascnn.backbones.freezing import stages
from kerascnn.backbones.taps import maps
from kerascnn.backbones.trunk import trunk
from kerascnn.layers import PadToMultiple, nested

PROBE = 256  # pixels of the image with which sizes are looked at
NEW = (
    "decoder",
    "crop",
    "output",
    "pyramid",
    "head",
    "class",
    "box",
    "embedding",
)  # so begin the names of all other layers


def encoder_of(encoder: str | keras.Model, image_shape: tuple[int | None, ...], weights: Weights) -> keras.Model:
    """The backbone of that name, for images of any size, or a network without its head.

    Raises: ValueError for channels that it does not take; what `backbone` raises.
    """
    shape = (None, None, image_shape[-1])
    lower = backbone(encoder, shape, weights=weights) if isinstance(encoder, str) else trunk(encoder)
    channels = lower.inputs[0].shape[-1]
    if image_shape[-1] != channels:
        rule = f"have the {channels} channels that the encoder {lower.name} takes"
        raise ValueError(checks.message("image_shape", rule, tuple(image_shape)))
    return lower


def encoded(
    lower: keras.Model, image: Any, choose: Callable[[Iterable[int]], Iterable[int]] = sorted
) -> dict[int, keras.KerasTensor]:
    """Stride -> map of `image`, which is raw and padded inside to a multiple of the largest stride.

    The layers are those of `lower`. `choose` takes from the strides that there are.
    Raises: ValueError for an encoder whose convolutions do not pad, such as Inception's, whose maps do not lie over
        each other.
    """
    found = maps(lower)
    found = {stride: found[stride] for stride in choose(found)}
    tapped = keras.Model(lower.inputs, list(found.values()))
    _check_maps(tapped, list(found), lower.name)
    x = PadToMultiple(max(found), dtype="float32", name="pad")(image)
    outputs = nested.run(tapped, x, lambda _path, operation, *args, **kwargs: operation(*args, **kwargs))
    return dict(zip(found, keras.tree.flatten(outputs), strict=True))


def encoder_stages(model: keras.Model) -> tuple[tuple[str, ...], ...]:
    """The names of the encoder's layers of `unet_on`, `detector_on`, `localizer_on` or `embedder`, from bottom to top.

    To train the rest alone: `freeze(model)`, then `unfreeze` the layers that are not among these; then the top stages
    of the encoder too, as in fine-tuning.

    >>> from kerascnn.backbones import unet_on
    >>> from kerascnn.models import resnet20
    >>> model = unet_on(resnet20((32, 32, 3), 10, depths=(1, 1, 1), filters=4), (None, None, 3), 2)
    >>> [names[-1] for names in encoder_stages(model)]
    ['stage2_block1_act', 'stage3_block1_act']
    """
    sizes = (size or PROBE for size in model.input_shape[1:-1])
    parts = stages(model, (*sizes, model.input_shape[-1]))
    kept = (tuple(name for name in names if not name.startswith(NEW)) for names in parts)
    return tuple(names for names in kept if names)


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
