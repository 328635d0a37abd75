"""How different two images look to a network that has learned to see."""

from typing import Any

import keras
from keras import ops

from kerascnn import checks

SMALL = 1e-10  # added to a squared length


@keras.saving.register_keras_serializable("kerascnn")
class Perceptual(keras.losses.Loss):
    """The mean over the maps of a network of the squared distance of two images' features, each of length 1.

    At every place of a map the features of an image are a vector, which is divided by its length, so that no map counts
    more than another: 0 where both images look alike, at most 4 where nothing does. Johnson et al. 2016,
    https://arxiv.org/abs/1603.08155, with the lengths of Zhang et al. 2018, https://arxiv.org/abs/1801.03924.

    `network`: raw images (batch, height, width, channels) in 0..255 -> a map `(batch, ..., channels)`, or several, such
    as `backbones.features(backbones.backbone("efficientnet_lite0", shape), (2, 4, 8))`. It does not train. Saved in a
    compiled model, it keeps its form and loses its weights.

    >>> network = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Rescaling(1.0)])
    >>> red, green = (ops.tile(ops.array([[[colour]]]), (1, 2, 2, 1)) for colour in ([9.0, 0, 0], [0, 9.0, 0]))
    >>> [round(float(Perceptual(network)(red, other)), 4) for other in (red / 9, green)]
    [0.0, 2.0]
    """

    def __init__(self, network: keras.Model, *, name: str = "perceptual", **options: Any):
        super().__init__(name=name, **options)
        if not isinstance(network, keras.Model):
            mend = "Pass backbones.features(...), or keras.Model(image, maps)."
            raise TypeError(checks.message("network", "be a keras.Model that gives maps", network, mend))
        self.network = network

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image, `(batch,)`."""
        true, pred = (self._maps(images) for images in (y_true, y_pred))
        return sum(map(_distance, true, pred)) / len(true)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "network": self.network}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Perceptual":
        """The loss that `get_config` described."""
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})

    def _maps(self, images):
        maps = self.network(ops.cast(images, "float32"), training=False)
        return maps if isinstance(maps, (list, tuple)) else [maps]


def _distance(one, other):
    """Of the maps of each example."""
    one, other = (_unit(ops.cast(each, "float32")) for each in (one, other))
    squares = ops.sum(ops.square(one - other), axis=-1)
    return ops.mean(squares, axis=list(range(1, len(squares.shape))))


def _unit(features):
    return features / ops.sqrt(ops.sum(ops.square(features), axis=-1, keepdims=True) + SMALL)
