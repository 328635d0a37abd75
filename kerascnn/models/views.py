"""One answer out of several looks at an image (test-time augmentation), inside the model."""

import keras
from keras import ops

from kerascnn import checks

VIEWS = (1, 2, 6)


def averaged(model: keras.Model, views: int) -> keras.Model:
    """A model whose probabilities are the mean of `model`'s over `views` of the same image; it shares the weights.

    1 is `model` itself; 2 adds the mirror image; 6 are both as they are, a pixel up and left, a pixel down and right,
    as in airbench (Jordan 2024, arXiv:2404.00498). For objects that mean the same mirrored; costs `views` times the
    time of an answer. It is plain Keras, as `model` is.

    Raises: ValueError for another number, or if `model` does not take images `(batch, height, width, channels)`.

    >>> from kerascnn import models
    >>> averaged(models.lenet5((32, 32, 1), 10), 2).output_shape
    (None, 10)
    """
    checks.one_of("views", views, VIEWS)
    if views == 1:
        return model
    if len(model.input_shape) != 4:
        raise ValueError(checks.message("views", "be 1 unless a model takes (height, width, channels)", views))
    inputs = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype, name="views_image")
    seen = [inputs] if views == 2 else [inputs, *_shifted(inputs)]
    seen += [ops.flip(view, axis=2) for view in seen]
    answers = keras.layers.Average(dtype="float32", name="views_mean")([model(view) for view in seen])
    return keras.Model(inputs, answers, name=model.name)


def _shifted(images):
    """`images` a pixel up and left, and a pixel down and right, mirrored at the edge."""
    height, width = images.shape[1:3]
    padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    return padded[:, 2:, 2:], padded[:, :height, :width]
