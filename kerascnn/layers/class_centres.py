"""One learned direction a class, for the losses that compare embeddings with classes."""

import keras
from keras import ops

from kerascnn import checks
from kerascnn.layers.distances import unit


@keras.saving.register_keras_serializable("kerascnn")
class ClassCentres(keras.layers.Layer):
    """The cosines of the angles between each embedding and the centres of `classes`, which are learned.

    Embeddings and centres are divided by their length. `ProxyAnchor`, `ArcFace` and `CosFace` are trained on it; what
    is kept is the network below. Use dtype="float32" under mixed precision, as `models.with_centres` does: these losses
    multiply cosines by 32 or 64.
    Input: `(batch, d)`; output `(batch, classes)` in -1..1. Paper: Movshovitz-Attias et al. 2017, arXiv:1703.07464.

    >>> layer = ClassCentres(2)
    >>> layer.build((None, 2))
    >>> _ = layer.centres.assign([[2.0, 0.0], [0.0, 5.0]])
    >>> [round(float(cosine), 4) for cosine in layer(ops.ones((1, 2)))[0]]
    [0.7071, 0.7071]
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        self.classes = checks.positive_int("classes", classes)

    def build(self, input_shape):
        """Makes a column for each class."""
        start = keras.initializers.RandomNormal(stddev=1.0)
        self.centres = self.add_weight(shape=(input_shape[-1], self.classes), initializer=start, name="centres")

    def call(self, inputs):
        """Compares."""
        centres = ops.transpose(unit(ops.transpose(self.centres)))
        return ops.matmul(unit(inputs), ops.cast(centres, self.compute_dtype))

    def compute_output_shape(self, input_shape):
        """`(batch, classes)`."""
        return (*input_shape[:-1], self.classes)

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"classes": self.classes}
