import math

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.boxes import iou, overlap
from kerascnn.boxes.overlaps import KINDS

pytestmark = pytest.mark.backend


def boxes(seed, n, size=100.0):
    a, b = np.random.default_rng(seed).uniform(0, size, (2, n, 2))
    return np.concatenate([np.minimum(a, b), np.maximum(a, b)], axis=1).astype("float32")


def gradient(function, x):
    """d (the sum of function) / d x, on either backend."""
    x = ops.convert_to_tensor(x)
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: ops.sum(function(x)))(x))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x).numpy()


def one(a, b, kind):
    return float(overlap(np.array([a], "float32"), np.array([b], "float32"), kind)[0])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # two squares of 10, half over each other: shared 50, union 150, enclosing 15 x 10
        ([0, 0, 10, 10], [5, 0, 15, 10], (1 / 3, 1 / 3, 1 / 3 - 25 / 325, 1 / 3 - 25 / 325)),
        # apart by 10: union 200, enclosing 30 x 10, middles 20 apart
        ([0, 0, 10, 10], [20, 0, 30, 10], (0, -100 / 300, -400 / 1000, -400 / 1000)),
        ([3, 4, 8, 9], [3, 4, 8, 9], (1, 1, 1, 1)),
    ],
)
def test_by_hand(a, b, expected):
    assert [one(a, b, kind) for kind in KINDS] == pytest.approx(expected, abs=1e-6)
    assert [one(b, a, kind) for kind in KINDS] == pytest.approx(expected, abs=1e-6)


def test_ciou_takes_the_aspect_ratio_away():
    # shared 50, union 100, same middle after a shift: 10 x 10 and 5 x 10 with the middle 0
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(0.5)) ** 2
    assert one([-5, -5, 5, 5], [-2.5, -5, 2.5, 5], "ciou") == pytest.approx(0.5 - v * v / (0.5 + v), abs=1e-6)


def test_pairs_are_the_same_as_one_by_one():
    a, b = boxes(0, 7), boxes(1, 5)
    table = ops.convert_to_numpy(iou(a, b))
    assert table.shape == (7, 5) and table.dtype == np.float32
    each = ops.convert_to_numpy(overlap(np.repeat(a, 5, axis=0), np.tile(b, (7, 1))))
    np.testing.assert_allclose(table.ravel(), each, rtol=1e-6)
    assert iou(a[None, None].repeat(3, 0), b[None, None].repeat(3, 0)).shape == (3, 1, 7, 5)


def test_integers_and_half_precision_are_computed_in_float32():
    value = overlap(np.array([[0, 0, 3, 1]]), ops.cast([[0, 0, 1, 1]], "bfloat16"))
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value[0]) == pytest.approx(1 / 3, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "box", [[5, 5, 5, 5], [5, 0, 5, 9], [0, 5, 9, 5], [9, 9, 1, 1], [1, 1, 1, 1], [0, 0, 1e-6, 1e-6], [2, 2, 8, 8]]
)
def test_boxes_without_area_overlap_nothing_and_gradients_are_finite(kind, box):
    others = np.array([[2, 2, 8, 8], [5, 5, 5, 5], [30, 30, 31, 40], [1, 1, 1, 1]], "float32")
    given = np.array([box] * 4, "float32")
    value = ops.convert_to_numpy(overlap(given, others, kind))
    assert np.isfinite(value).all() and (value <= 1).all()
    if kind == "iou" and box != [2, 2, 8, 8]:
        assert value.max() < 1e-6
    slope = gradient(lambda x: overlap(x, others, kind), given)
    assert np.isfinite(slope).all() and np.abs(slope).max() < 1e7


def test_gradients_pull_boxes_together_that_do_not_meet():
    truth = np.array([[20, 0, 30, 10]], "float32")
    for kind in KINDS[1:]:
        slope = gradient(lambda x, kind=kind: overlap(x, truth, kind), np.array([[0, 0, 10, 10]], "float32"))
        assert slope[0, 2] > 0, kind
    assert not gradient(lambda x: overlap(x, truth), np.array([[0, 0, 10, 10]], "float32")).any()


def test_alpha_has_no_gradient():
    a, b = np.array([[-5, -5, 5, 5]], "float32"), np.array([[-2.5, -5, 2.5, 5]], "float32")
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(0.5)) ** 2
    alpha = v / (0.5 + v)
    both, plain = (gradient(lambda x, kind=kind: overlap(x, b, kind), a) for kind in ("ciou", "diou"))
    # v changes with the width: d atan(w / h) / dw = h / (w^2 + h^2) = 0.05
    expected = -alpha * 8 / math.pi**2 * (math.atan(1) - math.atan(0.5)) * 0.05
    assert (both - plain)[0, 2] == pytest.approx(expected, rel=1e-3)


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="`kind` must be one of 'ciou', 'diou', 'giou', 'iou'"):
        overlap([[0, 0, 1, 1]], [[0, 0, 1, 1]], "gciou")
