"""Equation (3) of the paper, term by term."""

import keras
import numpy as np
import pytest

from kerascnn.losses import YoloLoss

SIZE = (20, 40)  # cells of 10 x 20 pixels in a grid of 2
TRUTH = [22, 1, 38, 9, 1]  # centre (30, 5): the second cell of the first row, x = y = 1/2, w = h = 0.4
ABSENT = [0, 0, 0, 0, -1]


def empty():
    return np.zeros((1, 2, 2, 2 * 5 + 3), "float32")


def value(truths, predictions, **options):
    loss = YoloLoss(SIZE, grid=2, boxes=2, classes=3, **options)
    return float(loss(np.array([truths], "float32"), predictions))


def exact():
    """The second box of the right cell is the truth, its class is certain."""
    predictions = empty()
    predictions[0, 0, 1, 5:10] = [0.5, 0.5, 0.4**0.5, 0.4**0.5, 1]
    predictions[0, 0, 1, 11] = 1
    return predictions


@pytest.mark.backend
def test_the_truth_costs_nothing():
    assert value([TRUTH, ABSENT], exact()) == pytest.approx(0, abs=1e-6)


@pytest.mark.backend
def test_each_term_by_hand():
    moved = exact()
    moved[0, 0, 1, 5:7] += [0.1, -0.2]  # still the one with the highest IoU: half of it, as below
    width, height = 0.8 - 0.1, 0.8 - 0.2  # in cells, overlapping
    overlap = width * height / (2 * 0.64 - width * height)
    expected = 5 * (0.01 + 0.04) + (1 - overlap) ** 2
    assert value([TRUTH], moved) == pytest.approx(expected, rel=1e-5)
    assert value([TRUTH], moved, coord=1.0) == pytest.approx(0.05 + (1 - overlap) ** 2, rel=1e-5)

    sure = exact()
    sure[0, 1, 0, 4] = 0.6  # where nothing is
    sure[0, 0, 1, 4] = 0.2  # the other box of the cell that has the object
    assert value([TRUTH], sure) == pytest.approx(0.5 * (0.36 + 0.04), rel=1e-5)
    assert value([TRUTH], sure, no_object=1.0) == pytest.approx(0.40, rel=1e-5)

    wrong = exact()
    wrong[0, 0, 1, 10:] = [0.3, 0.6, 0]
    wrong[0, 1, 1, 10:] = [1, 1, 1]  # a cell without an object may say what it likes
    assert value([TRUTH], wrong) == pytest.approx(0.09 + 0.16, rel=1e-5)


@pytest.mark.backend
def test_sizes_count_by_their_roots():
    large = exact()
    large[0, 0, 1, 7] = 0.8  # w = 0.64 in place of 0.4
    overlap = 0.4 / 0.64
    assert value([TRUTH], large) == pytest.approx(5 * (0.8 - 0.4**0.5) ** 2 + (1 - overlap) ** 2, rel=1e-5)


@pytest.mark.backend
def test_of_two_objects_in_a_cell_the_first_counts_and_difficult_ones_do_not():
    other = [24, 2, 36, 8, 2]
    assert value([TRUTH, other], exact()) == pytest.approx(0, abs=1e-6)
    assert value([[*other[:4], -2 - 2], TRUTH], exact()) == pytest.approx(0, abs=1e-6)
    assert value([other, TRUTH], exact()) > 0.1


@pytest.mark.backend
def test_an_image_without_objects_is_only_told_to_be_quiet():
    predictions = empty() + 0.5
    assert value([ABSENT], predictions) == pytest.approx(0.5 * 8 * 0.25)


def test_the_responsible_box_is_the_one_with_the_higher_overlap():
    loss = YoloLoss(SIZE, grid=2, boxes=2, classes=3)
    predictions = exact()
    predictions[0, 0, 1, :5] = [0.5, 0.5, 0.3, 0.3, 1]
    cells = loss.assign(np.array([[TRUTH]], "float32"), predictions)
    assert np.asarray(cells.has)[0].tolist() == [0, 1, 0, 0]
    assert np.asarray(cells.responsible)[0, 1].tolist() == [0, 1]
    np.testing.assert_allclose(np.asarray(cells.overlaps)[0, 1], [0.09**2 / 0.4**2, 1], rtol=1e-5)


@pytest.mark.parametrize("rows", [[ABSENT], [TRUTH], [[5, 5, 5, 5, 0]], [[40, 20, 40, 20, 0]]])
def test_gradients_are_finite(rows):
    tf = pytest.importorskip("tensorflow")
    loss = YoloLoss(SIZE, grid=2, boxes=2, classes=3)
    predictions = tf.constant(empty())
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        found = loss(tf.constant([rows], "float32"), predictions)
    assert np.isfinite(found) and np.isfinite(tape.gradient(found, predictions)).all()


def test_config_and_checks():
    loss = YoloLoss(SIZE, grid=2, boxes=1, classes=3, coord=1.0, no_object=2.0)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config() and again.image_size == SIZE
    with pytest.raises(ValueError, match=r"`y_pred` must have shape \(batch, \*\(2, 2, 8\)\)"):
        loss(np.array([[TRUTH]], "float32"), empty())
