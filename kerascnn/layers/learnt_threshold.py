"""From a distance to a probability."""

import keras
from keras import ops

from kerascnn import checks


@keras.saving.register_keras_serializable("kerascnn")
class LearntThreshold(keras.layers.Layer):
    """The probability that two things are the same, by their distance: `sigmoid(sharpness * (tau - distance))`.

    Both are learned: the distance tau at which the probability is 1/2, which starts at `threshold`, and how fast it
    falls around it, which starts at `sharpness` and stays at least 0. Input and output have any one shape.

    >>> [round(float(p), 4) for p in LearntThreshold(threshold=0.5, sharpness=4.0)(ops.array([0.5, 1.0]))]
    [0.5, 0.1192]
    """

    def __init__(self, threshold: float = 1.0, sharpness: float = 5.0, **kwargs):
        super().__init__(**kwargs)
        self.threshold = checks.in_range("threshold", threshold, 0, float("inf"), ends="[)")
        self.sharpness = checks.in_range("sharpness", sharpness, 0, float("inf"), ends="()")

    def build(self, input_shape):
        """Makes the two numbers."""
        constant = keras.initializers.Constant
        self.tau = self.add_weight(shape=(), initializer=constant(self.threshold), name="tau")
        self.slope = self.add_weight(
            shape=(), initializer=constant(self.sharpness), constraint="non_neg", name="sharpness"
        )

    def call(self, inputs):
        """Answers."""
        return ops.sigmoid(self.slope * (self.tau - inputs))

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"threshold": self.threshold, "sharpness": self.sharpness}
