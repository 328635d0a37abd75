import keras
import numpy as np
import pytest

from kerascnn.metrics import SparseCategoricalAccuracy

pytestmark = pytest.mark.backend

LABELS = np.array([2, 0, 1, 1], "int32")
PROBABILITIES = np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05], [0.6, 0.2, 0.2]], "float32")


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 2.0, 0.5])])
@pytest.mark.parametrize("targets", [LABELS, LABELS[:, None]])
def test_indices_count_as_in_keras(targets, weights):
    ours, theirs = SparseCategoricalAccuracy(), keras.metrics.SparseCategoricalAccuracy()
    for metric in (ours, theirs):
        metric.update_state(targets, PROBABILITIES, weights)
    assert float(ours.result()) == float(theirs.result())


def test_the_largest_share_counts_as_true():
    metric = SparseCategoricalAccuracy()
    shares = np.array([[0.4, 0.0, 0.6], [0.9, 0.1, 0.0], [0.0, 0.8, 0.2], [0.6, 0.4, 0.0]], "float32")
    metric.update_state(shares, PROBABILITIES)
    assert float(metric.result()) == 0.75
    metric.update_state(LABELS, PROBABILITIES)  # 2 of 4
    assert float(metric.result()) == 5 / 8
    metric.reset_state()
    metric.update_state(LABELS[:1], PROBABILITIES[:1])
    assert float(metric.result()) == 1


def test_config_round_trip():
    again = keras.metrics.deserialize(keras.metrics.serialize(SparseCategoricalAccuracy("other")))
    assert type(again) is SparseCategoricalAccuracy and again.name == "other"


def test_a_network_trains_on_shares_and_is_validated_on_indices():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, "softmax", kernel_initializer="identity")])
    from kerascnn.losses import SparseCategoricalCrossentropy

    model.compile("sgd", SparseCategoricalCrossentropy(0.1), metrics=[SparseCategoricalAccuracy()])
    x = np.log(PROBABILITIES)
    history = model.fit(x, np.eye(3)[LABELS], validation_data=(x, LABELS), verbose=0).history
    assert history["accuracy"] == [0.5] and history["val_accuracy"] == [0.5]
