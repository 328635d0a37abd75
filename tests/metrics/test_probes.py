"""Probes against scikit-learn's nearest neighbours, loops, and classes that are known."""

import numpy as np
import pytest

from kerascnn.metrics import knn_probe, linear_probe

RNG = np.random.default_rng(5)
CENTRES = RNG.normal(size=(4, 3))


def drawn(count, spread=0.8):
    labels = RNG.integers(0, 4, count)
    return (CENTRES[labels] + spread * RNG.normal(size=(count, 3))).astype("float32"), labels


ROWS, LABELS = drawn(300)
ASKED = drawn(200)


@pytest.mark.parametrize(("k", "distance"), [(1, "euclidean"), (7, "euclidean"), (5, "cosine"), (999, "squared")])
def test_the_nearest_vote_as_by_a_loop(k, distance):
    def far(query):
        if distance == "cosine":
            return 1 - ROWS @ query / np.linalg.norm(ROWS, axis=1) / np.linalg.norm(query)
        return np.sum((ROWS - query) ** 2, axis=1)

    right = 0
    for query, label in zip(*ASKED, strict=True):
        near = LABELS[np.argsort(far(query), kind="stable")[:k]].tolist()
        right += max(near, key=lambda each, near=near: (near.count(each), -near.index(each))) == label
    assert 0.2 < right / 200 < 1
    assert knn_probe(ROWS, LABELS, ASKED, k=k, distance=distance) == pytest.approx(right / 200)


def test_equal_votes_go_to_the_nearest():
    assert knn_probe([[0.0], [1.0], [5.0], [6.0]], [3, 3, 1, 1], ([[2.0], [4.0]], [3, 1]), k=4) == 1


def test_a_linear_probe_finds_what_a_plane_parts_and_nothing_else():
    angles = RNG.uniform(0, 2 * np.pi, 400)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    halves, ring = (circle @ [1, 2] > 0).astype(int), np.arange(400) % 2
    parted = circle + 3 * halves[:, None]
    assert linear_probe(parted[:200], halves[:200], (parted[200:], halves[200:])) == 1
    rings = circle * (1 + ring[:, None])
    assert linear_probe(rings[:200], ring[:200], (rings[200:], ring[200:])) < 0.65
    assert knn_probe(rings[:200], ring[:200], (rings[200:], ring[200:]), k=3) == 1


def test_a_linear_probe_is_that_of_scikit_learn_and_knows_no_units():
    from sklearn.linear_model import LogisticRegression

    middle, spread = ROWS.mean(axis=0), ROWS.std(axis=0)
    theirs = LogisticRegression(C=0.1, max_iter=300).fit((ROWS - middle) / spread, LABELS)
    expected = theirs.score((ASKED[0] - middle) / spread, ASKED[1])
    assert linear_probe(ROWS, LABELS, ASKED, strength=0.1) == pytest.approx(expected)
    assert 0.4 < expected < 1
    scaled = linear_probe(1e4 * ROWS + 7, LABELS, (1e4 * ASKED[0] + 7, ASKED[1]), strength=0.1)
    assert scaled == pytest.approx(expected, abs=0.01)


def test_a_dead_unit_does_no_harm():
    rows, asked = (np.pad(each, ((0, 0), (0, 1)), constant_values=3) for each in (ROWS, ASKED[0]))
    assert linear_probe(rows, LABELS, (asked, ASKED[1])) == linear_probe(ROWS, LABELS, ASKED)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`queries` must have 3 dimensions, as `embeddings`"):
        knn_probe(ROWS, LABELS, (ASKED[0][:, :2], ASKED[1]))
    with pytest.raises(ValueError, match="`labels` must be of two classes at least"):
        linear_probe(ROWS, 0 * LABELS, ASKED)
    with pytest.raises(ValueError, match="`embeddings` and `labels` must have one entry"):
        linear_probe(ROWS, LABELS[1:], ASKED)
    with pytest.raises(ValueError, match="`k` must be an integer of at least 1"):
        knn_probe(ROWS, LABELS, ASKED, k=0)
