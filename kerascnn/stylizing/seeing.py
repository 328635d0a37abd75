"""What of a network looks at content and at style: its maps at chosen layers, for images of any size."""

from collections.abc import Sequence

import keras

from kerascnn import checks
from kerascnn.inspect.walking import named, single
from kerascnn.layers import nested

LAYERS = {
    "vgg": (("block4_conv2",), ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")),
    "efficientnet_lite0": (("block4c_add",), ("block1a_project_norm", "block2b_add", "block3b_add", "block4c_add")),
    "efficientnet_lite": (("block4d_add",), ("block1a_project_norm", "block2c_add", "block3c_add", "block4d_add")),
}
"""Layers of content and of style by the beginning of a network's name: those of the paper for VGG; of EfficientNet-Lite
the thin ends of its stages, where colours come over better than from the activations inside of blocks."""


def suited_layers(
    network: keras.Model, content: Sequence[str] | None, style: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layers of content and of style: those given, and in the place of None those that suit the network.

    Raises: ValueError for None with a network of a family that is not in `LAYERS`.
    """
    family = next((each for name, each in LAYERS.items() if network.name.startswith(name)), None)
    if family is None and (content is None or style is None):
        name = "content_layers" if content is None else "style_layers"
        mend = "Name some: `kerascnn.inspect.table(network)` lists them."
        raise ValueError(checks.message(name, f"be given for {network.name}", None, mend))
    family = family or ((), ())
    return tuple(family[0] if content is None else content), tuple(family[1] if style is None else style)


def extractor(network: keras.Model, content: Sequence[str], style: Sequence[str]) -> keras.Model:
    """A model of images of any size that gives the maps of `network` at the layers of `content`, then of `style`.

    The weights are shared. Names are those of layers, in nested models too ("conv1", or "backbone/conv1").
    Raises: ValueError for no layer, or a name that no layer with a map has, with the nearest names.

    >>> image = keras.Input((8, 8, 1))
    >>> network = keras.Model(image, keras.layers.Conv2D(4, 3, 2, name="conv")(image))
    >>> extractor(network, ["conv"], ["conv"]).output_shape
    [(None, None, None, 4), (None, None, None, 4)]
    """
    network = single(network)
    image = keras.Input((None, None, network.input_shape[-1]), name="image")
    maps = {}

    def call(path, operation, *args, **kwargs):
        outputs = operation(*args, **kwargs)
        if len(getattr(outputs, "shape", ())) == 4:
            maps[path] = outputs
        return outputs

    nested.run(network, image, call)
    outputs = []
    for argument, layers in {"content_layers": content, "style_layers": style}.items():
        if isinstance(layers, str) or not layers:
            raise ValueError(checks.message(argument, "be a sequence of names of layers", layers))
        outputs += [maps[named(argument, layer, maps)] for layer in layers]
    return keras.Model(image, outputs, name="seen")
