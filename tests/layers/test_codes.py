"""What is asked of codes, the kernel that is used both ways, and autoencoders in halves."""

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn import blocks, layers
from kerascnn.layers import GaussianCode, SparseCode, Tied
from kerascnn.layers.codes import LEAST, RATE, START

pytestmark = pytest.mark.backend
RNG = np.random.default_rng(0)


def array(x):
    return ops.convert_to_tensor(np.asarray(x, "float32"))


def test_tied_is_a_matrix_there_and_its_transpose_back():
    layer, x, code = Tied(2), RNG.normal(size=(3, 5)), RNG.normal(size=(3, 2))
    layer.build((None, 5))
    kernel, bias = RNG.normal(size=(5, 2)), RNG.normal(size=5)
    layer.set_weights([kernel, bias])
    np.testing.assert_allclose(layer(array(x)), (x - bias) @ kernel, 1e-5, 1e-6)
    np.testing.assert_allclose(layer(array(code), transposed=True), code @ kernel.T + bias, 1e-5, 1e-6)
    assert len(layer.weights) == 2


def test_tied_starts_as_a_projection_and_knows_both_shapes():
    layer = Tied(3)
    image = keras.Input((8,))
    code = layer(image)
    model = keras.Model(image, layer(code, transposed=True))
    assert code.shape == (None, 3) and model.output_shape == (None, 8)
    x = array(RNG.normal(size=(4, 8)))
    once = model(x)
    np.testing.assert_allclose(model(once), once, 1e-4, 1e-5)


def test_a_tied_network_is_saved_with_one_kernel(tmp_path):
    image = keras.Input((8,))
    layer = Tied(3, name="tied")
    code = keras.layers.Activation("linear", name="code")(layer(image))
    model = keras.Model(image, layer(code, transposed=True))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = array(RNG.normal(size=(4, 8)))
    np.testing.assert_array_equal(again(x), model(x))
    assert len(again.weights) == 2
    encoder, decoder = layers.halves(layers.unfuse(again))
    np.testing.assert_allclose(decoder(encoder(x)), model(x), 1e-5, 1e-6)


def test_the_penalty_does_not_depend_on_the_scale_of_a_unit():
    layer = SparseCode(weight=1.0)
    code = np.array([[0.0, 3.0], [4.0, 3.0], [0.0, 3.0], [0.0, 3.0]])
    for scale in (1.0, 100.0):
        layer(array(code * [scale, 1.0]))
        assert float(layer.losses[0]) == pytest.approx((0.5 + 1) / 2, rel=1e-5)  # a unit of one in four, and of all


def test_a_unit_that_is_never_active_costs_nothing_and_has_a_gradient():
    layer = SparseCode(weight=1.0)
    layer(array([[0.0, 0.0], [0.0, 0.0]]))
    assert float(layer.losses[0]) == 0


@pytest.mark.parametrize(("code", "share"), [([[1, 1, 1, 0]], 0.75), ([[0, 0, 0, 0]], 0.0)])
def test_a_chosen_penalty_follows_the_share_of_active_units(code, share):
    layer = SparseCode(active=0.5)
    layer(array(code), training=False)
    assert float(layer.penalty) == pytest.approx(START)
    for step in (1, 2):
        layer(array(code), training=True)
        assert float(layer.penalty) == pytest.approx(START * np.exp(step * RATE * (share - 0.5)), rel=1e-5)


def test_a_chosen_penalty_has_bounds_and_a_given_one_stays():
    layer = SparseCode(active=0.5)
    layer.build((None, 2))
    layer.penalty.assign(LEAST)
    layer(array([[0, 0]]), training=True)
    assert float(layer.penalty) == pytest.approx(LEAST)
    given = SparseCode(weight=0.25)
    given(array([[1, 1]]), training=True)
    assert float(given.penalty) == 0.25 and not given.trainable_weights


def test_the_divergence_is_that_of_the_closed_form():
    mean, log_variance = np.array([[1.0, -2.0], [0.0, 0.5]]), np.array([[0.0, 1.0], [-1.0, 0.3]])
    variance = np.exp(log_variance)
    expected = 0.5 * (mean**2 + variance - 1 - log_variance).sum(axis=1).mean()
    layer = GaussianCode(beta=3.0)
    out = layer([array(mean), array(log_variance)])
    assert float(layer.losses[0]) == pytest.approx(3 * expected, rel=1e-5)
    np.testing.assert_array_equal(out, mean.astype("float32"))


def test_codes_are_drawn_in_training_with_the_given_spread():
    layer = GaussianCode(seed=3)
    mean, log_variance = np.full((20_000, 2), [1.0, -3.0]), np.full((20_000, 2), np.log([4.0, 0.25]))
    drawn = np.asarray(layer([array(mean), array(log_variance)], training=True))
    np.testing.assert_allclose(drawn.mean(axis=0), [1, -3], atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=0), [2, 0.5], rtol=0.02)
    assert not np.array_equal(drawn, layer([array(mean), array(log_variance)], training=True))


def test_a_variance_beyond_all_bounds_stays_finite():
    layer = GaussianCode()
    drawn = layer([array([[0.0]]), array([[1e4]])], training=True)
    assert np.isfinite(np.asarray(drawn)).all() and np.isfinite(float(layer.losses[0]))


def made(code, size=3, **options):
    image = keras.Input((6,), name="image")
    x = code(image, size, name="code", **options)
    return keras.Model(image, keras.layers.Dense(6, name="out")(x), name="small")


@pytest.mark.parametrize("code", [blocks.dense_code, blocks.sparse_code, blocks.gaussian_code])
def test_halves_of_each_kind_of_code(code):
    model = made(code)
    encoder, decoder = layers.halves(model)
    assert (encoder.name, decoder.name) == ("small_encoder", "small_decoder")
    assert layers.is_autoencoder(model) and not layers.is_autoencoder(encoder)
    x = array(RNG.normal(size=(4, 6)))
    np.testing.assert_allclose(decoder(encoder(x)), model(x), 1e-5, 1e-6)
    encoder(x, training=True)
    assert not encoder.losses  # what training asks of a code is not in it
    assert encoder.layers[1].kernel is model.layers[1].kernel


def test_what_cannot_be_parted_is_refused():
    image = keras.Input((6,))
    with pytest.raises(ValueError, match="`model` must have a layer 'code' that parts it .*`autoencode`"):
        layers.halves(keras.Model(image, keras.layers.Dense(6)(image)))
    code = keras.layers.Dense(3, name="code")(image)
    past = keras.layers.Concatenate()([keras.layers.Dense(6)(code), image])
    with pytest.raises(ValueError, match="`model` must have a layer 'code' .*No shortcut may lead past the code"):
        layers.halves(keras.Model(image, past))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Tied(0), "`units` must be an integer of at least 1"),
        (lambda: SparseCode(weight=-1.0), "`weight` must be in"),
        (lambda: SparseCode(active=0.0), "`active` must be in"),
        (lambda: GaussianCode(beta=-1.0), "`beta` must be in"),
    ],
)
def test_what_is_wrong_is_said(make, rule):
    with pytest.raises(ValueError, match=rule):
        make()
