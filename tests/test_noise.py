import numpy as np
import pytest

from kerascnn import noise
from kerascnn.noise import Gaussian, Masked, Poisson, SaltAndPepper

GREY = np.full((2, 200, 200, 3), 100, "uint8")
ALL = [Gaussian(25), Gaussian((5, 50)), Poisson(30), SaltAndPepper(0.2), Masked(0.3), Masked(0.3, fill="mean")]
ALL += [Poisson(30) + Gaussian(5) + Masked(0.1)]


@pytest.mark.parametrize("kind", ALL, ids=str)
def test_noise_is_a_function_of_seed_epoch_and_index_alone(kind):
    images = np.random.default_rng(0).integers(0, 256, (4, 9, 7, 3)).astype("uint8")
    before = images.copy()
    spoiled = kind(images, [3, 8, 8, 0], 2, 5)
    assert spoiled.dtype == np.float32 and spoiled.shape == images.shape
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(kind(images[[3, 1]], [0, 8], 2, 5), spoiled[[3, 1]])
    np.testing.assert_array_equal(kind(images.astype("float32"), [3, 8, 8, 0], 2, 5), spoiled)
    for epoch, seed, index in [(3, 5, 3), (2, 6, 3), (2, 5, 4), (5, 2, 3), (-1, -1, -1)]:
        assert (kind(images[:1], [index], epoch, seed) != spoiled[:1]).any()
    assert (kind(images[[1, 1]], [3, 8]) != kind(images[[1, 1]], [8, 3])).any()


def test_an_index_counts_from_zero_where_it_is_not_given():
    np.testing.assert_array_equal(Gaussian()(GREY), Gaussian()(GREY, [0, 1], 0, 0))
    with pytest.raises(ValueError, match="`indices` and `images` must have one entry an example"):
        Gaussian()(GREY, [0])


def test_gaussian_noise_has_its_deviation_and_leaves_the_range():
    spoiled = Gaussian(25)(np.zeros((1, 300, 300, 3)))
    assert abs(spoiled.mean()) < 0.2 and abs(spoiled.std() - 25) < 0.2 and spoiled.min() < -75
    halves = np.abs(spoiled) < 25 * 0.6745  # half of a normal distribution
    assert abs(halves.mean() - 0.5) < 0.01
    neighbours = np.corrcoef(spoiled[0, :, 1:].ravel(), spoiled[0, :, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.01
    assert Gaussian(25, clip=True)(np.zeros((1, 50, 50, 1))).min() == 0


def test_a_pair_is_drawn_evenly_for_each_image():
    deviations = Gaussian((10, 30))(np.zeros((200, 40, 40, 1))).std(axis=(1, 2, 3))
    assert 9 < deviations.min() < 12 and 28 < deviations.max() < 32 and abs(deviations.mean() - 20) < 1.5


def test_photons_keep_the_mean_and_scatter_with_its_root():
    spoiled = Poisson(30)(GREY)
    photons = 100 / 255 * 30
    assert abs(spoiled.mean() - 100) < 0.3
    assert abs(spoiled.std() - 255 / 30 * photons**0.5) < 0.3
    counts = spoiled * 30 / 255
    np.testing.assert_allclose(counts, counts.round(), atol=1e-4)
    assert Poisson(30)(np.full((1, 2, 2, 1), -5.0)).max() == 0  # after a Gaussian there may be less than no light


def test_salt_and_pepper_take_whole_pixels_in_equal_parts():
    spoiled = SaltAndPepper(0.2)(GREY)
    assert (spoiled == spoiled[..., :1]).all()
    shares = [(spoiled[..., 0] == level).mean() for level in (0, 255, 100)]
    np.testing.assert_allclose(shares, [0.1, 0.1, 0.8], atol=0.006)


def test_masked_pixels_have_the_filling():
    image = np.zeros((1, 100, 100, 2))
    image[..., 0], image[:, :50, :, 1] = 7, 20
    gone = Masked(0.25, fill=255)(image) == 255
    assert (gone[..., 0] == gone[..., 1]).all() and abs(gone.mean() - 0.25) < 0.015
    mean = Masked(1, fill="mean")(image)
    np.testing.assert_allclose(mean[0, 3, 4], [7, 10])
    assert (Masked(1)(image) == 0).all() and (Masked(0)(image) == image).all()


def test_a_sum_is_one_after_the_other():
    salted = SaltAndPepper(0.5) + Gaussian(1)
    spoiled = salted(GREY)
    assert spoiled.max() > 257 and (spoiled == 255).mean() < 0.01  # the grains have noise too
    assert salted == noise.Chain((SaltAndPepper(0.5), Gaussian(1)))
    # the first part's draws are the same alone and in a sum
    np.testing.assert_array_equal((Gaussian(9) + Masked(0))(GREY), Gaussian(9)(GREY))
    lifted = (SaltAndPepper(1) + Gaussian(3, clip=True))(GREY)
    assert lifted.min() == 0 and lifted.max() == 255


def test_signals_and_volumes_are_images_too():
    for shape in [(2, 500, 1), (2, 6, 7, 8, 2)]:
        assert SaltAndPepper(1)(np.full(shape, 9)).shape == shape


@pytest.mark.parametrize("kind", [*ALL, Gaussian(3, clip=True), Masked((0.1, 0.2), fill=128, clip=True)], ids=str)
def test_the_text_of_a_noise_gives_it_back(kind):
    assert noise.named(str(kind)) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("gaussian", Gaussian(25)),
        (" gaussian( 0, 50 ) ", Gaussian((0, 50))),
        ("masked(0.1, 0.5, fill='mean')", Masked((0.1, 0.5), fill="mean")),
        ("poisson(peak=10)+gaussian(2)", Poisson(10) + Gaussian(2)),
        ("none", None),
    ],
)
def test_noise_by_text(text, kind):
    assert noise.named(text) == kind


def test_noise_that_is_no_text_stays_as_it_is():
    assert noise.named(None) is None
    for kind in (Gaussian(3), lambda images, indices, epoch, seed: images):
        assert noise.named(kind) is kind


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ("gausian(25)", "must be one of 'gaussian'.*Did you mean 'gaussian'"),
        ("gaussian(25) + snow", "must be one of"),
        ("gaussian(sigmas=2)", "must have arguments among sigma, clip"),
        ("gaussian(1, 2, 3)", "must have arguments among sigma, clip"),
        ("gaussian(x)", "must have only numbers"),
        ("gaussian(25) - masked", "must be a text such as"),
        ("25 dB", "must be a text such as"),
        (Gaussian, "must be a text such as"),
        (25, "must be a text such as"),
        ("gaussian(300)", "`sigma` must be"),
    ],
)
def test_wrong_noise_is_named(wrong, part):
    with pytest.raises(ValueError, match=part):
        noise.named(wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Gaussian(-1), lambda: Gaussian((50, 5)), lambda: Poisson(0), lambda: SaltAndPepper(1.1),
        lambda: Masked(0.5, fill="median"), lambda: Masked("a"), lambda: noise.Chain(()),
        lambda: noise.Chain((Gaussian(),), clip=True),
    ],
)  # fmt: skip
def test_wrong_strengths_are_refused(make):
    with pytest.raises(ValueError, match="must"):
        make()
