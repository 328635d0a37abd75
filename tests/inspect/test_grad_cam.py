import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn import models
from kerascnn.inspect import grad_cam, grad_cam_plus_plus, gradient

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("uint8")


def image_of(*values):
    """One image `(1, height, width, 1)` of rows of pixels."""
    return np.array(values, "float32")[None, ..., None]


def two_channels(head, size=2, image_size=2):
    """A model whose map has the channels (x, 1 - x) of the pixels x, pooled to `size`, in front of `head`."""
    image = keras.Input((image_size, image_size, 1), name="image")
    convolution = layers.Conv2D(2, 1, name="conv")
    x = convolution(image)
    x = layers.AveragePooling2D(image_size // size, name="map")(x)
    convolution.set_weights([np.array([[[[1, -1]]]], "float32"), np.array([0, 1], "float32")])
    return keras.Model(image, head(x))


def mean_head(kernel, **options):
    """Global average pooling and a dense layer without bias of this kernel `(channels, classes)`."""
    dense = layers.Dense(len(kernel[0]), name="probabilities", **{"activation": "softmax", **options})

    def head(x):
        answers = dense(layers.GlobalAveragePooling2D(name="pool")(x))
        dense.kernel.assign(np.array(kernel, "float32"))
        return answers

    return head


def blocks(x, filters=4):
    x = layers.Conv2D(filters, 3, padding="same", name="conv1")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.MaxPooling2D(2, name="down")(layers.Activation("relu", name="act")(x))
    return layers.Conv2D(filters, 3, padding="same", activation="relu", name="conv2")(x)


def classifier(x, classes=3):
    return layers.Dense(classes, "softmax", name="probabilities")(layers.GlobalMaxPooling2D(name="pool")(x))


def flat_and_nested():
    """The same network with its layers in one graph, and with them two models deep."""
    image = keras.Input((16, 16, 3), name="image")
    inner_image = keras.Input((16, 16, 3), name="inner_image")
    inner = keras.Model(inner_image, blocks(inner_image), name="inner")
    outer = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255, name="rescale"), inner], name="outer")
    nested = keras.Model(image, classifier(outer(image)))
    flat = keras.Model(image, classifier(blocks(layers.Rescaling(1 / 255, name="rescale")(image))))
    flat.set_weights(nested.get_weights())
    return flat, nested


@pytest.mark.backend
def test_gradient_of_a_quadratic_and_of_what_does_not_depend_on_it():
    x = ops.convert_to_tensor([[1.0, -2.0]])
    np.testing.assert_allclose(gradient(lambda x: ops.sum(x**3), x), [[3, 12]])
    np.testing.assert_array_equal(gradient(lambda x: ops.sum(ops.ones((3,))), x), [[0, 0]])


@pytest.mark.backend
def test_the_numbers_of_a_mean_head_by_hand():
    # the logit of class 0 is mean(3 x - (1 - x)): the map is 3 x - (1 - x) = 4 x - 1, cut off at 0, by its maximum 3
    model = two_channels(mean_head([[3, 1], [-1, 2]]))
    image = image_of([0, 0.25], [0.5, 1])
    np.testing.assert_allclose(grad_cam(model, image, 0), [[[0, 0], [1 / 3, 1]]], atol=1e-6)
    # class 1: x + 2 (1 - x) = 2 - x, which is 2, 1.75, 1.5, 1
    np.testing.assert_allclose(grad_cam(model, image, [1]), [[[1, 0.875], [0.75, 0.5]]], atol=1e-6)


def test_the_numbers_of_a_flat_head_by_hand():
    # each channel counts by the mean of its gradients over the places: 2 = (8 + 0 + 0 + 0) / 4 and -1 = (0 + 0 - 4) / 4
    dense = layers.Dense(1, name="score")

    def head(x):
        answers = dense(layers.Flatten(name="flatten")(x))
        dense.kernel.assign(np.array([8, 0, 0, -4, 0, 0, 0, 0], "float32")[:, None])
        return answers

    image = image_of([0.5, 0.75], [0, 1])  # 2 x - (1 - x) = 3 x - 1
    np.testing.assert_allclose(grad_cam(two_channels(head), image), [[[0.25, 0.625], [0, 1]]], atol=1e-6)


@pytest.mark.backend
def test_the_numbers_of_grad_cam_plus_plus_by_hand():
    # channels x and 1 - x; the slopes are 8 at the first place, and 4 at the second and third
    dense = layers.Dense(1, name="score")

    def head(x):
        answers = dense(layers.Flatten(name="flatten")(x))
        dense.kernel.assign(np.array([8, 0, 0, 4, 0, 4, 0, -2], "float32")[:, None])  # the last speaks against
        return answers

    # sums over the map 2.25 and 1.75: shares 64 / (128 + 2.25 * 512) = 1/20 and 16 / (32 + 1.75 * 64) = 1/9, so that
    # the weights are 8/20 and 2 * 4/9; 0.4 x + 8/9 (1 - x), by its maximum 8/9
    found = grad_cam_plus_plus(two_channels(head), image_of([0.5, 0.75], [0, 1]))
    np.testing.assert_allclose(found, [[[0.725, 0.5875], [1, 0.45]]], atol=1e-6)


def test_grad_cam_plus_plus_of_a_nested_model_and_of_a_channel_without_any_slope():
    flat, nested = flat_and_nested()
    for classes, layer in ((None, None), (1, "act")):
        expected = grad_cam_plus_plus(flat, IMAGES, classes, layer=layer)
        assert np.isfinite(expected).all() and expected.max() == 1 and expected.shape == (3, 16, 16)
        np.testing.assert_array_equal(grad_cam_plus_plus(nested, IMAGES, classes, layer=layer), expected)
        assert not np.array_equal(expected, grad_cam(flat, IMAGES, classes, layer=layer))
    nothing = two_channels(mean_head([[0, 1], [0, 1]]))
    np.testing.assert_array_equal(grad_cam_plus_plus(nothing, image_of([0, 1], [1, 1]), 0), np.zeros((1, 2, 2)))


def test_a_small_map_is_enlarged_linearly_before_it_is_divided_by_its_maximum():
    model = two_channels(mean_head([[1], [0]], activation="linear"), size=2, image_size=4)
    image = np.kron(image_of([0, 0], [0, 1])[0, ..., 0], np.ones((2, 2)))[None, ..., None]
    line = np.array([0, 0.25, 0.75, 1])  # half-pixel centres
    np.testing.assert_allclose(grad_cam(model, image)[0], line[:, None] * line, atol=1e-6)


@pytest.mark.backend
def test_none_is_the_answer_of_each_image():
    model = two_channels(mean_head([[1, 0], [0, 1]]))  # class 0 for bright images, class 1 for dark ones
    images = np.concatenate([image_of([0.8, 1], [0.6, 1]), image_of([0.2, 0], [0, 0])])
    np.testing.assert_array_equal(grad_cam(model, images), grad_cam(model, images, [0, 1]))
    assert not np.array_equal(grad_cam(model, images), grad_cam(model, images, [1, 0]))


@pytest.mark.backend
def test_a_sure_model_still_says_why():
    # the probability of class 0 is exactly 1 in float32, so its gradient is 0; that of the logit is not
    image, kernel = image_of([0, 0.25], [0.5, 1]), np.array([[3, -300], [-1, -300]])
    sure = two_channels(mean_head(kernel))
    assert ops.convert_to_numpy(sure(image))[0, 0] == 1
    np.testing.assert_allclose(grad_cam(sure, image, 0), [[[0, 0], [1 / 3, 1]]], atol=1e-6)


@pytest.mark.parametrize("tail", ["softmax layer", "activation layer", "operation", "rescaled", "sigmoid"])
def test_every_way_to_write_the_end_acts_on_the_logits(tail):
    kernel = np.array([[3, 100], [-1, 100]])
    ends = {
        "softmax layer": layers.Softmax(),
        "activation layer": layers.Activation("softmax"),
        "operation": ops.softmax,
        "rescaled": lambda x: layers.Softmax()(layers.Rescaling(0.25)(x)),
        "sigmoid": layers.Activation("sigmoid"),
    }
    model = two_channels(lambda x: ends[tail](mean_head(kernel, activation="linear", use_bias=False)(x)))
    image = image_of([0, 0.25], [0.5, 1])
    np.testing.assert_allclose(grad_cam(model, image, 0), [[[0, 0], [1 / 3, 1]]], atol=1e-6)


def test_two_blobs_speak_for_their_own_classes():
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(2, 3, padding="same", activation="relu", name="colours")(image)
    x = layers.MaxPooling2D(2, name="map")(x)
    model = keras.Model(image, mean_head([[1, -1], [-1, 1]])(x))
    red, green = [1, -1, 0], [-1, 1, 0]
    kernel = np.zeros((3, 3, 3, 2), "float32")
    kernel[..., 0], kernel[..., 1] = red, green
    model.get_layer("colours").kernel.assign(kernel)
    images = np.zeros((1, 16, 16, 3), "float32")
    images[0, 2:6, 2:6, 0], images[0, 10:14, 10:14, 1] = 255, 255
    first, second = grad_cam(model, images, 0)[0], grad_cam(model, images, 1)[0]
    for shown, here, there in ((first, np.s_[2:6, 2:6], np.s_[9:, 9:]), (second, np.s_[10:14, 10:14], np.s_[:7, :7])):
        assert shown[here].min() > 0.5 and shown[there].max() == 0
    np.testing.assert_allclose(first, second[::-1, ::-1], atol=1e-6)


@pytest.mark.backend
def test_a_nested_model_gives_exactly_what_the_flat_one_gives():
    flat, nested = flat_and_nested()
    assert grad_cam(flat, IMAGES).max() == 1
    for classes, layer in ((None, None), (1, None), (2, "act"), ([0, 1, 2], "conv1")):
        expected = grad_cam(flat, IMAGES, classes, layer=layer)
        np.testing.assert_array_equal(grad_cam(nested, IMAGES, classes, layer=layer), expected)
    whole = grad_cam(nested, IMAGES, 2, layer="outer/inner/act")
    np.testing.assert_array_equal(whole, grad_cam(flat, IMAGES, 2, layer="act"))


def test_the_mean_over_views_is_looked_behind():
    model, _ = flat_and_nested()
    for views in (2, 6):
        np.testing.assert_array_equal(grad_cam(models.averaged(model, views), IMAGES), grad_cam(model, IMAGES))


def test_a_channel_that_is_pooled_to_one_pixel_is_no_map():
    image = keras.Input((16, 16, 3), name="image")
    x = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(blocks(image))
    x = layers.Flatten(name="flatten")(layers.Conv2D(3, 1, name="logits")(x))
    model = keras.Model(image, layers.Activation("softmax", name="probabilities")(x))
    np.testing.assert_array_equal(grad_cam(model, IMAGES), grad_cam(model, IMAGES, layer="conv2"))


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (models.lenet5, "stage2_pool"),
        (models.resnet20, None),
        (models.MODELS["fastnet"], "stage3_conv2_act"),
        (lambda *shape: models.googlenet(*shape, width=0.125), None),
    ],
)
def test_our_models(build, layer):
    model = build((32, 32, 3), 4)
    images = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    shown = grad_cam(model, images)
    assert shown.shape == (2, 32, 32) and shown.dtype == np.float32
    assert shown.min() >= 0 and set(shown.max(axis=(1, 2)).round(6)) <= {0, 1}
    if layer:
        np.testing.assert_array_equal(shown, grad_cam(model, images, layer=layer))


def test_more_images_than_a_batch():
    model, _ = flat_and_nested()
    images = np.resize(IMAGES, (35, 16, 16, 3))
    classes = np.arange(35) % 3
    np.testing.assert_allclose(
        grad_cam(model, images, classes)[33:], grad_cam(model, images[33:], classes[33:]), atol=1e-5
    )


def test_the_model_is_left_as_it_was_and_works_as_in_inference():
    flat, _ = flat_and_nested()
    image = flat.inputs[0]
    x = layers.RandomFlip(name="flip")(image)
    x = layers.Dropout(0.5, name="dropout")(flat(x))
    model = keras.Model(image, layers.Activation("linear", name="end")(x))
    before = model.get_weights()
    first, second = grad_cam(model, IMAGES, 0), grad_cam(model, IMAGES, 0)
    np.testing.assert_array_equal(first, second)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    flat, _ = flat_and_nested()
    shown = grad_cam(flat, IMAGES)
    assert shown.dtype == np.float32 and shown.max() == 1


def test_nothing_for_a_class_is_zero_everywhere():
    model = two_channels(mean_head([[-1, 1], [-1, 1]]))
    np.testing.assert_array_equal(grad_cam(model, image_of([0, 0.25], [0.5, 1]), 0), np.zeros((1, 2, 2)))


@pytest.mark.backend
def test_errors_say_what_to_do():
    model, _ = flat_and_nested()
    with pytest.raises(ValueError, match=r"`images` must be \(n, height, width, channels\).*Pass image\[None\]"):
        grad_cam(model, IMAGES[0])
    with pytest.raises(ValueError, match="`classes` must be in 0..2. Received: classes=3"):
        grad_cam(model, IMAGES, 3)
    with pytest.raises(ValueError, match="`classes` must be one index or 3 of them"):
        grad_cam(model, IMAGES, [0, 1])
    with pytest.raises(ValueError, match=r"`layer` must name a layer that gives a map.*Did you mean 'conv1'"):
        grad_cam(model, IMAGES, layer="conv_1")
    with pytest.raises(ValueError, match="`layer` must name a layer that gives a map"):
        grad_cam(model, IMAGES, layer="pool")
    with pytest.raises(ValueError, match=r"`model` must give maps \(batch, height, width, channels\)"):
        grad_cam(keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(2)]), np.ones((1, 2, 2, 1)))


def test_models_that_cannot_be_walked_are_refused():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    image = keras.Input((4, 4, 1))
    for model in (Own(), keras.Sequential([layers.Flatten()]), keras.Model(image, [image, image * 2])):
        with pytest.raises(ValueError, match="`model` must be a Functional or Sequential model with one input"):
            grad_cam(model, np.ones((1, 4, 4, 1)))
