import numpy as np
import pytest
from keras import ops

from kerascnn import inspect
from kerascnn.inspect import apply, toeplitz

RNG = np.random.default_rng(0)
X, K = RNG.integers(-9, 10, (5, 6)).astype(float), RNG.integers(-9, 10, (3, 2)).astype(float)


@pytest.mark.parametrize("kind", ["convolution", "cross-correlation"])
@pytest.mark.parametrize(("padding", "stride"), [("valid", 1), ("same", 1), ("valid", 2), ("same", 2), (2, 3), (1, 1)])
def test_the_matrix_times_the_image_is_apply(padding, stride, kind):
    matrix = toeplitz(K, X.shape, padding=padding, stride=stride, kind=kind)
    expected = apply(X, K, padding=padding, stride=stride, kind=kind)
    assert matrix.shape == (expected.size, X.size)
    np.testing.assert_array_equal((matrix @ X.ravel()).reshape(expected.shape), expected)


def test_the_entries_of_a_convolution_along_one_axis():
    k = [7.0, 2.0, 5.0]
    matrix = toeplitz(k, (4,), padding=2, kind="convolution")
    assert matrix.shape == (6, 4)
    for i in range(6):
        assert matrix[i].tolist() == [k[i - l] if 0 <= i - l < 3 else 0 for l in range(4)]  # noqa: E741
    np.testing.assert_array_equal(matrix @ [1, -1, 3, 2], np.convolve([1, -1, 3, 2], k))


def test_three_axes_and_a_name():
    volume, block = RNG.integers(0, 9, (3, 4, 2)), np.zeros((2, 2, 1))
    block[1, 0, 0] = 3
    found = (toeplitz(block, volume.shape) @ volume.ravel()).reshape(2, 3, 2)
    np.testing.assert_array_equal(found, 3 * volume[1:, :3])
    np.testing.assert_array_equal(toeplitz("sobel_left", (4, 4)), toeplitz(inspect.kernel("sobel_left"), (4, 4)))


def test_the_transpose_of_valid_is_the_other_operation_with_full_padding():
    forward = toeplitz([1, 2, 4], (5,))
    np.testing.assert_array_equal(forward.T, toeplitz([1, 2, 4], (3,), padding=2, kind="convolution"))


@pytest.mark.backend
def test_the_transpose_takes_a_gradient_back():
    matrix, above = toeplitz(K, X.shape, stride=2, padding="same"), RNG.integers(-5, 5, (3, 3)).astype("float32")
    kernel = ops.convert_to_tensor(K[..., None, None], "float32")

    def loss(x):
        return ops.sum(ops.conv(x, kernel, strides=2, padding="same", data_format="channels_last")[0, ..., 0] * above)

    slopes = inspect.gradient(loss, ops.convert_to_tensor(X[None, ..., None], "float32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(slopes).ravel(), matrix.T @ above.ravel())


def test_what_has_no_matrix():
    with pytest.raises(ValueError, match=r"`kernel` must have as many axes as shape=\(5,\)"):
        toeplitz([[1, 2]], (5,))
    with pytest.raises(ValueError, match="`kernel` must have as many axes"):
        toeplitz(3, ())
    with pytest.raises(ValueError, match="`kernel` must reach over at most 2"):
        toeplitz([1, 2, 3], (2,))
    with pytest.raises(ValueError, match="`shape` must give a matrix of at most 134,217,728 numbers"):
        toeplitz("box", (427, 640))
    with pytest.raises(ValueError, match="`kind` must be one of"):
        toeplitz([1], (2,), kind="turned")
