import numpy as np
import pytest

from kerascnn import filters
from kerascnn.layers import FixedConv2D
from kerascnn.noise import Gaussian, SaltAndPepper

RAMP = np.broadcast_to(np.arange(0, 240, 6.0)[None, :, None], (40, 40, 3))
STEP = np.where(np.arange(40) < 20, 60.0, 180.0)[None, :, None] * np.ones((40, 1, 1))


@pytest.mark.parametrize("name", filters.FILTERS)
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_filters_keep_shape_and_constant_images(name, channels, dtype):
    image = np.full((17, 23, channels), 90, dtype)
    before = image.copy()
    done = filters.FILTERS[name](image)
    assert done.shape == image.shape and done.dtype == np.float32
    np.testing.assert_allclose(done, 90, atol=1e-4)
    np.testing.assert_array_equal(image, before)


def test_channels_do_not_touch_each_other_where_each_is_by_itself():
    image = np.random.default_rng(0).uniform(0, 255, (20, 20, 5)).astype("float32")
    for name, own in filters.FILTERS.items():
        alone = np.concatenate([own(image[..., c : c + 1]) for c in range(5)], axis=-1)
        np.testing.assert_allclose(own(image), alone, atol=1e-3, err_msg=name)


def test_median_by_hand():
    image = np.array([[1, 2, 3], [4, 300, 6], [7, 8, -9]], "float32")[..., None]
    assert filters.median(image)[1, 1, 0] == 4  # of -9 1 2 3 4 6 7 8 300, unclipped
    np.testing.assert_allclose(filters.median(RAMP, 7)[5:-5, 5:-5], RAMP[5:-5, 5:-5])


def test_gaussian_spreads_a_point_by_its_formula():
    image = np.zeros((21, 21, 1))
    image[10, 10] = 1000
    done = filters.gaussian(image, 1.5)[..., 0]
    np.testing.assert_allclose(done.sum(), 1000, rtol=1e-4)
    np.testing.assert_allclose(done[10, 12] / done[10, 10], np.exp(-(2**2) / (2 * 1.5**2)), rtol=1e-4)


@pytest.mark.parametrize(
    "kernel", ["sobel_x", "gauss", [[0, 1, 2], [3, 4, 5]], [[1, 2], [3, 4], [5, 6], [7, 8]]], ids=str
)
def test_designed_kernels_are_those_of_the_layer(kernel):
    image = np.random.default_rng(0).uniform(0, 255, (9, 11, 2)).astype("float32")
    expected = FixedConv2D(kernel, padding="reflect")(image[None])[0]
    np.testing.assert_allclose(filters.convolved(image, kernel), expected, rtol=1e-4, atol=1e-2)


def test_bilateral_keeps_an_edge_that_gaussian_blurs():
    kept, blurred = filters.bilateral(STEP, 20, 2), filters.gaussian(STEP, 2)
    assert np.abs(kept - STEP).max() < 1 and np.abs(blurred - STEP).max() > 40


def test_non_local_means_averages_what_looks_alike():
    noisy = Gaussian(20)(STEP[None])[0]
    done = filters.non_local_means(noisy, 25)
    assert np.abs(done - STEP).mean() < 0.5 * np.abs(noisy - STEP).mean()


def test_noise_outside_of_the_range_does_not_lift_black():
    noisy = Gaussian(25)(np.zeros((1, 60, 60, 1)))[0]
    assert abs(filters.non_local_means(noisy, 40).mean()) < 1 < np.clip(noisy, 0, 255).mean()


def test_the_best_filter_against_grains_is_a_median_and_its_psnr_is_told():
    clean = np.stack([RAMP, RAMP[::-1, ::-1]])
    noisy = SaltAndPepper(0.1)(clean)
    best = filters.best_filter(noisy, clean)
    assert best.name == "median"
    errors = [np.mean((filters.median(a, **best.parameters) - b) ** 2) for a, b in zip(noisy, clean, strict=True)]
    np.testing.assert_allclose(best.psnr, np.mean(10 * np.log10(255**2 / np.array(errors))), rtol=1e-5)


def test_the_best_parameters_are_those_of_the_grid_with_the_highest_psnr():
    clean = [RAMP, STEP]
    noisy = [Gaussian(30)(image[None])[0] for image in clean]
    best = filters.best_filter(noisy, clean, names=["gaussian"])
    scores = {}
    for sigma in filters.GRIDS["gaussian"]["sigma"]:
        pairs = zip(noisy, clean, strict=True)
        errors = [np.mean((np.clip(filters.gaussian(a, sigma), 0, 255) - b) ** 2) for a, b in pairs]
        scores[sigma] = -np.mean(np.log10(errors))
    assert best.name == "gaussian" and best.parameters["sigma"] == max(scores, key=scores.get)
    assert len(set(scores.values())) == len(scores)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: filters.median(RAMP, 4), "`size` must be odd"),
        (lambda: filters.convolved(RAMP, "gaus"), "Did you mean .gauss"),
        (lambda: filters.convolved(RAMP, [1, 2]), "`kernel` must be a name or a matrix"),
        (lambda: filters.gaussian(RAMP, 0), "`sigma` must be in"),
        (lambda: filters.bilateral(RAMP, -1), "`sigma_colour` must be in"),
        (lambda: filters.non_local_means(RAMP[None]), "`image` must be"),
        (lambda: filters.best_filter([RAMP], [STEP]), "`clean` must have the shapes"),
        (lambda: filters.best_filter([], []), "at least one image"),
        (lambda: filters.best_filter([RAMP], [RAMP], names=["medium"]), "Did you mean 'median'"),
    ],
)
def test_wrong_arguments_are_named(make, part):
    with pytest.raises(ValueError, match=part):
        make()
