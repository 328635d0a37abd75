"""Padding and cropping by hand, and as inverses of each other for sizes that are not known beforehand."""

import keras
import numpy as np
import pytest

from kerascnn.layers import CropToReference, PadToMultiple

pytestmark = pytest.mark.backend


def row(*values):
    return np.array(values, "float32").reshape(1, -1, 1)


@pytest.mark.parametrize(
    ("values", "multiple", "expected"),
    [
        ((1, 2, 3), 1, (1, 2, 3)),
        ((1, 2, 3), 3, (1, 2, 3)),
        ((1, 2, 3), 4, (1, 2, 3, 3)),
        ((1, 2, 3), 5, (1, 2, 3, 3, 2)),
        ((1, 2), 8, (1, 2, 2, 1, 1, 2, 2, 1)),  # mirrored again where the padding is wider than the image
        ((7,), 4, (7, 7, 7, 7)),
    ],
)
def test_a_row_is_mirrored_at_its_end(values, multiple, expected):
    assert np.asarray(PadToMultiple(multiple)(row(*values))).flatten().tolist() == list(expected)


def test_narrow_padding_is_that_of_numpy():
    image = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    expected = np.pad(image, ((0, 0), (0, 3), (0, 2), (0, 0)), "symmetric")
    np.testing.assert_array_equal(PadToMultiple(8)(image), expected)


@pytest.mark.parametrize("sizes", [(11,), (3, 10), (5, 6, 7)])
def test_the_crop_takes_the_padding_back_in_a_graph_of_unknown_sizes(sizes):
    inputs = keras.Input((*(None for _ in sizes), 2))
    padded = PadToMultiple(8)(inputs)
    assert padded.shape == inputs.shape
    model = keras.Model(inputs, [padded, CropToReference("start")([padded, inputs])])
    images = np.random.default_rng(0).normal(size=(2, *sizes, 2)).astype("float32")
    wide, back = model.predict(images, verbose=0)
    assert wide.shape == (2, *(-(-size // 8) * 8 for size in sizes), 2)
    np.testing.assert_array_equal(back, images)


def test_the_crop_takes_the_middle():
    x, reference = np.arange(42.0, dtype="float32").reshape(1, 6, 7, 1), np.zeros((1, 3, 7, 5), "float32")
    np.testing.assert_array_equal(CropToReference()([x, reference]), x[:, 1:4])


def test_the_crop_takes_the_start():
    x, reference = np.arange(42.0, dtype="float32").reshape(1, 6, 7, 1), np.zeros((1, 3, 7, 5), "float32")
    np.testing.assert_array_equal(CropToReference("start")([x, reference]), x[:, :3])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(None, 4, 4, 1), (None, 5, 4, 1)], r"`reference` must be no larger than x, of sizes \(4, 4\)"),
        ([(None, 4, 4, 1), (None, 4, 1)], "`reference` must be no larger than x"),
        ([(None, 4, 4, 1)], "`inputs` must be two maps"),
    ],
)
def test_a_crop_that_cannot_be_is_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        CropToReference()([keras.Input(batch_shape=shape) for shape in shapes])


def test_a_single_map_is_no_pair():
    with pytest.raises(ValueError, match="`inputs` must be two maps"):
        CropToReference()(keras.Input((4, 4)))


def test_the_multiple_is_checked():
    with pytest.raises(ValueError, match="`multiple` must be an integer of at least 1"):
        PadToMultiple(0)
