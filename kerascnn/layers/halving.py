"""An autoencoder in its two halves."""

import keras

from kerascnn import checks
from kerascnn.layers import nested
from kerascnn.layers.codes import CODE, GaussianCode, SparseCode


def is_autoencoder(model: keras.Model) -> bool:
    """Whether it has the layer "code" where it can be parted, and gives what it takes."""
    return CODE in [layer.name for layer in model.layers] and model.input_shape == model.output_shape


def halves(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Encoder, image -> code, and decoder, code -> image, which share the layers of `model`.

    They are parted at the layer "code". The encoder is without what training asks of a code: its means end that of a
    variational autoencoder, and no penalty is in it.
    Raises: ValueError for a model without such a layer, or with a shortcut past it.

    >>> image = keras.Input((8, 8, 1))
    >>> code = keras.layers.Dense(3, name="code")(keras.layers.Flatten()(image))
    >>> model = keras.Model(image, keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(code)))
    >>> [half.output_shape for half in halves(model)]
    [(None, 3), (None, 8, 8, 1)]
    """
    rule = f"have a layer {CODE!r} that parts it into an encoder and a decoder"
    if CODE not in [layer.name for layer in model.layers]:
        mend = "Those that `autoencode` trains have one."
        raise ValueError(checks.message("model", rule, model.name, mend))
    layer = model.get_layer(CODE)
    seam = nested.output_in(model, layer)
    end = nested.inputs_in(model, layer)[0] if isinstance(layer, GaussianCode | SparseCode) else seam
    encoder = keras.Model(model.inputs[0], end, name=f"{model.name}_encoder")
    try:
        return encoder, keras.Model(seam, model.outputs[0], name=f"{model.name}_decoder")
    except ValueError:  # what Keras says of it would lead nobody here
        raise ValueError(checks.message("model", rule, model.name, "No shortcut may lead past the code.")) from None
