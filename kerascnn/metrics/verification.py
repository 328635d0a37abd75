"""Whether two images show the same: the errors at every threshold of their distance, and the choice of one."""

from typing import Any, NamedTuple

import numpy as np

from kerascnn import checks
from kerascnn.metrics.distances import label_array


class Verification(NamedTuple):
    """What `verification` says; the arrays have one entry a threshold, rising, the first of which accepts nothing.

    Attributes:
        fpr: share of the different pairs that are accepted as the same (false accepts).
        tpr: share of the same pairs that are accepted.
        thresholds: a pair is accepted if its distance is at most this; -inf, then each distance that occurs.
        auc: area under `tpr` over `fpr`: the probability that a same pair is nearer than a different one.
        eer: equal error rate, where false accepts and false rejects, 1 - `tpr`, meet on the line between two points.
    """

    fpr: np.ndarray
    tpr: np.ndarray
    thresholds: np.ndarray
    auc: float
    eer: float


class Pairs(NamedTuple):
    """Pairs of examples: indices `left` and `right` `(count,)`, and whether they are of the same class, bool."""

    left: np.ndarray
    right: np.ndarray
    same: np.ndarray


def verification(distances: Any, same: Any) -> Verification:
    """The receiver operating characteristic of pairs with `distances` `(n,)`, of which some are the `same` `(n,)`.

    Raises: ValueError unless there are finite distances of same and of different pairs.

    >>> found = verification([0.1, 0.4, 0.3, 0.9], [1, 1, 0, 0])
    >>> found.auc, found.eer
    (0.75, 0.5)
    """
    distances, same = _pairs(distances, same)
    order = np.argsort(distances, kind="stable")
    last = np.flatnonzero(np.diff(distances[order], append=np.inf))  # of each distance that occurs
    accepted = np.cumsum(same[order])[last]
    tpr = np.concatenate([[0], accepted / same.sum()])
    fpr = np.concatenate([[0], (last + 1 - accepted) / (~same).sum()])
    thresholds = np.concatenate([[-np.inf], distances[order][last]])
    return Verification(fpr, tpr, thresholds, float(np.trapezoid(tpr, fpr)), _equal_error(fpr, tpr))


def threshold(distances: Any, same: Any, far: float | None = None) -> float:
    """The distance tau up to which two images are to be taken for the same: choose it on validation pairs.

    With `far=None` false accepts and false rejects of these pairs differ least; with `far` in [0, 1], the wanted rate
    of false accepts, it is the largest tau with no more. Tau lies half way to the next distance that occurs.

    >>> round(threshold([0.1, 0.2, 0.6, 0.9], [1, 1, 0, 0]), 3)
    0.4
    """
    found = verification(distances, same)
    if far is None:
        place = int(np.argmin(np.abs(found.fpr - (1 - found.tpr))))
    else:
        checks.in_range("far", far, 0, 1)
        place = int(np.searchsorted(found.fpr, far, side="right")) - 1
    if place == 0:  # nothing may be accepted
        return float(np.nextafter(found.thresholds[1], -np.inf))
    here, following = (float(each) for each in found.thresholds[[place, min(place + 1, len(found.thresholds) - 1)]])
    middle = (here + following) / 2
    return middle if middle < following else here


def sampled_pairs(labels: Any, count: int, seed: int = 0, *, same: float = 0.5) -> Pairs:
    """About `count` pairs of examples, of which a share `same` are of one class: those first, in a random order each.

    All pairs of a kind are equally likely, none comes twice, and no example is paired with itself; where there are too
    few of a kind, all are taken. `labels` are integers `(n,)`; two calls with one `seed` give the same.
    Raises: ValueError where a kind that is wanted does not occur.

    >>> pairs = sampled_pairs([0, 0, 1], 4)
    >>> pairs.same.tolist(), sorted(zip(pairs.left.tolist(), pairs.right.tolist()))
    ([True, False, False], [(0, 1), (0, 2), (1, 2)])
    """
    labels = label_array(labels)
    checks.positive_int("count", count)
    wanted = round(count * checks.in_range("same", same, 0, 1))
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], labels[order], side="right")  # of the class of each, in this order
    places = np.arange(len(labels))
    rng = np.random.default_rng(seed)
    alike = _drawn(rng, wanted, ends - places - 1, places + 1, "labels", "have two of one class")
    unlike = _drawn(rng, count - wanted, len(labels) - ends, ends, "labels", "have two classes")
    left, right = order[np.concatenate([alike, unlike], axis=1)]
    return Pairs(left, right, np.arange(len(left)) < alike.shape[1])


def _drawn(rng, count, partners, first, name, rule) -> np.ndarray:
    """`(2, count)` distinct pairs of places, place i having `partners[i]` partners from place `first[i]` on."""
    until = np.cumsum(partners)
    if count and not until[-1]:
        raise ValueError(checks.message(name, rule, f"{len(partners)} labels"))
    ranks = rng.choice(until[-1], min(count, until[-1]), replace=False) if count else np.zeros(0, np.int64)
    left = np.searchsorted(until, ranks, side="right")
    return np.stack([left, first[left] + ranks - (until - partners)[left]])


def _pairs(distances, same) -> tuple[np.ndarray, np.ndarray]:
    distances, same = np.asarray(distances, np.float64), np.asarray(same).astype(bool)
    if distances.ndim != 1 or not np.isfinite(distances).all():
        raise ValueError(checks.message("distances", "be finite, of shape (n,)", distances.shape))
    checks.same_length("distances", distances, "same", same)
    if not same.any() or same.all():
        mend = "metrics.sampled_pairs draws both kinds."
        raise ValueError(checks.message("same", "have same and different pairs", f"{same.sum()} of {len(same)}", mend))
    return distances, same


def _equal_error(fpr, tpr) -> float:
    """Where fpr = 1 - tpr on the line between the two points that it lies between."""
    excess = fpr + tpr - 1  # rises from -1 to 1
    place = int(np.argmax(excess >= 0))
    share = -excess[place - 1] / (excess[place] - excess[place - 1])
    return float(fpr[place - 1] + share * (fpr[place] - fpr[place - 1]))
