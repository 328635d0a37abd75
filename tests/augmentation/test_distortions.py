import itertools
import math

import cv2
import numpy as np
import pytest

from kerascnn.augmentation.distortions import MOST, Elastic, Perspective
from kerascnn.augmentation.warp import warp

U = np.random.default_rng(0).random((50, 8))
CORNERS = np.array([(-4, -3), (4, -3), (4, 3), (-4, 3)], float)  # of an image of 6 x 8 pixels, clockwise


def project(matrices, points):
    moved = np.c_[points, np.ones(len(points))] @ matrices.transpose(0, 2, 1)
    return moved[..., :2] / moved[..., 2:], moved[..., 2]


def test_perspective_is_opencvs():
    ours = Perspective(0.2).matrices(U, (6, 8), np)
    moves = (2 * U - 1) * 0.2
    for matrix, move in zip(ours, moves, strict=True):
        targets = CORNERS + np.sign(CORNERS) * np.stack([move[:4] * 8, move[4:] * 6], axis=-1)  # outwards
        theirs = cv2.getPerspectiveTransform(CORNERS.astype(np.float32), targets.astype(np.float32))
        np.testing.assert_allclose(matrix, theirs, atol=1e-5)
    assert abs(ours[:, 2, :2]).max() > 0.01


def test_corners_stay_within_the_share():
    moved, _ = project(Perspective((-0.1, 0)).matrices(U, (6, 8), np), CORNERS)
    inwards = np.abs(CORNERS) - np.abs(moved)
    assert (inwards >= -1e-9).all() and (inwards <= (0.8 + 1e-9, 0.6 + 1e-9)).all()


def test_extreme_corners_are_before_the_viewer_and_keep_the_horizon_out():
    u = np.array(list(itertools.product((0.0, 1.0), repeat=8)))
    for share in (MOST, 0.18):
        matrices = Perspective(share).matrices(u, (6, 8), np)
        assert (project(matrices, CORNERS)[1] > 0).all() and (np.linalg.det(matrices) > 0).all()
    back = np.linalg.inv(matrices)
    assert (project(back / back[:, 2:, 2:], CORNERS)[1] > 0).all()


def test_displacements_are_box_and_mullers():
    u = np.zeros((1, 8))
    u[0, :4] = 1 - math.exp(-0.5), 0.25, 1 - math.exp(-2), 0.5
    field = Elastic(10, grid=2).displacements(u, (6, 8), np)
    np.testing.assert_allclose(field[0], [[(0, 10), (-20, 0)], [(0, 0), (0, 0)]], atol=1e-9)


def test_displacements_are_normal_and_of_the_strength():
    elastic = Elastic(10)
    field = elastic.displacements(np.random.default_rng(1).random((2000, elastic.draws)), (6, 8), np)
    assert field.shape == (2000, 3, 3, 2)
    shares = [(abs(field) < 10 * deviations).mean() for deviations in (1, 2, 3)]
    np.testing.assert_allclose(shares, [0.6827, 0.9545, 0.9973], atol=0.01)
    across = field.reshape(2000, -1)
    assert abs(np.corrcoef(across.T) - np.eye(18)).max() < 5 / 2000**0.5


def test_a_picture_is_bent_smoothly():
    columns = np.tile(np.arange(64, dtype=np.float32) * 4, (48, 1))[None, ..., None]
    elastic = Elastic(3)
    field = elastic.displacements(np.random.default_rng(5).random((1, elastic.draws)), (48, 64), np)
    bent = warp(columns, np.eye(3)[None], (48, 64), "edge", field)[0, 6:-6, 12:-12, 0]
    shown = bent / 4 - np.arange(12, 52)  # from how far to the right each pixel was taken
    assert abs(shown).max() < 12 and shown.std() > 0.5
    assert abs(np.diff(shown, n=2, axis=0)).max() < 0.3  # no folds or steps


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Perspective(0.25), "share"),
        (lambda: Elastic(-1), "strength"),
        (lambda: Elastic(grid=1), "grid"),
    ],
)
def test_arguments_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make()


def test_boxes_cannot_be_bent():
    assert Elastic.targets == {"labels", "segmentation_masks", "target_images"}
