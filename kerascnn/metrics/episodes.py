"""Classification of classes that are known by a few images: N ways, K shots, over many drawn episodes."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerascnn import checks
from kerascnn.metrics.distances import distance_matrix, label_array, labelled_rows, unit


class Episode(NamedTuple):
    """Indices of examples: `support` `(ways, shots)` that stand for the classes, and `queries` `(ways, queries)`."""

    support: np.ndarray
    queries: np.ndarray


class Episodes(NamedTuple):
    """The mean `accuracy` over `count` episodes, and `low` and `high`, the ends of its 95 % interval.

    The interval is that of drawing episodes from these images: 1.96 standard errors to each side.
    """

    accuracy: float
    low: float
    high: float
    count: int


def episodes(embeddings: Any, labels: Any, *, distance: str = "euclidean", count: int = 1000, **draw: Any) -> Episodes:
    """The accuracy of nearest class means in `count` episodes (Snell et al. 2017, https://arxiv.org/abs/1703.05175).

    In an episode each class stands for itself by the mean of its shots, with `distance="cosine"` of their directions,
    and a query is of the class whose mean is nearest; of equal ones the first. `embeddings` `(n, d)`, `labels` integers
    `(n,)`; `draw` are the arguments of `sampled_episodes`. With `ways=20, shots=1, groups=..., drawers=...` it is the
    one-shot task of Lake et al. 2015 on Omniglot, within an alphabet.

    >>> episodes([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], ways=2, count=10)
    Episodes(accuracy=1.0, low=1.0, high=1.0, count=10)
    """
    rows, labels = labelled_rows(embeddings, labels)
    drawn = sampled_episodes(labels, count=checks.positive_int("count", count, least=2), **draw)
    accuracies = np.array([_accuracy(rows, episode, distance) for episode in drawn])
    mean = float(accuracies.mean())
    margin = 1.96 * float(accuracies.std(ddof=1)) / count**0.5
    return Episodes(mean, max(mean - margin, 0.0), min(mean + margin, 1.0), count)


def sampled_episodes(
    labels: Any,
    *,
    ways: int = 5,
    shots: int = 1,
    queries: int = 1,
    count: int = 1000,
    seed: int = 0,
    groups: Sequence[int] | None = None,
    drawers: Any = None,
) -> Iterator[Episode]:
    """Draws `count` episodes of `ways` classes with `shots` images to know each by and `queries` to recognise.

    Episode i is a function of (seed, i). All are equally likely: groups first, then their pairs of drawers, then
    classes, then images, none of which comes twice.

    Args:
        labels: integers `(n,)` from 0.
        ways: classes an episode.
        shots: images of each class in the support.
        queries: images of each class to be recognised.
        count: of episodes.
        seed: of the draws.
        groups: `(classes,)`, the group of each class, as `data.groups` has it: the classes of an episode are then of
            one group. Groups with too few classes are never drawn.
        drawers: `(n,)`, who made each image: the support is then all by one person and the queries all by another.

    Raises:
        ValueError: at once, where no group has enough classes with enough images.
    """
    labels = label_array(labels)
    for name, value, least in (("ways", ways, 2), ("shots", shots, 1), ("queries", queries, 1), ("count", count, 1)):
        checks.positive_int(name, value, least=least)
    by_person = drawers is not None
    makers = np.unique(drawers, return_inverse=True)[1] if by_person else np.zeros(len(labels), np.int64)
    checks.same_length("labels", labels, "drawers", makers)
    groups = _groups(labels, groups)
    pools = _pools(_counts(labels, makers), groups, ways, shots, queries, by_person)
    if not pools:
        rule = f"have {ways} classes of a group with {shots} + {queries} images" + by_person * ", of two persons"
        mend = "Ask for fewer ways, shots or queries."
        raise ValueError(checks.message("labels", rule, f"{len(np.unique(labels))} classes", mend))
    return (_episode(labels, makers, pools, ways, shots, queries, (seed, number)) for number in range(count))


def _groups(labels, groups) -> np.ndarray:
    """The group of each class from 0 to the last."""
    if labels.min() < 0 or (groups is not None and len(groups) <= labels.max()):
        rule = "be in [0, classes)" if groups is None else f"be in [0, {len(groups)}), as `groups` is"
        raise ValueError(checks.message("labels", rule, (int(labels.min()), int(labels.max()))))
    return np.zeros(labels.max() + 1, np.int64) if groups is None else np.asarray(groups)[: labels.max() + 1]


def _counts(labels, makers) -> np.ndarray:
    """`(classes, makers)`: how many images of a class someone has made."""
    table = np.zeros((labels.max() + 1, makers.max() + 1), np.int64)
    np.add.at(table, (labels, makers), 1)
    return table


def _pools(counts, groups, ways, shots, queries, by_person) -> list[list[tuple[int, int, np.ndarray]]]:
    """For each group that will do: who makes the support, who the queries, and the classes that they have both made."""
    pools = []
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        gives, asks = counts[members] >= shots, counts[members] >= queries
        if by_person:
            both = gives.T.astype(np.int64) @ asks
            np.fill_diagonal(both, 0)
            pairs = np.argwhere(both >= ways)
            pool = [(a, b, members[gives[:, a] & asks[:, b]]) for a, b in pairs]
        else:
            enough = members[counts[members, 0] >= shots + queries]
            pool = [(0, 0, enough)] if len(enough) >= ways else []
        pools += [pool] if pool else []
    return pools


def _episode(labels, makers, pools, ways, shots, queries, seed) -> Episode:
    rng = np.random.default_rng(seed)
    pool = pools[rng.integers(len(pools))]
    giver, asker, classes = pool[rng.integers(len(pool))]
    support, asked = [], []
    for label in rng.choice(classes, ways, replace=False):
        given = rng.permutation(np.flatnonzero((labels == label) & (makers == giver)))
        others = given[shots:]
        if asker != giver:
            others = rng.permutation(np.flatnonzero((labels == label) & (makers == asker)))
        support.append(given[:shots])
        asked.append(others[:queries])
    return Episode(np.stack(support), np.stack(asked))


def _accuracy(rows, episode, distance) -> float:
    shots = rows[episode.support]
    means = (unit(shots) if distance == "cosine" else shots).mean(axis=1)
    asked = rows[episode.queries.reshape(-1)]
    answers = distance_matrix(asked, means, distance).argmin(axis=1)
    return float(np.mean(answers == np.repeat(np.arange(len(means)), episode.queries.shape[1])))
