import keras
import numpy as np
import pytest

from kerascnn import training
from kerascnn.callbacks import snapshot
from kerascnn.data import load
from kerascnn.training.learning_rate import suggest


def model():
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    network.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    return network


def test_the_curve_rises_in_the_end_and_the_suggestion_lies_where_it_falls():
    curve = training.find_learning_rate(model(), load("digits"), batch_size=64, low=1e-7, high=10, steps=60)
    assert list(curve.rates) == pytest.approx(np.geomspace(1e-7, 10, 60)[: len(curve.rates)])
    assert curve.suggestion in curve.rates
    assert 1e-6 < curve.suggestion < curve.rates[int(np.argmin(curve.losses))]  # neither the flat part nor the least
    assert len(curve.rates) < 60  # it ends when the loss explodes
    assert curve.losses[-1] > min(curve.losses)


def test_the_model_and_its_optimizer_stay_as_they_were():
    network = model()
    network.optimizer.build(network.trainable_variables)
    before = snapshot.take([*network.variables, *network.optimizer.variables])
    training.find_learning_rate(network, load("digits"), steps=10)
    after = snapshot.take([*network.variables, *network.optimizer.variables])
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_picture_shows_the_suggestion():
    figure = training.LearningRateCurve([1e-3, 1e-2, 1e-1], [2.0, 1.0, 3.0], 1e-2).draw()
    assert figure.axes


@pytest.mark.parametrize(("argument", "value"), [("low", 0), ("low", 2.0), ("steps", 3)])
def test_wrong_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be"):
        training.find_learning_rate(model(), load("digits"), **{argument: value})


@pytest.mark.parametrize("losses", [[], [2.0]])
def test_a_loss_that_is_nan_at_once_is_named(losses):
    with pytest.raises(ValueError, match="`losses` must hold at least 2 steps.*try a smaller `low`"):
        suggest([1e-3, 1e-2], losses)


def test_a_model_whose_first_loss_is_nan_is_named_and_put_back():
    network = model()
    network.layers[-1].kernel.assign(np.full((64, 10), np.nan))
    with pytest.raises(ValueError, match=r"`losses` must hold .* Received: losses=\[\]"):
        training.find_learning_rate(network, load("digits"), steps=10)
    assert float(network.optimizer.learning_rate) == pytest.approx(0.1)


def test_an_optimizer_that_scales_the_loss_is_built_once():
    keras.config.set_dtype_policy("mixed_float16")
    network = model()
    assert type(network.optimizer) is keras.optimizers.LossScaleOptimizer
    training.find_learning_rate(network, load("digits"), steps=10)
    first = len(network.optimizer.variables)
    training.find_learning_rate(network, load("digits"), steps=10)
    assert len(network.optimizer.variables) == first
