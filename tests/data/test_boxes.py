import numpy as np
import pytest

from kerascnn.data import fit, fit_boxes, unfit_boxes
from kerascnn.data.boxes import count_objects, counting, packed, single

SIZES = [((30, 50), (64, 64)), ((50, 30), (33, 65)), ((64, 48), (96, 72)), ((31, 31), (40, 80)), ((20, 30), (20, 30))]


@pytest.mark.parametrize(("size", "to_size"), SIZES)
@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
def test_boxes_move_as_the_pixels_of_their_images_do(size, to_size, resize):
    """A bright rectangle is found where its box says, to within the blur of resizing."""
    image, y, x = np.zeros((*size, 1), np.float32), size[0] // 2, size[1] // 2
    image[y - 4 : y + 3, x - 5 : x + 4] = 200
    ((left, top, right, bottom),) = fit_boxes([[x - 5, y - 4, x + 4, y + 3]], size, to_size, resize)
    fitted = fit(image, to_size, resize)[..., 0]
    inner = fitted[int(np.ceil(top)) + 1 : int(bottom) - 1, int(np.ceil(left)) + 1 : int(right) - 1]
    rows, columns = np.nonzero(fitted > 100)
    found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    np.testing.assert_allclose(found, (left, top, right, bottom), atol=1)
    assert inner.size and inner.min() > 100


@pytest.mark.parametrize(("size", "to_size"), SIZES)
@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
def test_unfit_is_the_inverse_of_fit(size, to_size, resize):
    rng = np.random.default_rng(0)
    middle = np.array(size[::-1]) / 2
    first, last = rng.uniform(middle - 5, middle, (20, 2)), rng.uniform(middle + 1, middle + 5, (20, 2))
    boxes = np.concatenate([first, last, rng.integers(0, 3, (20, 1))], axis=1).astype(np.float32)
    fitted = fit_boxes(boxes, size, to_size, resize)
    assert fitted.shape == (20, 5) and fitted.dtype == np.float32
    np.testing.assert_allclose(unfit_boxes(fitted, size, to_size, resize), boxes, atol=1e-4)
    np.testing.assert_array_equal(unfit_boxes(fitted[None], size, to_size, resize)[0, :, 4], boxes[:, 4])


def test_exact_numbers():
    box = [[10, 20, 30, 40]]
    assert fit_boxes(box, (100, 200), (50, 50)).tolist() == [[2.5, 10, 7.5, 20]]
    assert fit_boxes(box, (100, 200), 50, "letterbox").tolist() == [[2.5, 12 + 5, 7.5, 12 + 10]]  # 25 of 50 rows
    assert fit_boxes([[60, 20, 80, 40]], (100, 200), 50, "crop").tolist() == [[5, 10, 15, 20]]  # columns 50 to 150
    assert fit_boxes([[-5, 0, 300, 100]], (100, 200), (100, 200)).tolist() == [[0, 0, 200, 100]]
    assert fit_boxes(np.empty((0, 5)), (4, 4), 8).shape == (0, 5)
    with pytest.raises(ValueError, match="`resize` must be one of"):
        fit_boxes(box, 8, 8, "squeeze")


def test_a_crop_drops_what_it_cuts_away():
    boxes = np.array(
        [[0, 0, 50, 9, 0], [0, 0, 55, 9, 1], [0, 0, 56, 9, 2], [60, 0, 90, 9, 3]]
    )  # columns 50 to 150 stay
    assert fit_boxes(boxes, (100, 200), 100, "crop").tolist() == [[0, 0, 6, 9, 2], [10, 0, 40, 9, 3]]


def test_what_lies_in_the_margins_of_a_letterbox_is_outside():
    assert unfit_boxes([[0, 0, 40, 15]], (40, 80), 40, "letterbox").tolist() == [[0, 0, 80, 10]]


def test_rows_are_packed_and_counted():
    table = packed([np.empty((0, 5)), np.array([[0, 0, 2, 2, 1], [1, 1, 2, 2, -3], [0, 0, 1, 1, 0]])])
    assert table.dtype == np.float32 and table.shape == (2, 3, 5)
    assert table[0].tolist() == [[0, 0, 0, 0, -1]] * 3
    assert count_objects(table, 3).tolist() == [[0, 0, 0], [1, 1, 0]]
    assert count_objects(table[:, 0], 2).tolist() == [[0, 0], [0, 1]]
    assert packed([]).shape == (0, 1, 5)
    assert single(table[1:, 1:])[:, 4].tolist() == [1] and table[1, 1, 4] == -3
    assert counting(np.array([-1, 0, -2, -9])).tolist() == [-1, 0, 0, 7]
