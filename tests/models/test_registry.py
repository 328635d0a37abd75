import functools

import keras
import pytest

from kerascnn.blocks import preactivation
from kerascnn.models import build, describe, lenet5, resnet, resnet18, resnet20
from kerascnn.models.registry import parse

pytestmark = pytest.mark.backend

DIGITS = (28, 28, 1)


def perceptron(image_shape=DIGITS, classes=10):
    return keras.Sequential([keras.Input(image_shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")])


def test_a_name_with_arguments_passes_them_to_the_builder():
    with keras.StatelessScope(initialize_variables=False):
        model = build("lenet5(filters=(3, 5), kernel_size=3, units=(7,))", DIGITS, 10)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size) for layer in convolutions] == [(3, (3, 3)), (5, (3, 3))]
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [7, 10]
    keras.utils.clear_session()


def test_builders_partials_and_models_are_accepted():
    assert build(perceptron, DIGITS, 3).output_shape == (None, 3)
    assert build(functools.partial(lenet5, units=()), DIGITS, 4).output_shape == (None, 4)
    model = perceptron()
    assert build(model, DIGITS, 10) is model


def test_a_model_for_any_size_takes_this_size():
    inputs = keras.Input((None, None, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(10, "softmax")(pooled))
    assert build(model, DIGITS, 10) is model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet19", "Received: model='resnet19'. Did you mean 'resnet"),
        ("vgg-16", "Received: model='vgg-16'. Did you mean 'vgg16'"),
        ("vgg 16", "Did you mean 'vgg16'"),
        ("lenet5(5)", r"Received: model='lenet5\(5\)'"),
        ("lenet5(kernel=3)", "have arguments among activation, filters, kernel_size, .* Did you mean 'kernel_size'"),
        ("lenet5(classes=3)", "have arguments among"),
        ("lenet5(filters=six)", "Pass a builder instead of a string for six"),
        ("lenet5(**{})", "must be one of"),
        ("", "must be one of"),
    ],
)
def test_errors_in_names_say_what_is_near(model, message):
    with pytest.raises(ValueError, match=message):
        build(model, DIGITS, 10)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (perceptron((8, 8, 1)), r"take images of shape \(28, 28, 1\).*It takes \(8, 8, 1\)"),
        (perceptron(classes=5), r"give 10 probabilities an image.*It gives \(5,\)"),
        (lambda image_shape, classes: perceptron(image_shape, classes + 1), "give 10 probabilities"),
    ],
)
def test_errors_in_models_name_both_shapes(model, message):
    with pytest.raises(ValueError, match=message):
        build(model, DIGITS, 10)


def test_a_model_with_two_outputs_is_refused():
    inputs = keras.Input(DIGITS)
    model = keras.Model(inputs, [inputs, inputs])
    with pytest.raises(ValueError, match="one input and one output"):
        build(model, DIGITS, 10)


def test_a_model_that_was_never_built_is_refused():
    with pytest.raises(ValueError, match="one input and one output, known before training"):
        build(keras.Sequential([keras.layers.Dense(10)]), DIGITS, 10)


@pytest.mark.parametrize("model", [42, None, lambda image_shape, classes: "model"])
def test_other_things_are_refused(model):
    with pytest.raises(TypeError, match="be a name, a builder"):
        build(model, DIGITS, 10)


@pytest.mark.parametrize("classes", [0, 2.5, True])
def test_classes_are_a_positive_integer(classes):
    with pytest.raises(ValueError, match="`classes` must be an integer of at least 1"):
        build("mlp", DIGITS, classes)


@pytest.mark.parametrize("text", ["mlp", "resnet20(kernel_size=5, filters=32)", "lenet5(filters=(3, 5))"])
def test_the_description_of_a_text_is_the_text(text):
    assert describe(text) == text
    assert parse(describe(text)) == parse(text)


def test_descriptions_of_objects():
    assert describe(lenet5) == "lenet5"
    assert describe(resnet20) == "resnet20"
    assert describe(functools.partial(lenet5, kernel_size=3)) == "lenet5(kernel_size=3)"
    assert describe(functools.partial(resnet20, filters=4)) == "resnet20(filters=4)"
    assert describe(functools.partial(resnet, depths=(1, 1))) == "resnet(depths=(1, 1))"
    assert describe(functools.partial(resnet18, block=preactivation)) == "resnet18(block=preactivation)"
    assert describe(perceptron) == "perceptron"
    assert describe(perceptron()).startswith("keras.Sequential sequential")
