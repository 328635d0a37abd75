"""How long a training waits for its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


class InputClock:
    """Adds up how long the consumer of a dataset has waited for its batches.

    It runs from when a batch is asked for until it is there; what is made ahead meanwhile costs nothing. A consumer
    that fetches ahead by itself, as `tf.distribute` does, is not seen through: what counts then is its fetching.

    >>> import tensorflow as tf
    >>> clock = InputClock()
    >>> [int(batch) for batch in clock.timed(tf.data.Dataset.range(3))], 0 < clock.seconds() < 1
    ([0, 1, 2], True)
    """

    def __init__(self):
        import tensorflow as tf

        with tf.device("CPU:0"):
            self._total = tf.Variable(0.0, dtype=tf.float64, trainable=False)

    def timed(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """The same batches, whose consumer is timed."""
        import tensorflow as tf

        def arrived(asked, *leaves):
            self._total.assign_add(tf.timestamp() - asked)
            return [tf.identity(leaf) for leaf in leaves]

        asked = _mapped(tf.data.Dataset.counter(), lambda number: [tf.timestamp()], tf.TensorSpec((), tf.float64))
        both = tf.data.Dataset.zip(asked, batches)  # which gets the time first, and then the batch
        return _mapped(both, arrived, batches.element_spec).with_options(batches.options())

    def seconds(self) -> float:
        """The seconds so far."""
        return float(self._total.numpy())


def _mapped(dataset, function, spec):
    """`dataset.map(function)`, done by the consumer's own thread; `function` takes and gives leaves, `spec` their form.

    `Dataset.map` would queue for a thread of the pool that makes the batches, which are all busy just when the input is
    slow: the clock would start late, and the batch that is there wait once more.
    """
    import tensorflow as tf

    with tf.device("CPU:0"):
        traced = tf.function(function).get_concrete_function(*tf.nest.flatten(dataset.element_spec))
    leaves = tf.nest.flatten(spec)
    variant = tf.raw_ops.MapDataset(
        input_dataset=tf.data.experimental.to_variant(dataset), other_arguments=traced.captured_inputs, f=traced,
        output_types=[leaf.dtype for leaf in leaves], output_shapes=[leaf.shape for leaf in leaves],
        use_inter_op_parallelism=False, preserve_cardinality=True,
    )  # fmt: skip
    return tf.data.experimental.from_variant(variant, spec)
