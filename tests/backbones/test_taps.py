"""The maps of a network by stride."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import models
from kerascnn.backbones.building import backbone
from kerascnn.backbones.table import BACKBONES
from kerascnn.backbones.taps import features, last_maps

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def images():
    return np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), "uint8")


def test_a_backbone_gives_the_maps_of_the_table_and_shares_its_weights():
    model = backbone("mobilenet_v2", (64, 64, 3), weights=None)
    found = features(model, (2, 8, 32))
    assert found.name == "mobilenet_v2_features"
    assert [tensor.shape[1:] for tensor in found.outputs] == [(32, 32, 96), (8, 8, 192), (2, 2, 1280)]
    taps = BACKBONES["mobilenet_v2"].taps
    assert [model.get_layer(taps[stride]).output for stride in (2, 8, 32)] == found.outputs
    np.testing.assert_array_equal(found(images())[-1], model(images()))
    model.get_layer("Conv_1").kernel.assign(np.zeros((1, 1, 320, 1280)))
    assert not np.any(found(images())[-1])


def test_a_head_or_a_longer_name_does_not_matter():
    trunk = backbone("mobilenet_v2", (64, 64, 3), weights=None)
    x = layers.Dense(2, name="probabilities")(layers.GlobalAveragePooling2D(name="pool")(trunk.output))
    model = keras.Model(trunk.input, x, name="mobilenet_v2_bees")
    assert features(model, name="maps").name == "maps"
    assert features(model).outputs == features(trunk).outputs


def test_the_graph_finds_the_taps_of_the_table_where_nothing_passes_them():
    for name in ("vgg16", "resnet50", "mobilenet_v2", "efficientnet_lite0"):
        with keras.StatelessScope(initialize_variables=False):
            model = backbone(name, (96, 96, 3), weights=None)
            maps = last_maps(model)
        taps = BACKBONES[name].taps
        shapes = {stride: model.get_layer(tap).output.shape for stride, tap in taps.items()}
        assert {stride: maps[stride].shape for stride in taps} == shapes
    keras.utils.clear_session()


@pytest.mark.parametrize(
    ("model", "strides", "shapes"),
    [
        ("resnet20", (1, 2, 4), [(32, 32, 16), (16, 16, 32), (8, 8, 64)]),
        ("vgg11(filters=(4, 8, 8, 16, 16), units=(32,))", (2, 4), [(16, 16, 8), (8, 8, 8)]),
        ("googlenet(width=0.125)", (1, 2, 4), [(32, 32, 60), (16, 16, 104), (8, 8, 128)]),
        ("lenet5", (1, 2, 4), [(28, 28, 6), (10, 10, 16), (5, 5, 16)]),
    ],
)
def test_our_own_models_by_their_graph(model, strides, shapes):
    network = models.build(model, (32, 32, 3), 10)
    assert [tensor.shape[1:] for tensor in features(network, strides).outputs] == shapes


def test_a_nested_model_and_a_flat_one_give_the_same():
    inner = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(4, 3, 2, "same"), layers.Conv2D(6, 3, 2, "same")])
    inputs = keras.Input((32, 32, 3))
    outer = keras.Model(inputs, layers.ReLU()(inner(inputs)))
    x = images()[:, :32, :32]
    flat, nested = features(inner, (2, 4))(x), features(outer, (2, 4))(x)
    np.testing.assert_array_equal(nested[0], flat[0])
    np.testing.assert_array_equal(nested[1], np.maximum(flat[1], 0))


def test_padding_gates_and_branches_are_no_last_map():
    x = inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 3, padding="same", name="whole")(x)
    gate = layers.Dense(4)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply(name="gated")([x, gate])
    left = layers.Conv2D(4, 3, 2, "same")(layers.ZeroPadding2D(2)(layers.ReLU(name="branch")(x)))
    x = layers.Concatenate(name="joined")([left, layers.Conv2D(4, 3, 2, "same")(layers.ZeroPadding2D(2)(x))])
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(5, 3, 2, name="last")(x)
    x = layers.Conv2DTranspose(5, 2, 2, name="up")(x)
    model = keras.Model(inputs, x)
    assert {stride: tensor.shape for stride, tensor in last_maps(model).items()} == {
        1: (None, 32, 32, 4),
        2: model.get_layer("up").output.shape,
        4: model.get_layer("last").output.shape,
    }


def test_a_stride_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"`strides` must be among those of lenet5: 1, 2, 4. Received: strides=8."):
        features(models.lenet5((32, 32, 3), 10))
