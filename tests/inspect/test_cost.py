import random
import resource
import threading

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import models
from kerascnn.inspect import Cost, cost
from kerascnn.models.googlenet import INCEPTIONS


def of(name, image_shape, classes=1000):
    return cost(lambda: models.build(name, image_shape, classes))


def flops(layer, shape):
    image = keras.Input(shape)
    return cost(keras.Model(image, layer(image))).flops


@pytest.mark.backend
def test_lenet5_by_hand():
    multiplied = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10
    biases = 28 * 28 * 6 + 10 * 10 * 16 + 120 + 84 + 10
    assert multiplied == 416_520
    assert of("lenet5", (32, 32, 1), 10) == Cost(61_706, 2 * 416_520 + biases)


def test_vgg16_has_the_multiplications_of_the_literature():
    biases = sum(side**2 * width for side, width in [(224, 128), (112, 256), (56, 768), (28, 1536), (14, 1536)])
    found = of("vgg16", (224, 224, 3))
    assert found.parameters == 138_357_544
    assert found.flops == 2 * 15_470_264_320 + biases + 4096 + 4096 + 1000


def test_resnet50_has_the_multiplications_of_torchvision():
    found = of("resnet50", (224, 224, 3))
    assert found.flops == 2 * 4_089_184_256 + 1000
    assert found.parameters == 25_557_032 + 53_120  # and the moving statistics of batch normalisation


def test_googlenet_is_counted_without_its_auxiliary_classifiers():
    places = {"3": 28**2, "4": 14**2, "5": 7**2}
    multiplied, channels = 112**2 * 64 * 147 + 56**2 * (64 * 64 + 64 * 9 * 192) + 1024 * 1000, 192
    for stage, (point, (thin, wide), (thinner, wider), pool) in INCEPTIONS.items():
        ones = channels * (point + thin + thinner + pool)
        multiplied += places[stage[0]] * (ones + 9 * thin * wide + 25 * thinner * wider)
        channels = point + wide + wider + pool
    assert of("googlenet", (224, 224, 3)).flops == 2 * multiplied + 1000
    plain = cost(lambda: models.googlenet((224, 224, 3), 1000, normalization=None))
    assert plain.parameters == 6_998_552


@pytest.mark.backend
@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), (8, 8, 4), 64 * (2 * 9 * 8 + 8)),
        (layers.DepthwiseConv1D(5, strides=2), (9, 4), 3 * (2 * 5 * 4 + 4)),
        (layers.SeparableConv2D(6, 3, strides=2, padding="same"), (8, 8, 4), 16 * (2 * (9 * 4 + 4 * 6) + 6)),
        (layers.SeparableConv1D(6, 3, use_bias=False), (8, 4), 6 * 2 * (3 * 4 + 4 * 6)),
        (layers.Conv2D(8, 3, groups=4, padding="same", use_bias=False), (8, 8, 16), 64 * 2 * 9 * 4 * 8),
        (layers.Conv2D(8, (3, 1), dilation_rate=2), (8, 8, 2), 4 * 8 * (2 * 3 * 2 * 8 + 8)),
        (layers.Conv1D(5, 4, padding="causal"), (10, 3), 10 * (2 * 4 * 3 * 5 + 5)),
        (layers.Conv3D(5, 2), (4, 4, 4, 3), 27 * (2 * 8 * 3 * 5 + 5)),
        (layers.Conv2DTranspose(5, 3, strides=2, padding="same"), (4, 4, 3), 16 * 2 * 9 * 3 * 5 + 64 * 5),
        (layers.Conv1DTranspose(5, 2, strides=2, use_bias=False), (4, 3), 4 * 2 * 2 * 3 * 5),
        (layers.Conv3DTranspose(2, 2, strides=2, use_bias=False), (2, 2, 2, 3), 8 * 2 * 8 * 3 * 2),
        (layers.Dense(7), (5,), 2 * 5 * 7 + 7),
        (layers.Dense(7), (6, 4, 5), 24 * (2 * 5 * 7 + 7)),
        (layers.TimeDistributed(layers.Conv2D(2, 3)), (6, 8, 8, 1), 6 * 36 * (2 * 9 * 2 + 2)),
        (layers.SpectralNormalization(layers.Dense(7)), (5,), 2 * 5 * 7 + 7),
        (layers.BatchNormalization(), (8, 8, 3), 0),
        (layers.AveragePooling2D(2), (8, 8, 3), 0),
    ],
)
def test_layers_by_hand(layer, shape, expected):
    assert flops(layer, shape) == expected


def test_channels_first():
    layer = layers.Conv2D(4, 3, padding="same", data_format="channels_first", use_bias=False)
    assert flops(layer, (3, 8, 6)) == 48 * 2 * 9 * 3 * 4


def test_a_shared_layer_counts_once_a_call_and_its_weights_once():
    image = keras.Input((5,))
    shared = layers.Dense(5, use_bias=False)
    assert cost(keras.Model(image, shared(shared(image)))) == Cost(25, 2 * 2 * 25)


def test_nested_models_are_counted_at_the_size_that_they_are_called_with():
    inner = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 1, use_bias=False)])
    image, film = keras.Input((8, 6, 3)), keras.Input((5, 8, 6, 3))
    assert cost(keras.Model(image, inner(image))) == Cost(6, 48 * 2 * 6)
    assert cost(keras.Model(film, layers.TimeDistributed(inner)(film))) == Cost(6, 5 * 48 * 2 * 6)
    assert cost(models.averaged(models.lenet5((32, 32, 1), 10), 2)).flops == 2 * of("lenet5", (32, 32, 1), 10).flops


NARROW = {
    "inception_resnet_v2": "inception_resnet_v2(width=0.125, depths=(1, 1, 1))",
    "googlenet": "googlenet(width=0.125)",
    "resnet50": "resnet50(filters=4)",
    "resnet20": "resnet20(filters=4)",
}


@pytest.mark.parametrize("name", [name for name in models.MODELS if name in NARROW or not name.startswith("resnet")])
def test_models_cost_the_same_built_and_unbuilt(name):
    text = NARROW.get(name, name)
    found = of(text, (32, 32, 3), 10)
    assert found.parameters > 0 and found.flops > 0
    if found.parameters < 1e6:
        assert cost(models.build(text, (32, 32, 3), 10)) == found


def test_mixed_precision_costs_the_same():
    expected = of("resnet20", (32, 32, 3), 10)
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert cost(models.averaged(models.resnet20((32, 32, 3), 10), 2)) == Cost(expected.parameters, 2 * expected.flops)


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.backend
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("mlp(units=(40_000, 50_000))", 2.0e9),
        ("convnet(filters=(16_384, 16_384))", 2.4e9),
        ("fastnet(filters=(8192, 16_384))", 3.5e9),
    ],
)
def test_billions_of_parameters_take_no_memory_not_even_later(name, least):
    of("lenet5", (28, 28, 1), 10)
    before = peak_mib()
    assert of(name, (28, 28, 1), 10).parameters > least
    with keras.StatelessScope():  # at its end Keras gives values to all variables of this thread that have none
        pass
    assert peak_mib() - before < 100


@pytest.mark.backend
def test_what_is_built_next_has_the_names_and_the_weights_that_it_would_have_had():
    def network():
        return keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dropout(0.5), layers.Dense(2)])

    found = []
    for look in (lambda: None, lambda: cost(network)):
        keras.utils.clear_session()
        keras.utils.set_random_seed(3)
        first = network()
        look()
        second = network()
        drawn = random.random(), np.random.random()
        names = [layer.name for model in (first, second) for layer in (model, *model.layers)]
        found.append((names, drawn, [weight for model in (first, second) for weight in model.get_weights()]))
    assert found[0][:2] == found[1][:2]
    assert found[0][0][-1] == "dense_3"
    for expected, weight in zip(found[0][2], found[1][2], strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_the_precision_is_that_of_the_caller_and_stays():
    keras.config.set_dtype_policy("mixed_bfloat16")
    seen = []

    def network():
        seen.append((keras.config.dtype_policy().name, threading.current_thread() is threading.main_thread()))
        return models.mlp((4, 4, 1), 2)

    cost(network)
    assert seen == [("mixed_bfloat16", False)]
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


def test_what_cannot_be_counted():
    class Own(keras.Model):
        def call(self, x):
            return x

    image = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="`model` must take images of a certain size"):
        cost(keras.Model(image, layers.Conv2D(2, 3)(image)))
    with pytest.raises(ValueError, match="`model` must be a Functional or built Sequential model"):
        cost(Own())
    with pytest.raises(ValueError, match="`model` must be a Functional or built Sequential model"):
        cost(lambda: keras.Sequential([keras.Input((4,)), Own()]))
    with pytest.raises(TypeError, match="`model` must be a keras.Model or a function that builds one"):
        cost(lambda: 3)
    with pytest.raises(ValueError, match="Did you mean 'lenet5'"):
        of("lenet6", (28, 28, 1), 10)
