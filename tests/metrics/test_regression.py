import numpy as np
import pytest

from kerascnn.metrics import psnr, ssim


def noisy(shape, seed=0):
    generator = np.random.default_rng(seed)
    clean = np.cumsum(generator.normal(0, 6, shape), axis=1).clip(-100, 100) + 128
    return clean.astype("uint8"), (clean + generator.normal(0, 25, shape)).astype("float32")


def test_psnr_by_hand():
    images = np.full((2, 4, 4, 3), 100, "uint8")
    others = images + np.array([25.5, 2.55])[:, None, None, None]
    np.testing.assert_allclose(psnr(images, others), [20, 40])
    np.testing.assert_allclose(psnr(images / 255, others / 255, peak=1.0), [20, 40])
    assert psnr(images, images).round(2).tolist() == [148.13, 148.13]  # 10 log10(255^2 / 1e-10)


def test_small_integers_do_not_wrap_around():
    assert psnr(np.array([[0]], "uint8"), np.array([[255]], "uint8")).tolist() == [0]


@pytest.mark.parametrize("shape", [(3, 20, 17, 1), (2, 11, 32, 3)])
def test_as_tensorflow(shape):
    import tensorflow as tf

    clean, other = noisy(shape)
    clean = clean.astype("float32")
    np.testing.assert_allclose(ssim(clean, other), tf.image.ssim(clean, other, 255.0).numpy(), atol=1e-5)
    np.testing.assert_allclose(psnr(clean, other), tf.image.psnr(clean, other, 255.0).numpy(), rtol=1e-5)


def test_ssim_of_flat_images_by_hand():
    # only the luminance counts: (2 a b + C1) / (a^2 + b^2 + C1), C1 = 2.55^2
    a, b = np.full((1, 12, 12), 100.0), np.full((1, 12, 12), 150.0)
    assert ssim(a, b)[0] == pytest.approx((2 * 15000 + 2.55**2) / (32500 + 2.55**2))


def test_ssim_without_channels_and_bounds():
    clean, other = noisy((2, 16, 16, 1))
    np.testing.assert_allclose(ssim(clean[..., 0], other[..., 0]), ssim(clean, other))
    np.testing.assert_allclose(ssim(clean, clean), 1)
    assert (ssim(clean, other) < 0.95).all()
    assert ssim(clean, 255.0 - clean)[0] < 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: psnr(np.zeros((2, 3)), np.zeros((2, 4))), r"`others` must have the shape of `images`, \(2, 3\)"),
        (lambda: psnr(np.zeros((1, 3)), np.zeros((1, 3)), peak=0), r"`peak` must be in \(0, inf\)"),
        (lambda: ssim(np.zeros((1, 10, 20)), np.zeros((1, 10, 20))), "with sides of at least 11"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
