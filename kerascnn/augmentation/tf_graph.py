"""A pipeline in a TensorFlow graph: one call of NumPy a batch."""

from __future__ import annotations

import numpy as np


def called(pipeline, batch, indices, epoch, seed, partnered):
    """`pipeline.apply` as an operation of a graph, with the shapes and types that it will give."""
    import tensorflow as tf

    leaves = tf.nest.flatten(batch)
    specs = _results(pipeline, batch)
    seed = tf.convert_to_tensor(seed, tf.int64)

    pipeline = pipeline.threaded()

    def function(indices, epoch, seed, *leaves):
        given = tf.nest.pack_sequence_as(batch, leaves)
        changed = pipeline.apply(given, indices, int(epoch), int(seed), partnered=partnered)
        return [np.asarray(leaf, spec.dtype) for leaf, spec in zip(tf.nest.flatten(changed), specs, strict=True)]

    results = tf.numpy_function(function, [indices, epoch, seed, *leaves], [spec.dtype for spec in specs])
    rows = leaves[0].shape[0]
    rows = rows // (1 + pipeline.others) if rows and partnered else rows
    for result, spec in zip(results, specs, strict=True):
        result.set_shape((rows, *spec.shape[1:]))
    return tf.nest.pack_sequence_as(batch, results)


def _results(pipeline, batch):
    """What one example becomes, as zeros: images, labels and the like have the forms that all examples will have."""
    import tensorflow as tf

    zeros = tf.nest.map_structure(lambda leaf: np.zeros((1, *leaf.shape[1:]), leaf.dtype.as_numpy_dtype), batch)
    return tf.nest.flatten(pipeline.apply(zeros, np.zeros(1, np.int64)))
