"""The loss of an anchor-free network against numbers by hand; what must never break a training."""

import keras
import numpy as np
import pytest

from kerascnn.losses import TaskAligned

ABSENT = [0, 0, 0, 0, -1]


def places(*rows):
    """Predictions of one image, from boxes and probabilities."""
    rows = np.array(rows, "float32")
    rows[:, 4:] = np.log(rows[:, 4:] / (1 - rows[:, 4:]))
    return rows[None]


def value(loss, truths, predictions):
    return float(loss(np.asarray(truths, "float32"), predictions))


@pytest.mark.backend
def test_by_hand():
    """Two places of a map of stride 8; the truth overlaps the first by 3/4 and has the second's centre outside."""
    loss = TaskAligned((8, 16), (8,), box_weight=2.0, class_weight=3.0, kind="iou")
    predictions = places([0, 0, 8, 6, 0.25, 0.5], [8, 0, 16, 8, 0.1, 0.2])
    classes = -(0.75 * np.log(0.25) + 0.25 * np.log(0.75)) - np.log(0.5) - np.log(0.9) - np.log(0.8)
    expected = 2 * (1 - 0.75) * 0.75 + 3 * classes  # the targets sum to 0.75, which counts as 1
    found = value(loss, [[[0, 0, 8, 8, 0], ABSENT]], predictions)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.backend
def test_the_batch_is_divided_by_the_sum_of_its_targets():
    loss = TaskAligned((8, 16), (8,), box_weight=1.0, class_weight=0.0, kind="iou")
    one = places([0, 0, 8, 6, 0.25], [8, 0, 16, 8, 0.1])
    truths = [[[0, 0, 8, 8, 0], ABSENT], [[0, 0, 8, 8, 0], [8, 0, 16, 8, 0]]]
    found = value(loss, truths, np.concatenate([one, one]))
    np.testing.assert_allclose(found, 2 * 0.25 * 0.75 / (0.75 + 0.75 + 1), rtol=1e-5)


@pytest.mark.backend
def test_the_focal_weight():
    predictions = places([0, 0, 8, 8, 0.25])
    plain, focal = (TaskAligned(8, (8,), box_weight=0.0, class_weight=1.0, gamma=gamma) for gamma in (0, 2))
    np.testing.assert_allclose(value(plain, [[ABSENT]], predictions), -np.log(0.75), rtol=1e-5)
    np.testing.assert_allclose(value(focal, [[ABSENT]], predictions), -np.log(0.75) / 16, rtol=1e-5)


@pytest.mark.backend
def test_a_weight_of_images():
    predictions = np.concatenate([places([0, 0, 8, 8, 0.25]), places([0, 0, 8, 8, 0.5])])
    loss = TaskAligned(8, (8,), class_weight=1.0)
    found = loss(np.array([[ABSENT], [ABSENT]], "float32"), predictions, np.array([0, 1], "float32"))
    np.testing.assert_allclose(float(found), np.log(2), rtol=1e-5)  # the sum over the batch, divided by 1


@pytest.mark.parametrize("rows", [[ABSENT], [[3, 3, 5, 5, 0]], [[4, 4, 4, 4, 1]], [[2, 2, 60, 60, -3]]])
@pytest.mark.parametrize("size", [1e-3, 8.0, 1e6])
def test_gradients_are_finite(rows, size):
    tf = pytest.importorskip("tensorflow")
    loss = TaskAligned((16, 16), (8, 16), gamma=1.5)
    centres = np.array([[4, 4], [12, 4], [4, 12], [12, 12], [8, 8]])
    boxes = np.concatenate([centres - size, centres + size, np.full((5, 2), -40.0)], 1)
    predictions = tf.constant(boxes[None], "float32")
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        value = loss(tf.constant([rows], "float32"), predictions)
    assert np.isfinite(value) and np.isfinite(tape.gradient(value, predictions)).all()


def test_the_config_brings_it_back():
    loss = TaskAligned(32, [4, 8], best=5, alpha=1.0, beta=4.0, gamma=0.5, kind="giou", box_weight=1, class_weight=2)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config() and again.strides == (4, 8) and again.image_size == (32, 32)


def test_predictions_and_targets_are_checked():
    loss = TaskAligned((8, 16), (8,))
    with pytest.raises(ValueError, match=r"`y_pred` must have 2 places for images of \(8, 16\) and the strides \(8,\)"):
        value(loss, [[ABSENT]], places([0, 0, 8, 8, 0.5]))
    with pytest.raises(ValueError, match=r"`y_true` must have shape \(batch, objects, 5\)"):
        value(loss, [[1, 2, 3]], places([0, 0, 8, 6, 0.25], [8, 0, 16, 8, 0.1]))
    with pytest.raises(ValueError, match="`kind` must be one of"):
        TaskAligned(8, (8,), kind="cio")
