"""What is asked of a code beside its use: that few of its units are active, or that it is spread as a Gaussian."""

import keras
from keras import ops

from kerascnn import checks

CODE = "code"  # the layer of an autoencoder where its encoder ends and its decoder begins
RATE = 0.05  # by which a chosen penalty grows a step, for each share of units that is too much
START, LEAST, MOST = 1e-3, 1e-6, 1e3  # of a chosen penalty
WIDEST = 10.0  # of the logarithm of a variance


@keras.saving.register_keras_serializable("kerascnn")
class SparseCode(keras.layers.Layer):
    """Hands a code on, and adds `weight` times its L1 norm to the loss, so that most units are 0 for most examples.

    It follows a ReLU. The norm is the mean of each unit's magnitude over the batch, in units of its root mean square,
    averaged over the units: no scale of the weights around it makes it smaller, and a unit is not punished for how
    strongly it answers but for how often (1 for always, 0.1 for one example in 100).
    `weight=None` chooses it: after each training step it grows while more than `active` of the units are not 0, and
    shrinks while fewer are. What it has come to is the variable `penalty`.

    Input and output: `(batch, units)`. `active` in (0, 1).

    >>> layer = SparseCode(weight=2.0)
    >>> code = layer(ops.array([[1.0, 5.0], [0.0, 5.0]]))
    >>> round(float(layer.losses[0]), 4)  # the mean of 2 sqrt(1/2) and 2
    1.7071
    """

    def __init__(self, weight: float | None = None, active: float = 0.2, **kwargs):
        super().__init__(**kwargs)
        self.weight = None if weight is None else checks.in_range("weight", weight, 0, float("inf"), ends="[)")
        self.active = checks.in_range("active", active, 0, 1, ends="()")

    def build(self, input_shape):
        """Makes the penalty."""
        start = keras.initializers.Constant(START if self.weight is None else self.weight)
        self.penalty = self.add_weight(
            shape=(), initializer=start, trainable=False, dtype="float32", autocast=False, name="penalty"
        )

    def call(self, inputs, training=False):
        """Adds the loss."""
        code = ops.cast(inputs, "float32")
        size = ops.sqrt(ops.mean(ops.square(code), axis=0) + keras.config.epsilon() ** 2)
        self.add_loss(self.penalty * ops.mean(ops.mean(ops.abs(code), axis=0) / size))
        if training and self.weight is None:
            share = ops.mean(ops.cast(ops.not_equal(code, 0), "float32"))
            grown = self.penalty * ops.exp(RATE * (share - self.active))
            self.penalty.assign(ops.clip(grown, LEAST, MOST))
        return inputs

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"weight": self.weight, "active": self.active}


@keras.saving.register_keras_serializable("kerascnn")
class GaussianCode(keras.layers.Layer):
    """Draws a code from a Gaussian of the given mean and logarithm of the variance, in training; else the mean.

    It adds `beta` times the divergence of that Gaussian from N(0, 1) to the loss: the sum over the code of
    `(mean^2 + variance - 1 - log variance) / 2`, averaged over the batch. Logarithms above 10 count as 10.

    Inputs: two tensors `(batch, d)`; output `(batch, d)`. Papers: Kingma and Welling 2014,
    https://arxiv.org/abs/1312.6114; `beta`: Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl

    >>> layer = GaussianCode(beta=0.5)
    >>> layer([ops.array([[2.0, 0.0]]), ops.zeros((1, 2))]).numpy().tolist(), float(layer.losses[0])
    ([[2.0, 0.0]], 1.0)
    """

    def __init__(self, beta: float = 1.0, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.beta = checks.in_range("beta", beta, 0, float("inf"), ends="[)")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        """Adds the loss, and draws."""
        mean, log_variance = (ops.cast(each, "float32") for each in inputs)
        log_variance = ops.minimum(log_variance, WIDEST)
        divergence = ops.sum(ops.square(mean) + ops.exp(log_variance) - 1 - log_variance, axis=-1) / 2
        self.add_loss(self.beta * ops.mean(divergence))
        if training:
            noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=self.seed_generator)
            mean = mean + ops.exp(log_variance / 2) * noise
        return ops.cast(mean, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """That of the means."""
        return input_shape[0]

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"beta": self.beta, "seed": self.seed}
