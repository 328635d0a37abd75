import numpy as np
import pytest

from kerascnn.augmentation import Cutout, RandomFlip, Rotate, Shift, Zoom

DRAWS = np.random.default_rng(0).random((4000, 2))


def matrices(transform, draws, height=20, width=40):
    return transform.matrices(np.asarray(draws, float).reshape(-1, transform.draws), height, width)


def test_flip_mirrors_half():
    flips = matrices(RandomFlip("horizontal"), DRAWS[:, 0])
    assert set(flips[:, 0, 0]) == {-1, 1} and (flips[:, 1, 1] == 1).all()
    assert abs((flips[:, 0, 0] == -1).mean() - 0.5) < 0.04
    assert (matrices(RandomFlip("vertical"), [0.1])[0] == np.diag([1, -1, 1])).all()


def test_shift_draws_every_whole_pixel_equally():
    shifts = matrices(Shift(0.1), DRAWS)
    for axis, most in ((0, 4), (1, 2)):
        values, counts = np.unique(shifts[:, axis, 2], return_counts=True)
        assert values.tolist() == list(range(-most, most + 1))
        assert counts.min() > 0.75 * 4000 / len(values)


def test_rotation_and_zoom_at_their_ends():
    quarter = matrices(Rotate(90), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(quarter[0, :2, :2], [[0, 1], [-1, 0]], atol=1e-12)
    np.testing.assert_allclose(quarter[1], np.eye(3))
    np.testing.assert_allclose(quarter[2, :2, :2], [[0, -1], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(matrices(Zoom(0.25), [0, 0.5, 1])[:, 0, 0], [0.8, 1, 1.25])


def test_cutout_sets_a_square_to_the_mean():
    images = np.zeros((2, 8, 8, 3), np.float32)
    images[:, :4] = 100
    Cutout(0.5).pixels(images, np.array([[0.5, 0.5], [0.0, 0.99]]))  # centres (4, 4) and (0, 7)
    assert (images[0, 2:6, 2:6] == 50).all() and (images[0] == 50).sum() == 16 * 3
    assert (images[1, :2, 5:] == 50).all() and (images[1] == 50).sum() == 6 * 3


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: RandomFlip("diagonal"), "direction"),
        (lambda: Shift(1), "share"),
        (lambda: Rotate(181), "degrees"),
        (lambda: Zoom(-0.1), "share"),
        (lambda: Cutout(0), "size"),
    ],
)
def test_arguments_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make()
