"""A dense layer and its mirror image, with one kernel."""

import keras
from keras import ops

from kerascnn import checks


@keras.saving.register_keras_serializable("kerascnn")
class Tied(keras.layers.Layer):
    """`(x - bias) @ kernel`, and the way back by the same weights: with `transposed=True`, `x @ kernel.T + bias`.

    Called twice in a network, it is the first layer of an encoder and the last one of its decoder. Trained to give back
    its input, without anything in between, it finds the plane of the principal components: `bias` becomes a point of
    it, such as the mean, and `kernel`, which starts orthogonal, spans it (Baldi and Hornik 1989,
    https://doi.org/10.1016/0893-6080(89)90014-2).

    Input `(batch, d)`, output `(batch, units)`; transposed the other way round.

    >>> layer = Tied(1)
    >>> layer.build((None, 2))
    >>> layer.set_weights([ops.array([[3.0], [4.0]]), ops.array([1.0, 0.0])])
    >>> code = layer(ops.array([[2.0, 1.0]]))
    >>> code.numpy().tolist(), layer(code, transposed=True).numpy().tolist()
    ([[7.0]], [[22.0, 28.0]])
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = checks.positive_int("units", units)

    def build(self, input_shape):
        """Makes the kernel `(d, units)` and the bias `(d,)`."""
        size = input_shape[-1]
        self.kernel = self.add_weight(shape=(size, self.units), initializer="orthogonal", name="kernel")
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")

    def call(self, inputs, transposed=False):
        """Forth, or with `transposed` back."""
        if transposed:
            return ops.matmul(inputs, ops.transpose(self.kernel)) + self.bias
        return ops.matmul(inputs - self.bias, self.kernel)

    def compute_output_spec(self, inputs, transposed=False):
        """Of the one way or the other."""
        size = self.kernel.shape[0] if transposed else self.units
        return keras.KerasTensor((*inputs.shape[:-1], size), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """`(batch, units)`."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"units": self.units}
