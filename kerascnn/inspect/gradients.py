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


def compiled_gradient(function: Callable) -> Callable:
    """A compiled function of a float tensor that gives what `function` gives, and the gradient of its sum.

    For what is asked many times, as by an optimizer. `function` gives one tensor of any shape. The first call with
    another shape compiles again. On the TensorFlow and JAX backends; raises ValueError on others.

    >>> from keras import ops
    >>> values, slope = compiled_gradient(lambda x: x**2)(ops.convert_to_tensor([1.0, 3.0]))
    >>> ops.convert_to_numpy(values).tolist(), ops.convert_to_numpy(slope).tolist()
    ([1.0, 9.0], [2.0, 6.0])
    """
    backend = checks.one_of("KERAS_BACKEND", keras.backend.backend(), ("tensorflow", "jax"))
    return _compiled_with_tensorflow(function) if backend == "tensorflow" else _compiled_with_jax(function)


def _with_tensorflow(function, x):
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:  # nothing is kept that `x` does not change
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x, unconnected_gradients="zero")


def _with_jax(function, x):
    import jax

    return jax.grad(function)(x)


def _compiled_with_tensorflow(function):
    import tensorflow as tf

    @tf.function
    def both(x):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            values = function(x)
        return values, tape.gradient(values, x, unconnected_gradients="zero")

    return both


def _compiled_with_jax(function):
    import jax

    def summed(x):
        values = function(x)
        return values.sum(), values

    compiled = jax.jit(jax.value_and_grad(summed, has_aux=True))

    def both(x):
        (_, values), slope = compiled(x)
        return values, slope

    return both
