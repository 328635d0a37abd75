"""The boxes of cells by hand, and where cells lie for the loss."""

import keras
import numpy as np
import pytest

from kerascnn.boxes import cell_centres
from kerascnn.layers import CellBoxes

pytestmark = pytest.mark.backend


def test_distances_are_powers_of_e_in_strides():
    sides = np.log([[[[0.5, 1, 2, 1]], [[1, 1, 1, 3]]]]).astype("float32")  # cells (0, 0) and (1, 0) of two rows
    expected = [[[0, -4, 20, 12], [-4, 4, 12, 36]]]
    np.testing.assert_allclose(CellBoxes(8)(sides), expected, atol=1e-5)


def test_the_centres_are_those_of_the_loss():
    """A box's middle is its cell's centre if all sides are equal, in the order that the loss supposes."""
    inputs = keras.Input((None, None, 1))
    levels = [CellBoxes(s)(keras.layers.Conv2D(4, s, s, kernel_initializer="zeros")(inputs)) for s in (4, 8)]
    model = keras.Model(inputs, keras.layers.Concatenate(axis=1)(levels))
    boxes = np.asarray(model(np.zeros((2, 24, 40, 1), "float32")))
    assert boxes.shape == (2, 75, 4)
    np.testing.assert_array_equal((boxes[..., :2] + boxes[..., 2:]) / 2, [cell_centres((21, 33), (4, 8))] * 2)


def test_wild_numbers_stay_finite():
    assert np.isfinite(np.asarray(CellBoxes(32)(np.full((1, 2, 2, 4), 1e9, "float32")))).all()


def test_four_channels_are_needed():
    with pytest.raises(ValueError, match="`inputs` must have shape"):
        CellBoxes(8)(np.zeros((1, 2, 2, 5)))
