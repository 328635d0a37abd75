import numpy as np
import pytest
from keras import ops
from scipy.ndimage import distance_transform_edt

from kerascnn.losses import Boundary
from kerascnn.losses.boundary import _signed_distance

pytestmark = pytest.mark.backend


def scipy_distance(mask):
    """The distance map of the paper's code: outside the distance, inside 1 - the distance to the outside."""
    return distance_transform_edt(mask == 0) * (mask == 0) - (distance_transform_edt(mask) - 1) * (mask != 0)


@pytest.mark.parametrize("shape", [(40,), (17, 23), (6, 7, 8)])
@pytest.mark.parametrize("radius", [1, 4, 50])
def test_distances_are_exact_up_to_the_radius(shape, radius):
    masks = (np.random.default_rng(0).random((2, *shape)) < 0.05).astype("float32")
    masks[:, 1:3] = 1
    ours = ops.convert_to_numpy(_signed_distance(ops.convert_to_tensor(masks[..., None]), radius))[..., 0]
    exact = np.stack([scipy_distance(mask) for mask in masks])
    np.testing.assert_allclose(ours, np.clip(exact, 1 - radius, radius), atol=1e-5)


def test_by_hand():
    masks = np.array([[0, 0, 1, 1, 0]])  # distances of class 1: 2, 1, 0, 0, 1; of class 0: -1, 0, 1, 1, 0
    sure = np.eye(2, dtype="float32")[np.array([[1, 0, 1, 1, 1]])]
    # class 1: 2 + 0 + 0 + 1; class 0: 0, over 5 pixels and 2 classes in units of 4 pixels
    assert float(Boundary(radius=4)(masks, sure)) == pytest.approx(3 / 4 / 10, rel=1e-6)
    assert float(Boundary(radius=4)(masks, np.eye(2, dtype="float32")[masks])) == pytest.approx(-1 / 4 / 10, rel=1e-6)


def test_an_image_without_the_class_adds_nothing():
    masks = np.array([[0, 0, 0], [0, 1, 0]])
    first = np.array([[[0.0, 1.0]] * 3, [[1.0, 0.0]] * 3], "float32")
    weighted = Boundary(radius=4, class_weight=(0, 1))
    assert float(weighted(masks, first)) == 0
    assert float(weighted(masks, first[::-1])) == pytest.approx(2 / 4 / 12, rel=1e-6)


def test_masks_one_a_class():
    each = np.array([[[1], [0], [0]]])
    probabilities = np.array([[[0.0], [0.5], [1.0]]], "float32")
    value = float(Boundary(radius=2, multi_label=True)(each, probabilities))
    assert value == pytest.approx((0.5 + 2) / 2 / 3, rel=1e-6)
