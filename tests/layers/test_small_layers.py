"""Numbers of the small layers, worked out by hand."""

import keras
import numpy as np
import pytest

from kerascnn.layers import DropPath, FixedConv2D, LayerScale, LpPooling2D, MinPooling2D

pytestmark = pytest.mark.backend
IMAGE = np.array([[3, -4, 0, 0], [0, 0, 0, 0], [1, 2, -1, 1], [2, 0, 1, 1]], "float32").reshape(1, 4, 4, 1)


def pooled(layer, image=IMAGE):
    return np.asarray(layer(image))[0, :, :, 0]


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (1, [[7, 0], [5, 4]]),
        (2, [[5, 0], [3, 2]]),
        (3, [[91 ** (1 / 3), 0], [17 ** (1 / 3), 4 ** (1 / 3)]]),
        (float("inf"), [[4, 0], [2, 1]]),
    ],
)
def test_lp_pooling(p, expected):
    np.testing.assert_allclose(pooled(LpPooling2D(2, p=p)), expected, 1e-6)


def test_lp_pooling_pads_with_zeros():
    expected = [[5, 4], [np.sqrt(5), np.sqrt(2)]]  # windows of 3 at stride 3: columns 0 to 2 and 3, padded at the end
    image = np.array([[3, -4, 0, 4], [0, 0, 0, 0], [0, 0, 0, 0], [1, 2, 0, 0]], "float32").reshape(1, 4, 4, 1)
    image[0, 3, 3] = np.sqrt(2)
    np.testing.assert_allclose(pooled(LpPooling2D(3, p=2, strides=3, padding="same"), image), expected, 1e-6)


def test_lp_pooling_keeps_channels_apart_and_does_not_overflow():
    image = np.stack([np.full((2, 2), 1e20), np.full((2, 2), 3.0)], axis=-1)[None].astype("float32")
    np.testing.assert_allclose(np.asarray(LpPooling2D(2, p=8)(image)).flatten(), np.array([1e20, 3]) * 4**0.125, 1e-5)


DARK = np.random.default_rng(0).uniform(1e-3, 1e-2, (1, 7, 8, 2))
DARK[0, 0, 0, 0], DARK[0, 4:, 6:, 1] = 255, 0  # one bright pixel, one window of zeros


def norms(image, p, size=2):
    """The p-norms of windows side by side, in float64."""
    rows, columns = image.shape[1] // size, image.shape[2] // size
    windows = image[0, : rows * size, : columns * size].reshape(rows, size, columns, size, -1)
    return np.power(np.power(np.abs(windows), p).sum((1, 3)), 1 / p)


@pytest.mark.parametrize("p", [1, 2.5, 50])
@pytest.mark.parametrize(
    ("policy", "precision"), [("float32", 1e-5), ("mixed_float16", 2e-3), ("mixed_bfloat16", 2e-2)]
)
def test_lp_pooling_of_dark_windows_beside_a_bright_one(p, policy, precision):
    outputs = LpPooling2D(2, p=p, dtype=policy)(DARK.astype("float32"))
    assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(np.asarray(outputs, "float64")[0], norms(DARK, p), precision)


def gradient(layer, image):
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: layer(x).sum().astype("float32"))(jax.numpy.asarray(image)))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(image))
        total = tf.reduce_sum(layer(x))
    return tape.gradient(total, x).numpy()


@pytest.mark.parametrize("p", [1, 1.5, 50])
@pytest.mark.parametrize(("dtype", "precision"), [("float32", 1e-4), ("float16", 1e-2)])
def test_gradients_of_lp_pooling(p, dtype, precision):
    image = DARK[:, :6].astype(dtype)
    each = norms(image.astype("float64"), p).repeat(2, 0).repeat(2, 1)
    expected = (np.abs(image[0].astype("float64")) / np.where(each, each, 1)) ** (p - 1) * (image[0] != 0)
    found = gradient(LpPooling2D(2, p=p, dtype=dtype), image)
    np.testing.assert_allclose(found[0], expected, precision, atol=1e-4)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [(2, 1), (3, 2), (2, 3), ((1, 3), (2, 1))])
def test_lp_pooling_has_the_windows_of_max_pooling(size, strides, padding):
    arguments = {"pool_size": size, "strides": strides, "padding": padding}
    image = np.random.default_rng(1).normal(size=(2, 7, 6, 3)).astype("float32")
    largest = keras.layers.MaxPooling2D(**arguments)(np.abs(image))
    np.testing.assert_allclose(LpPooling2D(p=1000, **arguments)(image), largest, 1e-2)  # 9^(1/1000) is 1.002
    free = keras.Input((None, None, 3))
    model = keras.Model(free, LpPooling2D(p=1000, **arguments)(free))
    np.testing.assert_allclose(model.predict(image, verbose=0), largest, 1e-2)


@pytest.mark.parametrize("p", [0.5, -1, "2"])
def test_lp_pooling_rejects_what_is_no_norm(p):
    with pytest.raises(ValueError, match=r"^`p` must be in \[1, inf\]\. Received: p="):
        LpPooling2D(2, p=p)


def test_min_pooling():
    np.testing.assert_array_equal(pooled(MinPooling2D(2)), [[-4, 0], [0, -1]])


def test_min_pooling_padding_is_never_the_least():
    positive = np.full((1, 3, 3, 1), 7, "float32")
    np.testing.assert_array_equal(pooled(MinPooling2D(2, padding="same"), positive), [[7, 7], [7, 7]])


def test_drop_path_drops_whole_examples_and_keeps_the_mean():
    outputs = np.asarray(DropPath(0.25, seed=0)(np.ones((4000, 2, 3), "float32"), training=True))
    each = outputs.reshape(4000, 6)
    np.testing.assert_array_equal(each, np.repeat(each[:, :1], 6, axis=1))
    np.testing.assert_allclose(np.unique(each), [0, 4 / 3], 1e-6)
    assert abs((each[:, 0] == 0).mean() - 0.25) < 0.03  # more than four standard deviations


def test_drop_path_does_nothing_at_inference_or_rate_zero():
    ones = np.ones((50, 2), "float32")
    np.testing.assert_array_equal(DropPath(0.9)(ones, training=False), ones)
    np.testing.assert_array_equal(DropPath(0)(ones, training=True), ones)


@pytest.mark.parametrize("rate", [1, -0.1, 1.5])
def test_drop_path_rejects_rates_that_leave_nothing(rate):
    with pytest.raises(ValueError, match=r"^`rate` must be in \[0, 1\)\. Received: rate="):
        DropPath(rate)


def test_layer_scale_has_one_weight_a_channel():
    layer = LayerScale(0.5)
    layer.build((None, 2, 3))
    layer.set_weights([np.array([1.0, 10.0, 100.0])])
    assert np.asarray(layer(np.ones((1, 2, 3), "float32"))).tolist() == [[[1, 10, 100]] * 2]


def test_fixed_convolution_finds_the_edge_of_a_ramp():
    ramp = np.tile(np.arange(5, dtype="float32"), (5, 1)).reshape(1, 5, 5, 1)
    inside = np.full((3, 3), 8.0)  # Sobel sums the weights 1, 2, 1 times a step of 2 pixels
    np.testing.assert_array_equal(pooled(FixedConv2D("sobel_x", padding="valid"), ramp), inside)
    np.testing.assert_array_equal(pooled(FixedConv2D("sobel_y", padding="valid"), ramp), 0 * inside)


@pytest.mark.parametrize("kernel", ["gauss", "box", "sharpen"])
def test_fixed_convolution_keeps_a_constant_image_up_to_the_border_with_reflection(kernel):
    flat = np.full((1, 4, 5, 2), 3.0, "float32")
    layer = FixedConv2D(kernel, padding="reflect")
    np.testing.assert_allclose(layer(flat), flat, 1e-6)
    assert layer.weights == []


@pytest.mark.parametrize("padding", ["valid", "same", "reflect"])
@pytest.mark.parametrize(("size", "strides"), [(7, 1), (7, 2), (8, 3)])
@pytest.mark.parametrize("kernel", ["box", [[1.0, 2.0], [3.0, 4.0]]], ids=["3x3", "2x2"])
def test_fixed_convolution_knows_its_shape(padding, size, strides, kernel):
    layer = FixedConv2D(kernel, strides, padding)
    images = np.ones((1, size, size, 2), "float32")
    assert layer(keras.Input((size, size, 2))).shape[1:] == layer(images).shape[1:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": "sobel"}, r"^`kernel` must be one of 'box', .* Did you mean 'sobel_y' or 'sobel_x'\?$"),
        ({"kernel": [1, 2, 3]}, r"^`kernel` must be a name or a matrix\. Received: kernel=\[1, 2, 3\]"),
        ({"kernel": "box", "strides": 0}, r"^`strides` must be an integer of at least 1\."),
        ({"kernel": "box", "padding": "mirror"}, r"^`padding` must be one of"),
    ],
)
def test_fixed_convolution_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        FixedConv2D(**arguments)
