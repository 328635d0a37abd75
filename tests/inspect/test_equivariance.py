import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn.inspect import equivariance

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 24, 20, 2)).astype("uint8")
SQUARE = IMAGES[:, :20]


def sequential(*stack, shape=(None, None, 2)):
    return keras.Sequential([keras.Input(shape), *stack])


def norm(x):
    return np.sqrt(np.square(np.asarray(x, float)).sum())


@pytest.mark.backend
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_convolution_goes_with_the_image(padding):
    model = sequential(layers.Conv2D(3, 5, padding=padding, activation="relu"))
    curve = equivariance(model, IMAGES, amounts=(0, 1, -3, 7))
    assert curve.equivariance.max() < 1e-5
    assert curve.invariance[0] == 0 and (curve.invariance[1:] > 0.1).all()
    assert curve.amounts.tolist() == [0, 1, -3, 7] and curve.change == "shift"


@pytest.mark.backend
def test_the_errors_of_maxima_by_hand():
    # places 1 to 8 of 10 stay inside at a shift of 2: the pixels that they see after it were there before
    model = sequential(layers.MaxPooling2D((1, 2)))
    curve = equivariance(model, IMAGES, amounts=(1, 2))
    plain = IMAGES.reshape(3, 24, 10, 2, 2).max(axis=3).astype(float)
    odd = IMAGES[:, :, 1:-1].reshape(3, 24, 9, 2, 2).max(axis=3)  # places 1 to 9 of the shifted image
    halves = (plain[:, :, :-1] + plain[:, :, 1:]) / 2  # where the map was shifted by half a place
    size = norm(plain[:, :, 1:])
    np.testing.assert_allclose(curve.equivariance, [norm(odd - halves) / size, 0], rtol=1e-5)
    expected = norm(odd - plain[:, :, 1:]) / size, norm(plain[:, :, :-1] - plain[:, :, 1:]) / size
    np.testing.assert_allclose(curve.invariance, expected, rtol=1e-5)


@pytest.mark.parametrize("amounts", [("shift", (0.5, 2.3)), ("rotation", (10, -70)), ("scale", (0.7, 1.4))])
def test_a_sum_over_channels_goes_with_every_change(amounts):
    change, amounts = amounts
    curve = equivariance(sequential(layers.Conv2D(4, 1)), IMAGES, change=change, amounts=amounts)
    assert curve.equivariance.max() < 1e-5 and curve.invariance.min() > 0.1


@pytest.mark.backend
def test_quarter_turns_are_those_of_numpy():
    kernel = np.arange(9.0).reshape(3, 3, 1, 1) - 4
    model = sequential(layers.Conv2D(1, 3, use_bias=False), shape=(None, None, 1))
    model.set_weights([kernel])
    images = SQUARE[..., :1]
    curve = equivariance(model, images, change="rotation", amounts=(90, 180))

    def maps(x):
        return ops.convert_to_numpy(model(x.astype("float32")))

    plain = maps(images)
    for turns in (1, 2):
        turned = [np.rot90(x, turns, axes=(1, 2)) for x in (images, plain)]
        expected = norm(maps(turned[0]) - turned[1]) / norm(plain)
        assert curve.equivariance[turns - 1] == pytest.approx(expected, rel=1e-4)
    model.set_weights([kernel + np.rot90(kernel) + np.rot90(kernel, 2) + np.rot90(kernel, 3) + 1])
    assert equivariance(model, images, change="rotation", amounts=(90, 180)).equivariance.max() < 1e-5


def test_larger_images_make_larger_maps():
    dots = np.zeros((1, 41, 41, 1))
    dots[0, 20, 24], dots[0, 14, 20] = 200, 100

    def brightest(layer):
        return equivariance(sequential(layer, shape=(41, 41, 1)), dots, change="scale", amounts=(2,))

    assert brightest(layers.ReLU()).equivariance[0] < 1e-6 < 1 < brightest(layers.ReLU()).invariance[0]
    assert brightest(layers.MaxPooling2D(3, 1, "same")).equivariance[0] > 0.3  # a window does not grow


def test_positions_that_are_learnt_do_not_go_with_the_image():
    fixed = sequential(layers.Flatten(), layers.Dense(48), layers.Reshape((6, 8, 1)), shape=(24, 20, 2))
    assert equivariance(fixed, IMAGES, amounts=(1,)).equivariance[0] > 0.05


@pytest.mark.backend
def test_what_is_no_map_has_an_invariance_only():
    model = sequential(layers.GlobalAveragePooling2D())
    curve = equivariance(model, IMAGES, amounts=(0, 5))
    shifted = np.concatenate([IMAGES[:, :, 4::-1], IMAGES[:, :, :-5]], axis=2)  # mirrored at its border
    before, after = IMAGES.mean(axis=(1, 2)), shifted.mean(axis=(1, 2))
    assert curve.equivariance is None
    np.testing.assert_allclose(curve.invariance, [0, norm(after - before) / norm(before)], rtol=1e-4, atol=1e-7)


def test_a_layer_in_a_nested_model_and_more_images_than_a_batch():
    many = np.concatenate([IMAGES, *[IMAGES[:2]] * 20])
    inner = sequential(layers.Conv2D(3, 3, strides=2, name="conv"), layers.ReLU(name="relu"))
    image = keras.Input((24, 20, 2))
    model = keras.Model(image, layers.GlobalMaxPooling2D()(inner(layers.Rescaling(1 / 255)(image))))
    whole = keras.Model(image, inner(layers.Rescaling(1 / 255)(image)))
    found = equivariance(model, many, amounts=(1, 2), layer="relu")
    expected = equivariance(whole, many, amounts=(1, 2))
    np.testing.assert_allclose(found.equivariance, expected.equivariance)
    np.testing.assert_allclose(found.invariance, expected.invariance)
    assert found.equivariance[0] > 0.05 and found.equivariance[1] < 1e-5
    thrice = equivariance(model, np.concatenate([many] * 3), amounts=(1, 2), layer="relu")
    np.testing.assert_allclose(thrice.invariance, found.invariance, rtol=1e-5)


def test_fields_larger_than_the_image_are_compared_in_the_middle():
    model = sequential(*[layers.Conv2D(2, 7, padding="same") for _ in range(4)], shape=(24, 20, 2))
    curve = equivariance(model, IMAGES, amounts=(0, 2))
    assert curve.equivariance[0] == 0 and 0 < curve.equivariance[1] < curve.invariance[1]


def test_bad_input():
    model = sequential(layers.Conv2D(3, 3, name="conv"))
    with pytest.raises(ValueError, match="`change` must be one of 'rotation', 'scale', 'shift'"):
        equivariance(model, IMAGES, change="shear", amounts=(1,))
    with pytest.raises(ValueError, match="`layer` must name a layer. Received: layer='cnov'. Did you mean 'conv'"):
        equivariance(model, IMAGES, amounts=(1,), layer="cnov")
    with pytest.raises(ValueError, match="`amounts` must leave something inside the image to compare. .*amounts=19"):
        equivariance(model, IMAGES, amounts=(1, 19))
    for amounts in ((), 3, (float("nan"),)):
        with pytest.raises(ValueError, match="`amounts` must hold numbers"):
            equivariance(model, IMAGES, amounts=amounts)
    with pytest.raises(ValueError, match="`amounts` must be above 0 for a scale"):
        equivariance(model, IMAGES, change="scale", amounts=(1, 0))
    with pytest.raises(ValueError, match="`images` must be"):
        equivariance(model, IMAGES[0], amounts=(1,))
