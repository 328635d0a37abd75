"""Stochastic depth."""

import keras
from keras import ops

from kerascnn import checks


@keras.saving.register_keras_serializable("kerascnn")
class DropPath(keras.layers.Layer):
    """Sets whole examples of a batch to zero in training with probability `rate`, and scales the rest up.

    Put on a residual branch, it skips the branch for some examples (stochastic depth). The expected value is kept: what
    stays is divided by `1 - rate`. Does nothing outside training.

    Input and output: `(batch, ...)`. `rate` in [0, 1). Paper: Huang et al. 2016, https://arxiv.org/abs/1603.09382.

    >>> import numpy as np
    >>> y = DropPath(0.5, seed=0)(np.ones((100, 2)), training=True)
    >>> sorted(set(np.asarray(y).flatten().tolist()))
    [0.0, 2.0]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.rate = checks.in_range("rate", rate, 0, 1, ends="[)")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs, training=False):
        """Drops examples in training."""
        if not training or self.rate == 0:
            return inputs
        one_draw_an_example = (ops.shape(inputs)[0],) + (1,) * (len(inputs.shape) - 1)
        return keras.random.dropout(inputs, self.rate, one_draw_an_example, self.seed_generator)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"rate": self.rate, "seed": self.seed}
