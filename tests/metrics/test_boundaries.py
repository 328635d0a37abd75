import numpy as np
import pytest

from kerascnn.metrics import boundary_f


def square(shift=0, size=20, side=8):
    mask = np.zeros((size, size), int)
    mask[4 : 4 + side, 4 + shift : 4 + shift + side] = 1
    return mask


def test_within_the_tolerance_it_is_perfect():
    assert boundary_f(square(), square(), 2).tolist() == [1, 1]
    assert boundary_f(square(), square(2), 2, tolerance=2).tolist() == [1, 1]
    assert boundary_f(square(), square(2), 2, tolerance=1.9)[1] < 1


def test_by_hand():
    # a ring of 28 pixels, moved right by 3: 5 pixels of its top and 5 of its bottom still lie on the old ring
    value = boundary_f(square(), square(3), 2, tolerance=0)[1]
    assert value == pytest.approx(10 / 28)


def test_precision_and_recall_differ():
    truth, found = np.zeros((2, 1, 30), int)
    truth[0, 5:10] = 1  # border at 5 and 9
    found[0, 5:10] = 1
    found[0, 20] = 1  # and one at 20
    assert boundary_f(truth, found, 2, tolerance=1)[1] == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))


def test_the_edge_of_the_image_is_no_border():
    whole = np.ones((6, 6), int)
    assert np.isnan(boundary_f(whole, whole, 2)).all()
    part = whole.copy()
    part[:, 3:] = 0
    assert boundary_f(whole, part, 2).tolist() == [0, 0]


def test_what_touches_ignored_pixels_is_no_border():
    truth = np.array([[1, 1, 255, 0, 0]])
    assert np.isnan(boundary_f(truth, truth, 2)).all()
    assert boundary_f(truth, np.array([[1, 1, 0, 0, 0]]), 2, ignore=None).tolist() == [1, 1]
    assert np.isnan(boundary_f(truth, np.array([[1, 1, 1, 0, 0]]), 2)).all()


def test_errors():
    with pytest.raises(ValueError, match=r"`truth` must be \(height, width\), as `predicted`, \(2, 3\)"):
        boundary_f(np.zeros((2, 2)), np.zeros((2, 3)), 2)
    with pytest.raises(ValueError, match=r"`tolerance` must be in \[0, inf\)"):
        boundary_f(square(), square(), 2, tolerance=-1)
