"""Parameter counts against the literature: the cheapest proof that a network is the one that its name says."""

import math

import keras
import pytest

from kerascnn.models import MODELS, build, googlenet

COUNTS = {  # name: image shape, classes, trainable parameters
    "convnet": ((32, 32, 3), 10, 94_762),
    "mnist_cnn": ((28, 28, 1), 10, 36_054),
    "lenet5": ((32, 32, 1), 10, 61_706),
    "alexnet": ((227, 227, 3), 1000, 60_965_224),
    "zfnet": ((224, 224, 3), 1000, 62_357_608),
    "vgg11": ((224, 224, 3), 1000, 132_863_336),
    "vgg13": ((224, 224, 3), 1000, 133_047_848),
    "vgg16": ((224, 224, 3), 1000, 138_357_544),
    "vgg19": ((224, 224, 3), 1000, 143_667_240),
    "resnet18": ((224, 224, 3), 1000, 11_689_512),
    "resnet34": ((224, 224, 3), 1000, 21_797_672),
    "resnet50": ((224, 224, 3), 1000, 25_557_032),
    "resnet101": ((224, 224, 3), 1000, 44_549_160),
    "resnet152": ((224, 224, 3), 1000, 60_192_808),
    "resnet20": ((32, 32, 3), 10, 269_722),
    "resnet32": ((32, 32, 3), 10, 464_154),
    "resnet44": ((32, 32, 3), 10, 658_586),
    "resnet56": ((32, 32, 3), 10, 853_018),
    "resnet110": ((32, 32, 3), 10, 1_727_962),
}


pytestmark = pytest.mark.usefixtures("no_memory")


def trainable(model):
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


def shapes(weights):
    return sorted(tuple(weight.shape) for weight in weights)


@pytest.mark.backend
@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_the_literature(name):
    image_shape, classes, expected = COUNTS[name]
    assert trainable(build(name, image_shape, classes)) == expected


def test_lenet5_has_as_many_for_28_pixels():
    assert trainable(build("lenet5", (28, 28, 1), 10)) == 61_706


def test_alexnet_without_groups_is_larger_by_the_connections_that_groups_cut():
    cut = 256 * 48 * 25 + 384 * 192 * 9 + 256 * 192 * 9
    assert trainable(build("alexnet(groups=1)", (227, 227, 3), 1000)) == 60_965_224 + cut


@pytest.mark.backend
def test_googlenet_of_the_paper_with_and_without_its_auxiliary_classifiers():
    model = googlenet((224, 224, 3), 1000, normalization=None)
    assert trainable(model.inference()) == 6_998_552
    assert trainable(model) == 13_378_280


def test_resnet20_with_projections_adds_two_1x1_convolutions_with_norms():
    option_b = (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)
    assert trainable(build("resnet20(shortcut='projection')", (32, 32, 3), 10)) == 269_722 + option_b


def test_inception_resnet_has_the_weights_of_keras_applications():
    def unscaled(name):
        return keras.layers.BatchNormalization(scale=False, name=name)

    ours = MODELS["inception_resnet_v2"]((96, 96, 3), 1000, normalization=unscaled)
    theirs = keras.applications.InceptionResNetV2(weights=None, include_top=False, input_shape=(96, 96, 3))
    head = 1536 * 1000 + 1000
    assert trainable(ours) == trainable(theirs) + head == 55_813_192
    headless = keras.Model(ours.inputs, ours.get_layer("top_act").output)
    assert shapes(headless.weights) == shapes(theirs.weights)
    assert ours.get_layer("top_act").output.shape == theirs.output.shape
