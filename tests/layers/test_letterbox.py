"""Images fitted to a network as the data are, and boxes brought back to them."""

import keras
import numpy as np
import pytest

from kerascnn.data.images import fit
from kerascnn.layers import Letterbox

SIZES = [(40, 64), (90, 31), (33, 48), (120, 200), (32, 48), (7, 5)]
every_way = pytest.mark.parametrize("resize", ["letterbox", "stretch", "crop"])


def photo(height, width):
    """Smooth stripes and an edge, in three channels."""
    y, x = np.mgrid[:height, :width] / 8
    planes = [np.sin(x), np.cos(y), (x > width / 16) * 2 - 1]
    return (np.stack(planes, -1) * 110 + 127).astype("uint8")


@pytest.mark.backend
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
def test_it_is_what_the_data_are(size, resize):
    image = photo(*size)
    found = np.asarray(Letterbox(32, 48, resize)(image[None]))[0]
    assert found.shape == (32, 48, 3) and found.dtype == np.float32
    assert np.abs(found - fit(image, (32, 48), resize)).max() < 1.6


@pytest.mark.parametrize("size", [(40, 64), (96, 48), (64, 200)])
def test_a_crop_is_that_of_the_data_but_for_parts_of_a_pixel(size):
    image = photo(*size)[..., :2]  # without the edge
    found = np.asarray(Letterbox(32, 48, "crop")(image[None]))[0]
    assert np.abs(found - fit(image, (32, 48), "crop")).max() < 12


def test_an_image_of_the_right_size_is_not_touched():
    image = photo(32, 48)
    np.testing.assert_array_equal(np.asarray(Letterbox(32, 48)(image[None]))[0], image)


@pytest.mark.parametrize("size", SIZES)
@every_way
def test_a_painted_box_is_found_where_it_was(size, resize):
    height, width = size
    box = np.array([width // 4, height // 4, width // 4 + max(2, width // 2), height // 4 + max(2, height // 2)])
    image = np.zeros((1, height, width, 1), "float32")
    image[0, box[1] : box[3], box[0] : box[2]] = 200
    layer = Letterbox(96, 96, resize)
    y, x = np.nonzero(np.asarray(layer(image))[0, ..., 0] > 100)
    seen = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    pixel = max(1, width / 96, height / 96)
    seen_whole = (
        np.asarray(layer.restore(np.array([0, 0, 96, 96]), size)) if resize == "crop" else [0, 0, width, height]
    )
    expected = np.clip(box, [*seen_whole[:2]] * 2, [*seen_whole[2:]] * 2)
    np.testing.assert_allclose(layer.restore(np.array(seen, "float32"), size), expected, atol=pixel)


@pytest.mark.backend
def test_boxes_by_hand():
    boxes = np.array([[[16, 24, 48, 40], [0, 0, 64, 64]]], "float32")
    expected = [[[50, 25, 150, 75], [0, 0, 200, 100]]]  # 200 x 100 became 64 x 32 with margins of 16
    np.testing.assert_allclose(Letterbox(64, 64).restore(boxes, (100, 200)), expected)
    np.testing.assert_allclose(Letterbox(64, 64, "stretch").restore(boxes[:, :1], (128, 32)), [[[8, 48, 24, 80]]])
    np.testing.assert_allclose(Letterbox(64, 64, "crop").restore(boxes[:, 1:], (64, 128)), [[[32, 0, 96, 64]]])


def test_sizes_that_are_not_known_are_an_error():
    with pytest.raises(ValueError, match="`inputs` must be images of a known size"):
        Letterbox(8, 8).call(keras.Input((None, None, 3)))
    with pytest.raises(ValueError, match="`resize` must be one of"):
        Letterbox(8, 8, "letterbocks")
