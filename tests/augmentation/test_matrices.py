"""What all geometric transforms must keep, on every backend."""

import numpy as np
import pytest
from keras import ops

from kerascnn.augmentation.crops import RandomCrop, RandomResizedCrop
from kerascnn.augmentation.distortions import Elastic, Perspective
from kerascnn.augmentation.flips import QuarterTurn, RandomFlip
from kerascnn.augmentation.geometry import Rotate, Shear, Shift, Zoom
from kerascnn.augmentation.matrices import whole

pytestmark = pytest.mark.backend

TRANSFORMS = (
    RandomFlip(),
    RandomFlip("vertical"),
    QuarterTurn(),
    Shift(0.2),
    Rotate(40),
    Shear(20),
    Shear(20, axes="y"),
    Zoom(0.3, isotropic=False),
    Perspective(0.2),
    RandomResizedCrop((12, 9)),
    RandomCrop((12, 30), padding=2),
    Elastic(4, grid=4),
)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_keras_ops_give_what_numpy_gives(transform):
    u = np.random.default_rng(0).random((64, transform.draws))
    method = transform.displacements if isinstance(transform, Elastic) else transform.matrices
    for size in ((24, 24), (20, 28)):
        ours = method(u, size, np)
        theirs = ops.convert_to_numpy(method(ops.convert_to_tensor(u, "float32"), size, ops))
        assert ours.shape == theirs.shape and (len(np.unique(ours[:, :2], axis=0)) > 1) == (transform.draws > 0)
        np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-4)


def test_a_draw_that_rounds_up_to_one_is_no_number_too_many():
    u = np.array([0, 1 - 2**-24, 1], np.float32)
    assert whole(u, -2, 2, np).tolist() == [-2, 2, 2]
    assert ops.convert_to_numpy(whole(ops.convert_to_tensor(u), 0, 8, ops)).tolist() == [0, 8, 8]
