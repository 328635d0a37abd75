import numpy as np
import pytest
from scipy.ndimage import label

from kerascnn.metrics import warping_error
from kerascnn.metrics.warping import _simple_points, _warped


def picture(*rows):
    return np.array([[character == "#" for character in row] for row in rows])


def topology(mask):
    """How many objects (4 neighbours) and how many backgrounds (8 neighbours, margin included) there are."""
    padded = np.pad(mask, 1)
    return label(padded)[1], label(~padded, np.ones((3, 3)))[1]


def test_simple_points_are_those_that_keep_objects_and_backgrounds():
    ring = [(1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]  # from the east, counter-clockwise
    for code, simple in enumerate(_simple_points()):
        with_middle = np.zeros((3, 3), bool)
        for i, place in enumerate(ring):
            with_middle[place] = code >> i & 1
        without = with_middle.copy()
        with_middle[1, 1] = True
        # within its 8 neighbours alone: one object next to the middle and one background touching it
        objects = label(without)[0]
        near = {objects[ring[i]] for i in range(0, 8, 2)} - {0}
        grounds = label(~with_middle, np.ones((3, 3)))[1]
        assert simple == (len(near) == 1 and grounds == 1)


def test_moved_borders_cost_nothing():
    truth, found = np.zeros((2, 30, 30), bool)
    truth[5:15, 5:15] = True
    found[8:25, 6:13] = True
    assert warping_error(truth, found) == 0
    assert warping_error(found, truth) == 0


@pytest.mark.parametrize(
    ("truth", "found", "wrong"),
    [
        (["####"], ["#.##"], 1),  # split
        (["##.##"], ["#####"], 1),  # merger
        (["###", "###", "###"], ["###", "#.#", "###"], 1),  # hole
        (["....", "...."], ["....", ".#.."], 1),  # one too many
        (["#...", "...."], ["....", "...."], 1),  # one too few
        (["##...", "....."], ["....#", "...##"], 4),  # too far to move without help: all but one pixel vanishes
        (["#.", ".#"], ["##", ".#"], 1),  # diagonal neighbours are two objects
    ],
)
def test_what_changes_the_topology_costs_its_pixels(truth, found, wrong):
    truth, found = picture(*truth), picture(*found)
    assert warping_error(truth, found) * truth.size == pytest.approx(wrong)


def test_the_warped_truth_keeps_its_topology_and_has_no_simple_point_left_that_differs():
    generator = np.random.default_rng(0)
    for _ in range(5):
        truth, found = np.pad(generator.random((2, 14, 15)) < 0.6, ((0, 0), (1, 1), (1, 1)))
        warped = _warped(truth, found)
        assert topology(warped) == topology(truth)
        assert np.sum(warped != found) < np.sum(truth != found)
        for row, column in np.argwhere(warped != found):
            flipped = warped.copy()
            flipped[row, column] ^= True
            around = flipped[row - 1 : row + 2, column - 1 : column + 2]
            code = sum(
                int(around[place]) << i
                for i, place in enumerate([(1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2)])
            )
            assert not _simple_points()[code]


def test_errors():
    with pytest.raises(ValueError, match=r"`truth` must be \(height, width\), as `predicted`, \(2, 3\)"):
        warping_error(np.zeros((2, 2)), np.zeros((2, 3)))
