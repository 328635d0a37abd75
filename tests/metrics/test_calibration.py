import numpy as np
import pytest

from kerascnn.metrics import calibration

pytestmark = pytest.mark.backend


def test_by_hand():
    # confidences 0.9 (right), 0.7 (wrong), 0.8 (right) in the bin above 0.5; 0.4 (right) below
    probabilities = [[0.9, 0.05, 0.05], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]
    (below, above), error = calibration([0, 1, 1, 2], probabilities, bins=2)
    assert below == pytest.approx({"low": 0, "high": 0.5, "count": 1, "confidence": 0.4, "accuracy": 1})
    assert above == pytest.approx({"low": 0.5, "high": 1, "count": 3, "confidence": 0.8, "accuracy": 2 / 3})
    assert error == pytest.approx(0.25 * 0.6 + 0.75 * (0.8 - 2 / 3))


def test_the_upper_end_belongs_to_a_bin():
    bins, _ = calibration([0, 0], [[0.5, 0.5], [1.0, 0.0]], bins=2)
    assert [each["count"] for each in bins] == [1, 1]


def test_sure_and_right_is_perfect_sure_and_wrong_is_worst():
    sure = np.eye(3)
    assert calibration([0, 1, 2], sure)[1] == 0
    assert calibration([1, 2, 0], sure)[1] == 1


def test_labels_drawn_from_the_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 40_000)
    labels = (probabilities.cumsum(axis=1) < rng.random((40_000, 1))).sum(axis=1)
    bins, error = calibration(labels, probabilities)
    assert error < 0.01
    assert len(bins) == 15 and sum(each["count"] for each in bins) == 40_000
    assert calibration(labels, np.sqrt(probabilities) / np.sqrt(probabilities).sum(1, keepdims=True))[1] > 0.1


def test_empty_bins_are_zeros():
    bins, _ = calibration([0], [[1.0, 0.0]], bins=3)
    assert bins[0] == {"low": 0, "high": 1 / 3, "count": 0, "confidence": 0, "accuracy": 0}


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0], [0.5], r"`probabilities` must be of shape \(n, classes\). Received: probabilities=\(1,\)"),
        ([0], [[np.nan, 1]], r"`probabilities` must be in \[0, 1\]"),
        ([0], [[2.0, -1.0]], r"`probabilities` must be in \[0, 1\]"),
        ([0, 1], [[0.5, 0.5]], "`labels` and `probabilities` must have one entry an example. Received: 2 and 1"),
        ([2], [[0.5, 0.5]], r"`labels` must be in \[0, 2\)"),
    ],
)
def test_errors(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        calibration(labels, probabilities)
