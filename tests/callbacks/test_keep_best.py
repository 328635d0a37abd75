import keras
import numpy as np
import pytest

from kerascnn import optimizers
from kerascnn.callbacks import KeepBest, snapshot

X = np.linspace(-1, 1, 32, dtype="float32")[:, None]
Y = 3 * X + 1


def model(**options):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    network.compile(optimizers.sgd(0.1, momentum=0.0, weight_decay=0.0, **options), "mse")
    return network


class Judged(keras.callbacks.Callback):
    """Gives each epoch a figure of the test's choice and remembers the weights that it had."""

    def __init__(self, values):
        super().__init__()
        self.values, self.kernels = values, []

    def on_epoch_end(self, epoch, logs=None):
        logs["val_accuracy"] = self.values[epoch]
        self.kernels.append(float(self.model.layers[0].kernel[0, 0]))


def fit(best, values, network=None):
    network = network or model()
    judged = Judged(values)
    network.fit(X, Y, epochs=len(values), verbose=0, callbacks=[judged, best])
    return network, judged


@pytest.mark.parametrize("on_disk", [False, True])
def test_training_ends_with_the_weights_of_the_first_best_epoch(on_disk, tmp_path):
    best = KeepBest(path=tmp_path / "best.npz" if on_disk else None)
    network, judged = fit(best, [0.1, 0.9, 0.9, 0.2])
    assert (best.epoch, best.value) == (1, 0.9)
    assert float(network.layers[0].kernel[0, 0]) == judged.kernels[1]
    assert len(set(judged.kernels)) == 4


@pytest.mark.parametrize("ema", [None, 0.5])
def test_the_last_weights_may_be_kept_and_the_best_epoch_is_still_told(ema, tmp_path):
    best = KeepBest(keep="last", path=tmp_path / "best.npz")
    network = model() if ema is None else model(ema=ema)
    averages = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: averages.append(snapshot.averaged(network)[0]))
    network.fit(X, Y, epochs=3, verbose=0, callbacks=[Judged([0.1, 0.9, 0.2]), watch, best])
    assert (best.epoch, best.value) == (1, 0.9)
    np.testing.assert_array_equal(network.layers[0].kernel, averages[2])
    assert not np.array_equal(averages[1], averages[2])
    assert not (tmp_path / "best.npz").exists()
    with pytest.raises(ValueError, match="`keep` must be one of 'best', 'last'"):
        KeepBest(keep="first")


def test_patience_counts_epochs_without_a_better_one():
    best = KeepBest(patience=2)
    _, judged = fit(best, [0.5, 0.4, 0.6, 0.6, 0.1, 0.9, 0.9])
    assert len(judged.kernels) == 5  # epoch 3 is best; two more follow
    assert best.stopped


def test_equal_accuracies_are_judged_by_the_loss():
    best = KeepBest(patience=2)
    best.set_model(model())
    for epoch, loss in enumerate([0.5, 0.3, 0.3, 0.4]):
        best.on_epoch_end(epoch, {"val_accuracy": 1.0, "val_loss": loss})
    assert (best.epoch, best.value, best.stopped) == (1, 1.0, True)


def test_a_loss_is_better_when_smaller():
    best = KeepBest("loss")
    network = model()
    history = network.fit(X, Y, epochs=3, verbose=0, callbacks=[best]).history["loss"]
    assert best.value == min(history)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_averages_are_validated_and_kept(policy):
    keras.config.set_dtype_policy(policy)
    network = model(ema=0.9)
    assert hasattr(network.optimizer, "inner_optimizer") == (policy == "mixed_float16")
    best, averages, validated = KeepBest("val_loss"), [], []

    class Watch(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            validated.append(float(self.model.layers[0].kernel[0, 0]))

        def on_epoch_end(self, epoch, logs=None):
            averages.append(float(snapshot.averaged(self.model)[0][0, 0]))
            assert averages[-1] != float(self.model.layers[0].kernel[0, 0])

    network.fit(
        X,
        Y,
        validation_data=(X, Y),
        validation_batch_size=32,
        batch_size=8,
        epochs=3,
        verbose=0,
        callbacks=[best, Watch()],
    )
    assert validated == averages
    assert float(network.layers[0].kernel[0, 0]) == averages[best.epoch]


def test_an_unknown_figure_is_named():
    with pytest.raises(ValueError, match=r"`monitor` must be one of \['loss'\]. Received: monitor='val_accuracy'"):
        model().fit(X, Y, verbose=0, callbacks=[KeepBest()])


def test_patience_must_be_positive():
    with pytest.raises(ValueError, match="`patience` must be an integer of at least 1. Received: patience=0"):
        KeepBest(patience=0)


def test_a_file_of_another_epoch_is_not_taken_for_the_best(tmp_path):
    best = KeepBest(path=tmp_path / "best.npz")
    fit(best, [0.1, 0.9])
    resumed = KeepBest(path=tmp_path / "best.npz")
    resumed.restore({"value": 0.1, "loss": 1.0, "epoch": 0, "stopped": False})
    resumed.set_model(model())
    with pytest.raises(ValueError, match="must hold the weights of epoch 1, the best one. Received: those of epoch 2"):
        resumed.on_train_end()
