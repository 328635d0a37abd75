import numpy as np
import pytest

from kerascnn.losses import Lovasz

pytestmark = pytest.mark.backend


def jaccard_loss(truth, wrong):
    """1 - IoU of a class whose true pixels are `truth` where the pixels `wrong` are answered wrongly."""
    return 1 - len(truth - wrong) / len(truth | wrong) if truth | wrong else 0.0


def slow(masks, probabilities):
    """The definition (Berman et al. 2018, equation 9), class by class and pixel by pixel, with sets."""
    values = []
    for c in range(probabilities.shape[-1]):
        truth = set(np.flatnonzero(masks.ravel() == c))
        if truth:
            errors = np.abs((masks.ravel() == c) - probabilities[..., c].ravel().astype(float))
            value, wrong = 0.0, set()
            for i in np.argsort(-errors, kind="stable"):
                value += errors[i] * (jaccard_loss(truth, wrong | {i}) - jaccard_loss(truth, wrong))
                wrong = wrong | {i}
            values.append(value)
    return np.mean(values)


@pytest.mark.parametrize("classes", [2, 4])
def test_as_the_definition_says(classes):
    generator = np.random.default_rng(classes)
    masks = generator.integers(0, classes, (2, 4, 5))
    masks[masks == 3] = 0  # a class that is not there
    probabilities = generator.dirichlet(np.ones(classes), (2, 4, 5)).astype("float32")
    assert float(Lovasz()(masks, probabilities)) == pytest.approx(slow(masks, probabilities), rel=1e-5)


def test_by_hand():
    # class 0: errors 1/2 (false), 1/4 (missed): 1/2 (1 - 1/2) + 1/4 (1 - 1/2); class 1: 1/2 (missed) 1, 1/4 (false) 0
    value = Lovasz()(np.array([[1, 0]]), np.array([[[0.5, 0.5], [0.75, 0.25]]], "float32"))
    assert float(value) == pytest.approx((0.375 + 0.5) / 2, rel=1e-6)


def test_sure_answers_have_the_loss_1_minus_iou():
    masks = np.array([[0, 0, 1, 1, 1, 2]])
    answers = np.eye(3, dtype="float32")[np.array([[0, 1, 1, 1, 2, 2]])]
    assert float(Lovasz()(masks, answers)) == pytest.approx(1 - (1 / 2 + 2 / 4 + 1 / 2) / 3, rel=1e-6)
    assert float(Lovasz()(masks, np.eye(3, dtype="float32")[masks])) == 0


def test_masks_one_a_class():
    each = np.array([[[1, 0], [0, 0]]])  # class 1 is not there
    probabilities = np.array([[[0.5, 0.9], [0.75, 0.1]]], "float32")
    # errors 3/4 (false): 1 - 1/2; 1/2 (missed): 1 - 1/2
    assert float(Lovasz(multi_label=True)(each, probabilities)) == pytest.approx(0.375 + 0.25, rel=1e-6)
