"""The gradient of a function of tensors: the one thing about which the backends do not agree."""

from collections.abc import Callable

import keras

from kerascnn import checks


def gradient(function: Callable, x):
    """The gradient of `function`, from a float tensor to a scalar tensor, at `x`: a tensor of the shape of `x`.

    It is zero where the value does not depend on `x`. On the TensorFlow and JAX backends; raises ValueError on others.

    >>> from keras import ops
    >>> ops.convert_to_numpy(gradient(lambda x: ops.sum(x**2), ops.convert_to_tensor([1.0, 3.0]))).tolist()
    [2.0, 6.0]
    """
    backend = checks.one_of("KERAS_BACKEND", keras.backend.backend(), ("tensorflow", "jax"))
    return _with_tensorflow(function, x) if backend == "tensorflow" else _with_jax(function, x)


def _with_tensorflow(function, x):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:  # nothing is kept that `x` does not change
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x, unconnected_gradients="zero")


def _with_jax(function, x):
    import jax

    return jax.grad(function)(x)
