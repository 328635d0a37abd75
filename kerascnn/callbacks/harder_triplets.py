"""A curriculum of triplets."""

import keras

from kerascnn import checks


class HarderTriplets(keras.callbacks.Callback):
    """Leads `losses.Triplet(mining="curriculum")` from semi-hard triplets to hard ones, and tells its `hardness`.

    The hardness is a function of the epoch alone, so that a resumed run goes on exactly: 0 (semi-hard triplets only) up
    to the epoch `start`, then rising evenly to `most` within `epochs` epochs.

    Args:
        loss: has a variable `hardness`.
        epochs: of the way from 0 to `most`.
        start: epoch, counted from 0, up to which the hardness is 0.
        most: in (0, 1]; at 1 only hard triplets count at last.

    Raises:
        ValueError: for another loss or number; when training begins, on JAX, whose compiled step would not see the
            change.

    >>> import kerascnn.losses
    >>> harder = HarderTriplets(kerascnn.losses.Triplet(mining="curriculum"), epochs=4, start=2)
    >>> [harder.at(epoch) for epoch in (0, 2, 3, 6, 9)]
    [0.0, 0.0, 0.25, 1.0, 1.0]
    """

    def __init__(self, loss: keras.losses.Loss, epochs: int, *, start: int = 0, most: float = 1.0):
        super().__init__()
        if getattr(loss, "hardness", None) is None:
            mend = "Pass losses.Triplet(mining='curriculum')."
            raise ValueError(checks.message("loss", "have a variable `hardness`", loss, mend))
        self.loss = loss
        self.epochs = checks.positive_int("epochs", epochs)
        self.start = checks.positive_int("start", start, least=0)
        self.most = checks.in_range("most", most, 0, 1, ends="(]")

    def at(self, epoch: int) -> float:
        """The hardness of an epoch, counted from 0."""
        return self.most * min(max((epoch - self.start) / self.epochs, 0.0), 1.0)

    def on_train_begin(self, logs=None):
        """Makes sure that the change will be seen."""
        if keras.config.backend() == "jax" and not self.model.run_eagerly:
            mend = "Its compiled step keeps the first hardness: use TensorFlow, or compile with run_eagerly=True."
            raise ValueError(checks.message("backend", "read variables in each step", "jax", mend))

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the hardness."""
        self.loss.hardness.assign(self.at(epoch))

    def on_epoch_end(self, epoch, logs=None):
        """Tells it."""
        logs["hardness"] = self.at(epoch)
