import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.metrics import top_k_accuracy, worst_mistakes

pytestmark = pytest.mark.backend


def test_top_k_by_hand():
    labels = [3, 0, 1, 2]
    probabilities = [[0.4, 0.3, 0.2, 0.1]] * 4  # ranks of the labels: 4, 1, 2, 3
    assert [top_k_accuracy(labels, probabilities, k) for k in (1, 2, 3, 4, 5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_top_k_as_keras():
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 20, 200), rng.dirichlet(np.ones(20), 200).astype("float32")
    theirs = ops.mean(keras.metrics.sparse_top_k_categorical_accuracy(labels, probabilities, k=5))
    assert top_k_accuracy(labels, probabilities, 5) == pytest.approx(float(theirs))


def test_the_same_answer_for_all_classes_is_no_success():
    """Ties go to the lower index, as in arg max: a dead network has the accuracy of a guess."""
    labels, probabilities = np.arange(10), np.full((10, 10), 0.1)
    assert top_k_accuracy(labels, probabilities, 1) == 0.1
    assert top_k_accuracy(labels, probabilities, 5) == 0.5


def test_worst_mistakes_first_and_only_mistakes():
    probabilities = [
        [0.6, 0.3, 0.1],  # right
        [0.7, 0.2, 0.1],  # wrong, truth has 0.2
        [0.5, 0.4, 0.1],  # wrong, truth has 0.1, answer 0.5
        [0.9, 0.0, 0.1],  # wrong, truth has 0.1, answer 0.9
        [0.0, 0.0, 1.0],  # wrong, truth has 0
    ]
    labels = [0, 1, 2, 2, 0]
    assert worst_mistakes(labels, probabilities, 10).tolist() == [4, 3, 2, 1]
    assert worst_mistakes(labels, probabilities, 2).tolist() == [4, 3]
    assert worst_mistakes([0], [[1.0, 0.0]], 5).tolist() == []


def test_choosing_again_among_the_chosen_keeps_their_order():
    rng = np.random.default_rng(1)
    labels, probabilities = rng.integers(0, 5, 100), rng.dirichlet(np.ones(5), 100)
    chosen = worst_mistakes(labels, probabilities, 12)
    assert worst_mistakes(labels[chosen], probabilities[chosen], 12).tolist() == list(range(12))
