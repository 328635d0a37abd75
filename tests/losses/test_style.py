"""Gram matrices, relative errors and variation against numbers worked out by hand."""

import numpy as np
import pytest
from keras import ops

from kerascnn.losses import gram_matrix, relative_error, total_variation

pytestmark = pytest.mark.backend
RNG = np.random.default_rng(0)


def given(tensor):
    return ops.convert_to_numpy(tensor)


def test_a_gram_matrix_is_the_mean_of_products_of_channels():
    maps = RNG.normal(size=(2, 3, 5, 4)).astype("float32")
    expected = [sum(np.outer(place, place) for place in each.reshape(-1, 4)) / 15 for each in maps]
    np.testing.assert_allclose(given(gram_matrix(ops.convert_to_tensor(maps))), expected, rtol=1e-5)


def test_it_forgets_where_things_are_and_how_large_the_map_is():
    maps = RNG.normal(size=(1, 4, 6, 3)).astype("float32")
    elsewhere = RNG.permutation(maps.reshape(24, 3)).reshape(1, 3, 8, 3)
    twice = np.tile(maps, (1, 2, 1, 1))
    whole = given(gram_matrix(ops.convert_to_tensor(maps)))
    for other in (elsewhere, twice):
        np.testing.assert_allclose(given(gram_matrix(ops.convert_to_tensor(other))), whole, rtol=1e-4, atol=1e-6)


def test_a_relative_error_does_not_depend_on_the_scale():
    target = np.array([[[1.0, 2.0], [2.0, 0.0]]], "float32")
    values = np.concatenate([target, 0 * target, target + 1])
    np.testing.assert_allclose(given(relative_error(values, target)), [0, 1, 4 / 9], rtol=1e-6)
    np.testing.assert_allclose(given(relative_error(100 * values, 100 * target)), [0, 1, 4 / 9], rtol=1e-6)


def test_variation_counts_both_directions_in_units_of_255():
    image = np.array([[0.0, 51.0], [0.0, 51.0], [102.0, 102.0]], "float32")[None, ..., None]
    down, across = (0.4**2 + 0.2**2) / 4, (0.2**2 + 0.2**2) / 3
    np.testing.assert_allclose(given(total_variation(image)), [down + across], rtol=1e-5)
    assert given(total_variation(np.full((2, 4, 4, 3), 7.0))).tolist() == [0, 0]
