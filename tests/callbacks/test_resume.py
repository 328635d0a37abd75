import keras
import numpy as np
import pytest

from kerascnn.callbacks import KeepBest, Log, Resume, snapshot
from kerascnn.callbacks.resume import remembered

X = np.random.default_rng(0).random((48, 4), "float32")
Y = (X.sum(axis=1, keepdims=True) > 2).astype("float32")


def model():
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(0.01, 24)
    network.compile(keras.optimizers.AdamW(rate, use_ema=True), "mse")
    return network


def callbacks(folder):
    others = [
        KeepBest("val_loss", path=folder / "best.npz"),
        Log(),
        keras.callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(
            folder / "kept.weights.h5", "val_loss", save_best_only=True, save_weights_only=True
        ),
    ]
    return [*others, Resume(folder / "state.npz", others)]


def fit(folder, epochs, first=0):
    """Epochs `first` to `epochs` of a training of six, whose data depend on the epoch only through the weights."""
    network, everyone = model(), callbacks(folder)
    assert everyone[-1].first_epoch == first
    ends = Ends(network)
    network.fit(
        X, Y, validation_data=(X, Y), batch_size=12, shuffle=False, epochs=epochs, initial_epoch=first, verbose=0,
        callbacks=[ends, *everyone],
    )  # fmt: skip
    return ends.arrays, everyone


class Ends(keras.callbacks.Callback):
    """Keeps all variables as they are after the last epoch, before averages or best weights are put in."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def on_epoch_end(self, epoch, logs=None):
        self.arrays = snapshot.take([*self.network.variables, *self.network.optimizer.variables])


def test_a_training_in_two_parts_equals_one_in_a_piece(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    expected, callbacks_whole = fit(whole, 6)
    fit(broken, 2)
    arrays, callbacks_broken = fit(broken, 6, first=2)
    for one, other in zip(expected, arrays, strict=True):
        np.testing.assert_array_equal(one, other)
    best, log, stopping, checkpoint, _ = callbacks_whole
    best2, log2, stopping2, checkpoint2, _ = callbacks_broken
    assert log.history == log2.history and len(log.history["loss"]) == 6
    assert best.state() == best2.state()
    assert (stopping.best, stopping.wait, stopping.best_epoch) == (stopping2.best, stopping2.wait, stopping2.best_epoch)
    assert checkpoint.best == checkpoint2.best
    for one, other in zip(stopping.best_weights, stopping2.best_weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_model_is_refused(tmp_path):
    fit(tmp_path, 1)
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="another model: use another folder"):
        other.fit(X, Y, verbose=0, callbacks=[Resume(tmp_path / "state.npz", [])])


def test_a_stopped_run_has_no_further_epoch(tmp_path):
    network = model()

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    stop = Stop()
    network.fit(X, Y, epochs=3, verbose=0, callbacks=[stop, Resume(tmp_path / "state.npz", [stop])])
    found = Resume(tmp_path / "state.npz", [stop])
    assert (found.first_epoch, found.stopped) == (1, True)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda path: KeepBest(path=path), "best.npz"),
        (Log, "history.csv"),
        (lambda path: Resume(path, []), "state.npz"),
    ],
)
def test_a_full_disk_is_named_and_leaves_the_last_file(make, name, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    callback = make(tmp_path / name)
    callback.set_model(model())
    snapshot.build_optimizer(callback.model)
    (tmp_path / name).write_bytes(b"of the epoch before")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=rf"No room for {name} .*; the {name} from before is kept. Free some space"):
        callback.on_epoch_end(2, {"val_accuracy": 0.5})
    assert (tmp_path / name).read_bytes() == b"of the epoch before"


def test_a_further_callback_begins_anew_and_the_others_go_on(tmp_path):
    def train(first, epochs, *everyone):
        callbacks = [*everyone, Resume(tmp_path / "state.npz", everyone)]
        model().fit(X, Y, epochs=epochs, initial_epoch=first, verbose=0, callbacks=callbacks)

    train(0, 2, Log(), keras.callbacks.EarlyStopping("loss", patience=50))
    best, log, another = KeepBest("loss"), Log(), Log()
    train(2, 3, best, log, another)
    assert [len(each.history["loss"]) for each in (log, another)] == [3, 1]
    assert best.epoch == 2  # the first that it saw


@pytest.mark.parametrize("on_disk", [False, True])
def test_best_weights_in_memory_are_resumed_too(on_disk, tmp_path):
    best = KeepBest("loss", mode="max", path=tmp_path / "best.npz" if on_disk else None)
    network = model()
    network.fit(X, Y, epochs=2, verbose=0, callbacks=[best, Resume(tmp_path / "state.npz", [best])])
    again = KeepBest("loss", mode="max", path=best.path)
    resume = Resume(tmp_path / "state.npz", [again])
    other = model()
    other.fit(X, Y, epochs=2, initial_epoch=2, verbose=0, callbacks=[again, resume])
    for one, two in zip(network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_an_optimizer_that_scales_the_loss_is_resumed(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    expected, _ = fit(tmp_path / "whole", 3)
    fit(tmp_path / "broken", 1)
    arrays, _ = fit(tmp_path / "broken", 3, first=1)
    for one, other in zip(expected, arrays, strict=True):
        np.testing.assert_array_equal(one, other)


def test_bfloat16_arrays_come_back_bit_for_bit(tmp_path):
    variable = keras.Variable(np.linspace(0, 1, 7), dtype="bfloat16")
    arrays = snapshot.take([variable])
    snapshot.write(tmp_path / "file.npz", {"model": arrays}, {"epoch": 0})
    groups, facts = snapshot.read(tmp_path / "file.npz")
    variable.assign(np.zeros(7))
    snapshot.put([variable], groups["model"])
    np.testing.assert_array_equal(snapshot.take([variable])[0], arrays[0])
    assert facts == {"epoch": 0}


def test_a_callback_without_memory_has_nothing_to_keep():
    assert remembered(keras.callbacks.Callback()) == {}
