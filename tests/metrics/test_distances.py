import numpy as np
import pytest
from scipy.spatial.distance import cdist

from kerascnn import metrics
from kerascnn.metrics import distance_matrix, nearest, pair_distances

RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.normal(size=(7, 5)), RNG.normal(size=(9, 5))
THEIRS = {"squared": "sqeuclidean", "euclidean": "euclidean", "cosine": "cosine"}


@pytest.mark.parametrize("distance", THEIRS)
def test_distances_are_scipys(distance):
    expected = cdist(LEFT, RIGHT, THEIRS[distance])
    found = distance_matrix(LEFT, RIGHT, distance)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pair_distances(LEFT, RIGHT[:7], distance), np.diag(expected), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pair_distances(LEFT[:, None], RIGHT, distance), expected, rtol=1e-5, atol=1e-6)


def test_no_distance_is_negative_or_nan():
    rows = np.repeat(RNG.normal(size=(3, 64)).astype("float32") * 100, 2, axis=0)
    for distance in THEIRS:
        assert (distance_matrix(rows, rows, distance) >= 0).all()
    assert pair_distances(rows, rows).tolist() == [0.0] * 6
    assert distance_matrix([[0, 0]], [[1, 0], [0, 0]], "cosine").tolist() == [[1.0, 1.0]]


def test_float16_is_measured_in_float32():
    far = np.array([[300.0, 0], [0, 0]], np.float16)  # 300^2 is beyond float16
    assert distance_matrix(far, far, "squared")[0, 1] == 90000


@pytest.mark.parametrize("distance", THEIRS)
@pytest.mark.parametrize(("rows", "columns"), [(256, 16384), (2, 4), (3, 1)])
def test_nearest_is_a_stable_sort_of_all_distances(monkeypatch, distance, rows, columns):
    import sys

    module = sys.modules["kerascnn.metrics.neighbours"]
    monkeypatch.setattr(module, "ROWS", rows)
    monkeypatch.setattr(module, "COLUMNS", columns)
    queries, gallery = RNG.integers(0, 3, (8, 2)) + 1.0, RNG.integers(0, 3, (13, 2)) + 1.0  # many are equal
    every = np.concatenate(
        [distance_matrix(queries, gallery[i : i + columns], distance) for i in range(0, 13, columns)], 1
    )
    order = np.argsort(every, axis=1, kind="stable")
    for k in (1, 5, 13, 20):
        found, distances = nearest(queries, gallery, k, distance=distance)
        np.testing.assert_array_equal(found, order[:, :k])
        np.testing.assert_array_equal(distances, np.take_along_axis(every, order, 1)[:, :k])


def test_a_query_is_not_its_own_neighbour():
    rows = np.zeros((4, 2))
    found, distances = nearest(rows[[2, 0]], rows, 9, own=[2, 0])
    assert found.tolist() == [[0, 1, 3], [1, 2, 3]]
    assert (distances == 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: distance_matrix([1, 2], [[1, 2]]), "`left` must be of shape \\(n, dimensions\\)"),
        (lambda: distance_matrix([[1, 2]], [[1, 2, 3]]), "`right` must be of shape \\(n, 2\\)"),
        (lambda: distance_matrix([[1, np.nan]], [[1, 2]]), "`left` must be finite. Received: .*in 1 rows"),
        (lambda: distance_matrix([[1]], [[1]], "cosin"), "Did you mean 'cosine'"),
        (lambda: pair_distances([[1]], [[1]], "l2"), "`distance` must be one of"),
        (lambda: nearest([[1]], [[1]], 0), "`k` must be an integer of at least 1"),
        (lambda: metrics.retrieval([[1.0], [2.0]], [0.0, 1.0]), "`labels` must be integers of shape"),
        (lambda: metrics.nmi([[1.0], [2.0]], [0]), "one entry an example"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
