"""Figures of retrieval against loops over queries and ranks, as the definitions read."""

import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from kerascnn.metrics import nmi, retrieval

RNG = np.random.default_rng(3)
CENTRES = RNG.normal(size=(6, 4))
LABELS = np.append(RNG.integers(0, 5, 60), [5])  # class 5 has one image
ROWS = CENTRES[LABELS] + RNG.normal(size=(61, 4))
THEIRS = {"squared": "sqeuclidean", "euclidean": "euclidean", "cosine": "cosine"}


def brute(rows, labels, asked, asked_labels, distance, ks, own):
    figures, left_out = [], 0
    for number, (query, label) in enumerate(zip(asked, asked_labels, strict=True)):
        others = [i for i in range(len(rows)) if not (own and i == number)]
        relevant = sum(labels[i] == label for i in others)
        if not relevant:
            left_out += 1
            continue
        far = cdist([query], rows[others], THEIRS[distance])[0]
        hits = [labels[others[i]] == label for i in np.argsort(far, kind="stable")]
        precision = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits))]
        figure = {f"recall_at_{k}": any(hits[:k]) for k in ks}
        figure |= {"precision_at_1": hits[0], "r_precision": sum(hits[:relevant]) / relevant}
        figure |= {"map_at_r": sum(precision[i] * hits[i] for i in range(relevant)) / relevant}
        figures.append(figure)
    means = {name: np.mean([figure[name] for figure in figures]) for name in figures[0]}
    return means | {"queries": len(figures), "left_out": left_out}


@pytest.mark.parametrize("distance", THEIRS)
@pytest.mark.parametrize("rows", [7, 256])
def test_leave_one_out_as_by_loops(monkeypatch, distance, rows):
    monkeypatch.setattr(sys.modules["kerascnn.metrics.neighbours"], "ROWS", rows)
    expected = brute(ROWS, LABELS, ROWS, LABELS, distance, (1, 5, 10), own=True)
    assert retrieval(ROWS, LABELS, distance=distance) == pytest.approx(expected)
    assert expected["left_out"] == 1 and 0.2 < expected["map_at_r"] < 0.9


def test_queries_against_a_gallery_as_by_loops():
    asked, asked_labels = CENTRES[[0, 1, 2, 3, 4, 0]] + 0.5, np.array([0, 1, 2, 3, 9, -1])
    expected = brute(ROWS, LABELS, asked, asked_labels, "euclidean", (1, 3), own=False)
    assert expected["left_out"] == 2
    assert retrieval(ROWS, LABELS, queries=(asked, asked_labels), k=(1, 3)) == pytest.approx(expected)


def test_the_worked_example_of_musgrave():
    """R = 3 with the first and third found: R-precision 2/3, MAP@R (1 + 0 + 2/3) / 3; recall looks on."""
    gallery, labels = [[1.0], [2.0], [3.0], [4.0]], [7, 8, 7, 7]
    found = retrieval(gallery, labels, queries=([[0.0]], [7]), k=(1, 4, 99))
    assert found["r_precision"] == pytest.approx(2 / 3)
    assert found["map_at_r"] == pytest.approx(5 / 9)
    assert [found[f"recall_at_{k}"] for k in (1, 4, 99)] == [1, 1, 1]


def test_the_plain_numbers_are_jsons():
    assert {type(each) for each in retrieval(ROWS, LABELS).values()} == {float, int}


def test_no_query_with_an_image_to_find_is_an_error():
    with pytest.raises(ValueError, match="`labels` must let a query have an image of its class to find"):
        retrieval([[0.0], [1.0]], [0, 1])


def test_nmi_is_one_where_clusters_are_classes_and_none_for_a_point():
    labels = np.repeat(np.arange(4), 10)
    apart = 20 * np.eye(4)[labels] + RNG.normal(size=(40, 4))
    assert nmi(apart, labels + 3) == pytest.approx(1)
    assert nmi(np.ones((40, 2)), labels) == 0
    assert nmi(apart, labels % 2, seed=1) < 1


def test_nmi_by_cosine_sees_directions():
    labels = np.repeat([0, 1], 20)
    lengths = np.where(labels == 0, np.arange(40) % 2 * 100.0 + 1, 1)[:, None]
    rows = np.eye(2)[labels] * lengths  # of all, the ten long ones stand apart
    assert nmi(rows, labels, distance="cosine") == pytest.approx(1)
    assert nmi(rows, labels) < 0.5
