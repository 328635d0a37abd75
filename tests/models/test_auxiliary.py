import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.models import Auxiliary, googlenet

# Keras reads TensorFlow variables in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.array([[1.0, 0.0], [0.0, 1.0]], "float32")
Y = np.array([0, 1])


def two_heads(weight=0.3, regularizer=None):
    """Heads that give (0.5, 0.5) and, with a bias of log 3, (0.75, 0.25), whatever the input."""
    inputs = keras.Input((2,))
    outputs = [
        keras.layers.Dense(2, "softmax", kernel_initializer="zeros", kernel_regularizer=regularizer, name=name)(inputs)
        for name in ("main", "side1", "side2")
    ]
    model = Auxiliary(inputs, outputs, auxiliary_weight=weight, name="heads")
    model.get_layer("side1").bias.assign([np.log(3), 0])
    return model


class Ones(keras.regularizers.Regularizer):
    def __call__(self, weights):
        return 1.0 + 0.0 * ops.sum(weights)


MAIN = np.log(2)
SIDES = -(np.log(0.75) + np.log(0.25)) / 2 + np.log(2)


@pytest.mark.backend
def test_the_training_loss_adds_the_weighted_losses_of_the_sides():
    model = two_heads()
    model.compile("sgd", "sparse_categorical_crossentropy")
    loss = model.compute_loss(X, Y, model(X, training=True), training=True)
    assert float(loss) == pytest.approx(MAIN + 0.3 * SIDES, rel=1e-5)


@pytest.mark.backend
def test_regularisation_counts_once():
    model = two_heads(weight=0.5, regularizer=Ones())
    model.compile("sgd", "sparse_categorical_crossentropy")
    loss = model.compute_loss(X, Y, model(X, training=True), training=True)
    assert float(loss) == pytest.approx(3 + MAIN + 0.5 * SIDES, rel=1e-5)


@pytest.mark.backend
def test_fit_takes_one_target_and_moves_the_sides():
    model = two_heads()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = [weight.numpy() for weight in model.trainable_variables]
    history = model.fit(X, Y, verbose=0, sample_weight=np.ones(2)).history
    assert set(history) == {"loss", "accuracy"}
    assert history["loss"][0] == pytest.approx(MAIN + 0.3 * SIDES, rel=1e-5)
    moved = [not np.allclose(old, new.numpy()) for old, new in zip(before, model.trainable_variables, strict=True)]
    assert moved == [True, False] + [True, True] + [True, False]  # by symmetry, two biases have no gradient


@pytest.mark.backend
def test_evaluation_and_prediction_know_the_first_output_only():
    model = two_heads()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    figures = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(MAIN, rel=1e-5)
    np.testing.assert_allclose(model.predict(X, verbose=0), np.full((2, 2), 0.5))


@pytest.mark.backend
def test_inference_is_plain_keras_with_the_same_weights():
    model = two_heads()
    plain = model.inference()
    assert type(plain).__module__.startswith("keras.")
    assert plain.name == "heads"
    assert [id(weight) for weight in plain.weights] == [id(weight) for weight in model.get_layer("main").weights]


def test_the_file_keeps_graph_and_weight(tmp_path):
    model = two_heads(weight=0.7)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.auxiliary_weight == 0.7
    for mine, theirs in zip(model(X, training=True), again(X, training=True), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_googlenet_has_two_sides_that_vanish_at_inference():
    model = googlenet((32, 32, 1), 10, width=0.125, auxiliary_weight=0.2)
    image = np.zeros((1, 32, 32, 1), "uint8")
    assert [output.shape for output in model(image, training=True)] == [(1, 10)] * 3
    assert model(image).shape == (1, 10)
    assert not [layer.name for layer in model.inference().layers if "auxiliary" in layer.name]
    assert model.auxiliary_weight == 0.2
