"""How long a training waits for its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    from kerascnn.data.stepwise import Stepwise


class InputClock:
    """Adds up how long the consumer of a dataset has waited for its batches.

    It runs from when a batch is asked for until it is there; what is made ahead meanwhile costs nothing. A consumer
    that fetches ahead by itself, as `tf.distribute` does, is not seen through: what counts then is its fetching. The
    dataset must leave a thread free that can look at the clock, as those of `batches` do; where all are making batches
    it would be looked at too late.

    >>> import tensorflow as tf
    >>> clock = InputClock()
    >>> [int(batch) for batch in clock.timed(tf.data.Dataset.range(3))], 0 < clock.seconds() < 1
    ([0, 1, 2], True)
    """

    def __init__(self):
        self._seconds = 0.0
        self._totals: list[tf.Variable] = []  # of datasets, which add up in their graphs

    def timed(self, batches: tf.data.Dataset | Stepwise) -> tf.data.Dataset | Stepwise:
        """The same batches, whose consumer is timed."""
        if hasattr(batches, "waited"):
            return batches.told(self._add)
        import tensorflow as tf

        with tf.device("CPU:0"):
            total = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._totals.append(total)

        def arrived(asked, batch):
            total.assign_add(tf.timestamp() - asked)
            return batch

        asked = tf.data.Dataset.counter().map(lambda _: tf.timestamp())
        return tf.data.Dataset.zip(asked, batches).map(arrived)  # zip gets the time first, and then the batch

    def seconds(self) -> float:
        """The seconds so far."""
        return self._seconds + sum(float(each) for each in self._totals)

    def _add(self, seconds: float) -> None:
        self._seconds += seconds
