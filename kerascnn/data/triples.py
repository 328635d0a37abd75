"""Triplets mined by their category, from embeddings that a network has given before."""

from __future__ import annotations

import numpy as np

from kerascnn import checks

CATEGORIES = ("easy", "semi-hard", "hard")
DISTANCES = ("squared", "euclidean", "cosine")
BLOCK = 256  # anchors whose distances to all examples are in memory together


def offline_triplets(
    embeddings: np.ndarray,
    labels: np.ndarray,
    *,
    category: str = "semi-hard",
    margin: float = 0.2,
    count: int = 1024,
    distance: str = "squared",
    seed: int = 0,
) -> np.ndarray:
    """`count` triplets of indices `(count, 3)`, anchor, positive and negative, all of one category.

    Anchors come in permuted order, again and again, each with a random other positive; of all negatives that make the
    category with it one is drawn. An anchor that has none is left out that time.

    Args:
        embeddings: `(n, d)`.
        labels: `(n,)`.
        category: "easy", d(a, n) >= d(a, p) + margin; "hard", d(a, n) <= d(a, p); "semi-hard", what is between.
        margin: above 0.
        count: the number of triplets; fewer are given if a whole round of anchors finds none.
        distance: "squared" (Euclidean), "euclidean" or "cosine".
        seed: of the draws.

    Raises: ValueError for other arguments, if no class has two examples or there is one class, and if there is no such
        triplet.

    >>> offline_triplets(np.array([[0.0], [1.0], [1.1]]), np.array([0, 0, 1]), category="hard", count=1).tolist()
    [[1, 0, 2]]
    """
    checks.one_of("category", category, CATEGORIES)
    checks.one_of("distance", distance, DISTANCES)
    checks.positive_int("count", count)
    checks.in_range("margin", margin, 0, float("inf"), ends="()")
    checks.same_length("embeddings", embeddings, "labels", labels)
    points, labels = np.asarray(embeddings, np.float32), np.asarray(labels)
    sizes = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    anchors = np.flatnonzero([sizes[label] > 1 for label in labels])
    if len(sizes) < 2 or not anchors.size:
        raise ValueError(checks.message("labels", "have two classes, one of them with two examples", len(sizes)))
    rng, found, missing = np.random.default_rng(seed), [], count
    while missing > 0:
        order, before = rng.permutation(anchors), missing
        for start in range(0, len(order), BLOCK):
            triples = _mined(points, labels, order[start : start + BLOCK], category, margin, distance, rng)
            found.append(triples[:missing])
            missing -= len(found[-1])
            if not missing:
                break
        if missing == before:
            break
    if missing == count:
        mend = "Train further, or ask for another category."
        raise ValueError(checks.message("category", "be one of which there are triplets", category, mend))
    return np.concatenate(found)


def _mined(points, labels, anchors, category, margin, distance, rng) -> np.ndarray:
    """One triplet of the category for each of `anchors` that has one."""
    distances = _distances(points[anchors], points, distance)
    same = labels[anchors][:, None] == labels
    others = same.copy()
    others[np.arange(len(anchors)), anchors] = False
    positives = _one_of_each(others, rng)
    reach = distances[np.arange(len(anchors)), positives][:, None]
    fits = {
        "easy": distances >= reach + np.float32(margin),
        "semi-hard": (distances > reach) & (distances < reach + np.float32(margin)),
        "hard": distances <= reach,
    }[category]
    fits &= ~same
    triples = np.stack([anchors, positives, _one_of_each(fits, rng)], axis=1)
    return triples[fits.any(axis=1)]


def _one_of_each(allowed: np.ndarray, rng) -> np.ndarray:
    """The column of one of the true entries of each row, drawn evenly."""
    return np.where(allowed, rng.random(allowed.shape, np.float32), -1).argmax(axis=1)


def _distances(some: np.ndarray, points: np.ndarray, distance: str) -> np.ndarray:
    if distance == "cosine":
        some, points = (each / np.linalg.norm(each, axis=1, keepdims=True).clip(1e-12) for each in (some, points))
        return 1 - some @ points.T
    squares = (some**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2 * some @ points.T
    squares = squares.clip(0)
    return squares if distance == "squared" else np.sqrt(squares)
