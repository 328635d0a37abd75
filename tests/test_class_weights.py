import numpy as np
import pytest

from kerascnn.class_weights import balanced, check, named
from kerascnn.data import load


def test_inverse_to_frequency():
    labels = np.array([0] * 6 + [1] * 3 + [2] * 1)
    weights = balanced(labels, 3)
    assert weights == pytest.approx({0: 10 / 18, 1: 10 / 9, 2: 10 / 3})
    assert np.mean([weights[label] for label in labels]) == pytest.approx(1)


def test_as_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.random.default_rng(0).integers(0, 7, 500)
    assert list(balanced(labels, 7).values()) == pytest.approx(
        compute_class_weight("balanced", classes=np.arange(7), y=labels)
    )


def test_a_class_that_does_not_occur_has_a_weight_for_keras_and_no_share():
    assert balanced([0, 0, 2, 2], 4) == {0: 1.0, 1: 0.0, 2: 1.0, 3: 0.0}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "at least one"),
        ([0.5], "be integers"),
        ([[1]], r"of shape \(n,\)"),
        ([0, 3], r"be in \[0, 3\)"),
        ([-1], r"be in \[0, 3\)"),
    ],
)
def test_errors(labels, message):
    with pytest.raises(ValueError, match=f"`labels` must .*{message}"):
        balanced(labels, 3)


@pytest.fixture(scope="module")
def three():
    """A Data of 6, 3 and 1 training images of three classes."""
    y = np.array([0] * 6 + [1] * 3 + [2] * 1)
    x = np.zeros((10, 2, 2, 1), "uint8")
    with pytest.warns(UserWarning, match="one training image only"):
        return load(((x, y), (x, y)))


def test_named(three):
    assert named(None, three) is None
    assert named("balanced", three) == pytest.approx({0: 10 / 18, 1: 10 / 9, 2: 10 / 3})
    assert named({np.int64(2): 4}, three) == {0: 1.0, 1: 1.0, 2: 4.0}


@pytest.mark.parametrize("label", [-1, 3])
def test_named_has_no_other_class(three, label):
    with pytest.raises(ValueError, match=rf"`class_weight` must have class indices in \[0, 3\). .*=\[{label}\]"):
        named({0: 1.0, label: 2.0}, three)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("even", "`class_weight` must be None, .balanced. or a mapping"),
        ([1.0, 2.0], "`class_weight` must be None, .balanced. or a mapping"),
        ({"cat": 2.0}, ".cat. is no class index"),
        ({True: 2.0}, "True is no class index"),
        ({1: 0}, r"`class_weight\[1\]` must be in \(0, inf\)"),
        ({1: "2"}, r"`class_weight\[1\]` must be in \(0, inf\)"),
        ({1: float("nan")}, r"`class_weight\[1\]` must be in \(0, inf\)"),
    ],
)
def test_check(value, message):
    with pytest.raises(ValueError, match=message):
        check(value)
