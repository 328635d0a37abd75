"""What an embedding does while it is trained: what is left to learn, how far it is spread, and an end if it is lost."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from kerascnn import checks

SHARES = ("easy", "semi_hard", "hard")
LEAST, EPOCHS = 0.01, 2  # spread, as a share of the embeddings' length, and so many epochs of it, that are a collapse
NEAR = 1e-3  # share of the margin by which a loss may differ that sits at it
ADVICE = (
    "Try, in this order: a learning rate ten times smaller, mining='semi-hard' in place of harder triplets, a larger "
    "batch with more classes, embeddings of length 1 (`normalize=True`)."
)


class WatchEmbedding(keras.callbacks.Callback):
    """Embeds the same images after each epoch, adds what it sees to the epoch's figures, and stops what is lost.

    It adds `spread`, the root mean square distance of two of the images, 0 for a point and about 1.4 for embeddings
    that lie evenly on the sphere; `dimensions`, in how many directions they are spread (the participation ratio of the
    variances: 1 for a line); and what `shares` and `figures` say. Put it before `KeepBest`, which may then monitor
    any of these. Where there is validation they are those of the weights that it sees, averaged ones with `use_ema`.

    Raises ArithmeticError, with what to try, where the spread has been below 1 % of the embeddings' length for 2
    epochs, and where the loss has sat at the margin for `patience` epochs. What is not finite it leaves to `StopOnNaN`.

    Args:
        tower: gives embeddings `(n, d)` of images; the network that trains, or a part of it.
        images: `(n, height, width, channels)` in 0..255, two at least; some hundred of many classes will do.
        labels: integers `(n,)`.
        shares: gives the shares `easy`, `semi_hard` and `hard` of the triplets for labels and embeddings, such as
            `partial(losses.triplet_shares, margin=0.2, distance="squared")`.
        figures: functions of embeddings and labels by the names of their figures, such as "val_recall_at_1".
        margin: the loss of embeddings that are one point, which is the margin of a triplet loss, ln 2 of its soft form;
            None does not look at the loss.
        patience: epochs.
        batch_size: images that the tower sees at once.
    """

    def __init__(
        self,
        tower: keras.Model,
        images: Any,
        labels: Any,
        *,
        shares: Callable[[np.ndarray, np.ndarray], tuple[float, float, float]] | None = None,
        figures: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] | None = None,
        margin: float | None = None,
        patience: int = 5,
        batch_size: int = 256,
    ):
        super().__init__()
        checks.same_length("images", images, "labels", labels)
        if len(images) < 2:
            raise ValueError(checks.message("images", "be two at least", f"{len(images)} of them"))
        if margin is not None:
            checks.in_range("margin", margin, 0, float("inf"), ends="()")
        self.patience = checks.positive_int("patience", patience)
        self.batch_size = checks.positive_int("batch_size", batch_size)
        self.tower, self.images, self.labels = tower, np.asarray(images), np.asarray(labels)
        self.shares, self.figures, self.margin = shares, dict(figures or {}), margin
        self._rows: np.ndarray | None = None
        self._collapsed = self._stuck = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Forgets the last epoch's embeddings."""
        self._rows = None

    def on_test_end(self, logs=None):
        """Embeds while the weights that were validated are still in."""
        self._rows = self._embed()

    def on_epoch_end(self, epoch, logs=None):
        """Adds the figures to the epoch's, and raises the error."""
        rows = self._embed() if self._rows is None else self._rows
        found = self._measure(rows)
        logs.update(found)
        length = float(np.sqrt(np.mean(np.sum(np.square(rows), axis=1))))
        collapsed = found["spread"] <= LEAST * length
        stuck = self.margin is not None and abs(float(logs["loss"]) - self.margin) <= NEAR * self.margin
        self._collapsed = self._collapsed + 1 if collapsed else 0
        self._stuck = self._stuck + 1 if stuck else 0
        if self._collapsed >= EPOCHS:
            what = f"The embedding has collapsed to a point: the spread is {found['spread']:.2g} at length {length:.2g}"
            self._stop(what, self._collapsed, epoch)
        if self._stuck >= self.patience:
            what = f"The loss sits at the margin, {self.margin:.3g}, as if no image were told from another"
            self._stop(what, self._stuck, epoch)

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on."""
        return {"collapsed": self._collapsed, "stuck": self._stuck}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes the `state` of the run that is resumed."""
        self._collapsed, self._stuck = state["collapsed"], state["stuck"]

    def _embed(self):
        starts = range(0, len(self.images), self.batch_size)
        parts = (self.images[start : start + self.batch_size] for start in starts)
        return np.concatenate([np.asarray(self.tower.predict_on_batch(part), np.float64) for part in parts])

    def _measure(self, rows):
        names = [*(SHARES if self.shares else ()), *self.figures]
        if not np.isfinite(rows).all():
            return dict.fromkeys(["spread", "dimensions", *names], float("nan"))
        spread, dimensions = spread_of(rows)
        rows = rows.astype(np.float32)
        shares = self.shares(self.labels, rows) if self.shares else ()
        told = [*map(float, shares), *(float(figure(rows, self.labels)) for figure in self.figures.values())]
        return {"spread": spread, "dimensions": dimensions, **dict(zip(names, told, strict=True))}

    def _stop(self, what, epochs, epoch):
        rate = float(self.model.optimizer.learning_rate)
        raise ArithmeticError(
            f"{what}, for {epochs} epochs up to epoch {epoch + 1}, at learning rate {rate:.3g}. {ADVICE}"
        )


def spread_of(rows: np.ndarray) -> tuple[float, float]:
    """The root mean square distance of two different rows of `(n, d)`, and in how many directions they are spread.

    The latter is trace(C)^2 / trace(C^2) of their covariance C, in 1..d; 0 where all are equal.

    >>> spread_of(np.array([[0.0, 0.0], [3.0, 4.0]]))
    (5.0, 1.0)
    """
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / (len(rows) - 1)
    total = float(np.trace(covariance))
    squares = float(np.sum(np.square(covariance)))
    return (2 * total) ** 0.5, total**2 / squares if squares > 0 else 0.0
