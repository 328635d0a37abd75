import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import backbones, inspect
from kerascnn.stylizing import extractor, suited_layers

pytestmark = pytest.mark.backend


def network(size=(16, 16), name="small"):
    image = keras.Input((*size, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Conv2D(6, 3, 2, padding="same", name="conv2")(x)
    return keras.Model(image, layers.Dense(5, name="classes")(layers.GlobalAveragePooling2D(name="pool")(x)), name=name)


def test_it_gives_the_maps_of_the_network_and_takes_images_of_any_size():
    model = network()
    seen = extractor(model, ["conv2"], ["norm", "conv1"])
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    expected = inspect.feature_maps(model, images, ["conv2", "norm", "conv1"])
    for found, wanted in zip(seen(images, training=False), expected.values(), strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), wanted, rtol=1e-5, atol=1e-4)
    assert [tuple(each.shape) for each in seen(np.zeros((1, 9, 14, 3)))][0] == (1, 5, 7, 6)


def test_weights_are_shared_and_layers_above_are_left_out():
    model = network()
    seen = extractor(model, ["conv1"], ["conv1"])
    assert [layer.name for layer in seen.layers] == ["image", "conv1"]
    assert seen.layers[1].kernel is model.get_layer("conv1").kernel


def test_it_looks_into_nested_models():
    inner = network()
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, layers.Softmax()(inner(image)))
    assert extractor(model, ["small/conv2"], ["conv1"]).output_shape == [(None, None, None, 6), (None, None, None, 4)]


@pytest.mark.parametrize("argument", ["content_layers", "style_layers"])
def test_a_layer_that_is_not_there_names_the_nearest(argument):
    given = {"content_layers": ["conv1"], "style_layers": ["conv1"], argument: ["conv3"]}
    with pytest.raises(ValueError, match=rf"^`{argument}` must name a layer that gives a map.*'conv[12]'"):
        extractor(network(), *given.values())


@pytest.mark.parametrize("layers_given", [(), "conv1"])
def test_layers_are_a_sequence_of_names(layers_given):
    with pytest.raises(ValueError, match="`style_layers` must be a sequence of names"):
        extractor(network(), ["conv1"], layers_given)


@pytest.mark.parametrize("name", ["vgg16", "vgg19", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_layers_that_suit_are_there(name, no_memory):
    backbone = backbones.backbone(name, (None, None, 3), weights=None)
    content, style = suited_layers(backbone, None, None)
    assert len(extractor(backbone, content, style).outputs) == len(content) + len(style)
    assert suited_layers(backbone, ["x"], None) == (("x",), style)


def test_another_network_must_have_its_layers_named():
    assert suited_layers(network(), ["conv2"], ["conv1"]) == (("conv2",), ("conv1",))
    with pytest.raises(ValueError, match="`style_layers` must be given for small"):
        suited_layers(network(), ["conv2"], None)
