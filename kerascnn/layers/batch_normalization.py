"""Batch normalisation that trains faster: by TensorFlow's fused kernel, or in half as many exchanges on JAX."""

import keras
from keras import ops

LEAST_EPSILON = 1.001e-5  # the least that cuDNN takes, which the kernel checks on GPUs


@keras.saving.register_keras_serializable("kerascnn")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` with the same weights, arguments and results, faster in training.

    On the TensorFlow backend a training step over the last axis is one fused kernel, in the compute dtype with float32
    statistics. On several devices of JAX mean and variance come from two sums that do not wait for each other, so that
    they are exchanged at once; they are taken around the moving mean, without which a mean of many deviations would
    cost precision. Everything else is left to Keras' own code: inference, a frozen layer (`trainable=False`), a `mask`,
    `synchronized=True`, `renorm=True`, another `axis`, float64, on TensorFlow an `epsilon` under 1.001e-5, one device
    of JAX, other backends.

    Input and output: `(batch, ..., channels)`. Paper: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.

    >>> import numpy as np
    >>> layer = BatchNormalization(momentum=0.5)
    >>> y = layer(np.array([[1.0], [3.0]]), training=True)
    >>> float(layer.moving_mean[0]), float(layer.moving_variance[0])
    (1.0, 1.0)
    """

    def call(self, inputs, training=None, mask=None):
        """Normalises by the batch in training, by the moving statistics otherwise."""
        faster = self._faster(inputs) if training and self.trainable and mask is None else None
        if faster is None:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = faster(inputs)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return ops.cast(outputs, self.compute_dtype)

    def _faster(self, inputs):
        """What computes outputs, mean and variance of these inputs in place of Keras' code; None where nothing does."""
        usual = (
            self.axis in (-1, len(inputs.shape) - 1)
            and not (self.synchronized or getattr(self, "renorm", False))  # Keras before 3.14 has no renorm
            and keras.backend.standardize_dtype(inputs.dtype) in ("float32", "bfloat16", "float16")
        )
        backend = keras.backend.backend()
        if usual and backend == "tensorflow" and self.epsilon >= LEAST_EPSILON:
            return self._fused
        if usual and backend == "jax" and keras.distribution.distribution() is not None:
            return self._exchanged_at_once
        return None

    def _fused(self, inputs):
        import tensorflow as tf

        shape = tf.shape(inputs)
        size, channels = tf.reduce_prod(shape[:-1]), inputs.shape[-1]
        maps = len(inputs.shape) == 4  # which stay as they are: TensorFlow fuses the kernel with a ReLU right behind it
        normed = tf.raw_ops.FusedBatchNormV3(
            x=inputs if maps else tf.reshape(inputs, (shape[0], tf.reduce_prod(shape[1:-1]), 1, channels)),
            scale=tf.cast(self.gamma, tf.float32) if self.scale else tf.ones(channels),
            offset=tf.cast(self.beta, tf.float32) if self.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        outputs = normed.y if maps else tf.ensure_shape(tf.reshape(normed.y, shape), inputs.shape)
        # The kernel gives the unbiased variance, n / (n - 1) times the one that Keras keeps.
        bias = tf.cast(size - 1, tf.float32) / tf.cast(size, tf.float32)
        return outputs, normed.batch_mean, normed.batch_variance * bias

    def _exchanged_at_once(self, inputs):
        """The variance is the mean square less the square of the mean, neither of which needs the other."""
        axes = tuple(range(len(inputs.shape) - 1))
        around = ops.cast(self.moving_mean, "float32")
        moved = ops.cast(inputs, "float32") - around
        mean, square = ops.mean(moved, axes), ops.mean(ops.square(moved), axes)
        variance = ops.maximum(square - ops.square(mean), 0.0)
        factor = ops.rsqrt(variance + self.epsilon)
        if self.scale:
            factor = factor * ops.cast(self.gamma, "float32")
        outputs = (moved - mean) * factor
        if self.center:
            outputs = outputs + ops.cast(self.beta, "float32")
        return outputs, mean + around, variance

    def _move(self, moving, value):
        moving.assign(ops.cast(moving, "float32") * self.momentum + value * (1.0 - self.momentum))
