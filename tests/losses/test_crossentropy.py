import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.losses import SparseCategoricalCrossentropy

pytestmark = pytest.mark.backend

LABELS = np.array([2, 0, 1, 1], "int32")
PROBABILITIES = np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05], [0.6, 0.2, 0.2]], "float32")


def test_by_hand():
    # target (0.1, 0.8, 0.1) for three classes and a smoothing of 0.3
    loss = SparseCategoricalCrossentropy(0.3)(np.array([1]), np.array([[0.25, 0.5, 0.25]]))
    assert float(loss) == pytest.approx(-(0.8 * np.log(0.5) + 0.2 * np.log(0.25)), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 2.0, 0.5])])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", None])
def test_agrees_with_keras_on_one_hot_targets(smoothing, weights, reduction):
    ours = SparseCategoricalCrossentropy(smoothing, reduction=reduction)
    theirs = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing, reduction=reduction)
    got = ops.convert_to_numpy(ours(LABELS, PROBABILITIES, weights))
    np.testing.assert_allclose(got, theirs(np.eye(3)[LABELS], PROBABILITIES, weights), rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_shares_of_classes_are_targets_too(smoothing):
    shares = np.array([[0.0, 0.25, 0.75], [1, 0, 0], [0.5, 0.5, 0], [0.2, 0.2, 0.6]], "float32")
    loss = SparseCategoricalCrossentropy(smoothing, reduction=None)
    smooth = shares * (1 - smoothing) + smoothing / 3
    expected = -(smooth * np.log(PROBABILITIES)).sum(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(loss(shares, PROBABILITIES)), expected, rtol=1e-6)
    pure = ops.convert_to_numpy(loss(np.eye(3, dtype="float32")[LABELS], PROBABILITIES))
    np.testing.assert_allclose(pure, ops.convert_to_numpy(loss(LABELS, PROBABILITIES)), rtol=1e-6)


def test_targets_as_a_column_and_maps_of_targets():
    loss = SparseCategoricalCrossentropy(0.1)
    assert float(loss(LABELS[:, None], PROBABILITIES)) == pytest.approx(float(loss(LABELS, PROBABILITIES)))
    flat = float(loss(LABELS, PROBABILITIES))
    assert float(loss(LABELS.reshape(1, 2, 2), PROBABILITIES.reshape(1, 2, 2, 3))) == pytest.approx(flat)


def test_one_class_needs_no_warning():
    assert float(SparseCategoricalCrossentropy(0.1)(np.array([0]), np.array([[1.0]]))) == pytest.approx(0, abs=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only there Keras goes back to the logits")
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_sure_mistake_of_a_softmax_still_has_its_gradient(smoothing):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "softmax", use_bias=False)])
    model.layers[0].kernel.assign(np.array([[0.0, 60.0], [0.0, 0.0]]))  # probabilities (1e-26, 1)
    model.compile(keras.optimizers.SGD(1.0), SparseCategoricalCrossentropy(smoothing))
    loss = model.train_on_batch(np.array([[1.0, 0.0]]), np.array([0]))
    assert loss == pytest.approx(60 * (1 - smoothing / 2), rel=1e-5)
    # the gradient of the logits is probability - target
    target = np.array([1 - smoothing / 2, smoothing / 2])
    np.testing.assert_allclose(model.layers[0].kernel[0], np.array([0, 60]) - (np.array([0, 1]) - target), rtol=1e-5)


def test_class_weights_in_fit():
    def weighted(class_weight):
        dense = keras.layers.Dense(3, "softmax", use_bias=False, kernel_initializer="identity")
        model = keras.Sequential([keras.Input((3,)), dense])
        model.compile("sgd", SparseCategoricalCrossentropy(0.1))
        history = model.fit(np.log(PROBABILITIES), LABELS, class_weight=class_weight, verbose=0)
        return history.history["loss"][0]

    each = ops.convert_to_numpy(SparseCategoricalCrossentropy(0.1, reduction=None)(LABELS, PROBABILITIES))
    assert weighted({0: 1.0, 1: 1.0, 2: 1.0}) == pytest.approx(each.mean(), rel=1e-5)
    assert weighted({0: 4.0, 1: 0.5, 2: 2.0}) == pytest.approx((each * [2, 4, 0.5, 0.5]).mean(), rel=1e-5)


def test_config_round_trip_keeps_every_argument():
    loss = SparseCategoricalCrossentropy(0.25, reduction="sum", name="other", dtype="float64")
    config = keras.losses.serialize(loss)
    assert config["registered_name"] == "kerascnn>SparseCategoricalCrossentropy"
    again = keras.losses.deserialize(config)
    assert type(again) is SparseCategoricalCrossentropy
    assert (again.label_smoothing, again.reduction, again.name, again.dtype) == (0.25, "sum", "other", "float64")


@pytest.mark.parametrize("value", [-0.1, 1.0, "much"])
def test_errors(value):
    with pytest.raises(ValueError, match=r"`label_smoothing` must be in \[0, 1\). Received: label_"):
        SparseCategoricalCrossentropy(value)
