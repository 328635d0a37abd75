import numpy as np
import pytest

from kerascnn.data import border_weights


def slow(instances, w0, sigma):
    """Equation 2 without class weights, pixel by pixel."""
    numbers = [n for n in np.unique(instances) if n]
    weights = np.ones(instances.shape)
    for place in np.argwhere(instances == 0):
        distances = sorted(np.sqrt(((np.argwhere(instances == n) - place) ** 2).sum(axis=1)).min() for n in numbers)
        if len(distances) > 1:
            weights[tuple(place)] += w0 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * sigma**2))
    return weights


def test_two_instances_by_hand():
    instances = np.array([[1, 0, 0, 2]])
    # both gaps: d1 + d2 = 1 + 2; half of the pixels are objects
    expected = 1 + 10 * np.exp(-9 / 50)
    weights = border_weights(instances)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, [[1, expected, expected, 1]], rtol=1e-6)


def test_class_weights_by_hand():
    instances = np.array([[1, 1, 1, 0, 0, 0, 0, 0]])  # one object: no ridge
    np.testing.assert_allclose(border_weights(instances), [[8 / 6] * 3 + [8 / 10] * 5], rtol=1e-6)
    np.testing.assert_array_equal(border_weights(instances, class_weight=False), np.ones((1, 8)))
    np.testing.assert_array_equal(border_weights(np.zeros((2, 3), int)), np.ones((2, 3)))
    np.testing.assert_array_equal(border_weights(np.ones((2, 3), int)), np.ones((2, 3)))


@pytest.mark.parametrize("sigma", [1.0, 5.0])
def test_as_the_equation_says_for_many_instances(sigma):
    generator = np.random.default_rng(0)
    instances = np.zeros((40, 45), int)
    for number, (row, column) in enumerate(generator.integers(0, (35, 40), (7, 2)), start=1):
        instances[row : row + 5, column : column + 4] = number + (number > 4)  # number 5 is missing
    weights = border_weights(instances, w0=7.0, sigma=sigma, class_weight=False)
    np.testing.assert_allclose(weights, slow(instances, 7.0, sigma), atol=1e-5)


def test_a_binary_mask_is_cut_into_its_components():
    instances = np.array([[1, 0, 2], [0, 0, 0], [3, 0, 0]], "uint8")
    mask = instances > 0
    for given in (mask, mask.astype("uint8")):
        np.testing.assert_array_equal(border_weights(given), border_weights(instances))
    with_ignored = mask.astype("uint8")
    with_ignored[2, 2] = 255
    np.testing.assert_array_equal(border_weights(with_ignored), border_weights(instances))


def test_connectivity():
    diagonal = np.array([[1, 0], [0, 1]])
    assert (border_weights(diagonal, class_weight=False)[diagonal == 0] > 9).all()
    assert (border_weights(diagonal, class_weight=False, connectivity=8) == 1).all()


@pytest.mark.parametrize(
    ("instances", "options", "message"),
    [
        (np.zeros((2, 2, 1), int), {}, r"`instances` must be \(height, width\), integers of at least 0"),
        (np.zeros((2, 2)), {}, "Received: instances='float64 of shape"),
        (np.full((2, 2), -1), {}, "at least 0"),
        (np.zeros((2, 2), int), {"sigma": 0}, r"`sigma` must be in \(0, inf\)"),
        (np.zeros((2, 2), int), {"w0": -1}, r"`w0` must be in \[0, inf\)"),
        (np.zeros((2, 2), int), {"connectivity": 6}, "`connectivity` must be one of 4, 8"),
    ],
)
def test_errors(instances, options, message):
    with pytest.raises(ValueError, match=message):
        border_weights(instances, **options)
