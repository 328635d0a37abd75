"""Learned scale of a residual branch."""

import keras


@keras.saving.register_keras_serializable("kerascnn")
class LayerScale(keras.layers.Layer):
    """Multiplies each channel by a weight that starts at `init_value`, so that deep residual nets start near identity.

    Input and output: `(batch, ..., channels)`. Paper: Touvron et al. 2021, https://arxiv.org/abs/2103.17239.

    >>> import numpy as np
    >>> LayerScale(0.1)(np.full((1, 2), 5.0)).numpy().tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, init_value: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.init_value = init_value
        self.supports_masking = True

    def build(self, input_shape):
        """Makes one weight a channel."""
        start = keras.initializers.Constant(self.init_value)
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer=start, name="gamma")

    def call(self, inputs):
        """Scales the channels."""
        return inputs * self.gamma

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"init_value": self.init_value}
