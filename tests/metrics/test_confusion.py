import numpy as np
import pytest

from kerascnn.metrics import confusion_matrix, most_confused, per_class

pytestmark = pytest.mark.backend

MATRIX = np.array([[3, 1, 0], [2, 4, 0], [0, 1, 0]])


def test_rows_are_true_classes_and_columns_predicted_ones():
    labels, predictions = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2], [0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1]
    np.testing.assert_array_equal(confusion_matrix(labels, predictions, 3), MATRIX)


def test_classes_that_do_not_occur_have_rows_of_zeros():
    assert confusion_matrix([1], [1], 3).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_small_integers_do_not_overflow():
    matrix = confusion_matrix(np.array([199, 199], "uint8"), np.array([198, 199], "uint8"), 200)
    assert matrix[199, 198] == matrix[199, 199] == 1 and matrix.sum() == 2


def test_per_class_by_hand():
    report = per_class(MATRIX)
    np.testing.assert_allclose(report.precision, [3 / 5, 4 / 6, 0])  # class 2 is never predicted: 0, not nan
    np.testing.assert_allclose(report.recall, [3 / 4, 4 / 6, 0])
    np.testing.assert_allclose(report.f1, [2 * 3 / 9, 2 * 4 / 12, 0])
    np.testing.assert_array_equal(report.support, [4, 6, 1])


def test_per_class_as_scikit_learn():
    from sklearn.metrics import precision_recall_fscore_support

    labels, predictions = np.random.default_rng(0).integers(0, 9, (2, 300))
    theirs = precision_recall_fscore_support(labels, predictions, labels=range(10), zero_division=0)
    for ours, other in zip(per_class(confusion_matrix(labels, predictions, 10)), theirs, strict=True):
        np.testing.assert_allclose(ours, other)


def test_most_confused_leaves_the_matrix_alone():
    matrix = MATRIX.copy()
    assert most_confused(matrix, 2) == [(1, 0, 2), (0, 1, 1)]
    assert most_confused(matrix, 10) == [(1, 0, 2), (0, 1, 1), (2, 1, 1)]
    np.testing.assert_array_equal(matrix, MATRIX)


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 3], [0, 1], r"`labels` must be in \[0, 3\). Received: labels=\(0, 3\)"),
        ([0, 1], [0, -1], r"`predictions` must be in \[0, 3\)"),
        ([0, 1], [0], "`labels` and `predictions` must have one entry an example. Received: 2 and 1"),
        ([0.0], [0], r"`labels` must be integers of shape \(n,\), at least one. Received: labels='float64"),
        ([], [], "at least one"),
    ],
)
def test_errors(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(labels, predictions, 3)


def test_a_matrix_that_is_not_square():
    with pytest.raises(ValueError, match=r"`confusion` must be of shape \(classes, classes\)"):
        per_class(np.ones((2, 3)))
