"""A run that is killed in the middle of an epoch goes on at the step of its last state, and ends as if it never was."""

import keras
import numpy as np
import pytest

from kerascnn import blocks, optimizers
from kerascnn import data as datasets
from kerascnn.augmentation import Pipeline, RandomFlip, Shift
from kerascnn.callbacks import Resume, snapshot
from kerascnn.schedules import OneCycle
from kerascnn.training import RunFolder, Stage, run, run_stages

RNG = np.random.default_rng(0)
Y = (np.arange(66) % 3).astype("int32")
X = RNG.integers(0, 180, (66, 8, 8, 1), "uint8") + (20 * Y).astype("uint8")[:, None, None, None]
STEPS, EPOCHS = 4, 3
CALL = {"data": "these"}


@pytest.fixture(scope="module")
def data():
    return datasets.load(((X[:50], Y[:50]), (X[50:], Y[50:])))


def network(accumulate=3):
    keras.utils.set_random_seed(0)
    x = image = keras.Input((8, 8, 1))
    x = blocks.conv(keras.layers.Rescaling(1 / 255)(x), 4, name="low")
    model = keras.Model(image, blocks.classifier(x, 3, dropout=0.3, name="probabilities"))
    update = optimizers.adamw(OneCycle(0.02, STEPS * EPOCHS // accumulate), ema=0.5, accumulate=accumulate)
    model.compile(update, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Counter(keras.callbacks.Callback):
    """Counts what it hears, and can be resumed."""

    def __init__(self):
        super().__init__()
        self.heard = {"epochs": 0, "begun": 0, "steps": 0, "ended": 0}

    def on_epoch_begin(self, epoch, logs=None):
        self.heard["epochs"] += 1

    def on_train_batch_begin(self, batch, logs=None):
        self.heard["begun"] += 1

    def on_train_batch_end(self, batch, logs=None):
        self.heard["steps"] += 1

    def on_epoch_end(self, epoch, logs=None):
        self.heard["ended"] += 1

    def state(self):
        return self.heard

    def restore(self, state):
        self.heard = state


class KillAt(keras.callbacks.Callback):
    """Stops the process, as it were, after a step of an epoch, both from 0."""

    def __init__(self, epoch, step):
        super().__init__()
        self.epoch, self.step, self.now = epoch, step, None

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == (self.epoch, self.step):
            raise KeyboardInterrupt


def train(data, folder, *others, **options):
    """The Fitted, all arrays that the run ended with, and the callback that counted."""
    model, counter = network(), Counter()
    fitted = run(
        model, data, epochs=EPOCHS, batch_size=12, augment=Pipeline(RandomFlip(), Shift(0.2)),
        folder=RunFolder.open(folder, CALL), callbacks=[counter, *others], verbose=0, **{"save_seconds": 0} | options,
    )  # fmt: skip
    return fitted, [*snapshot.take(model.variables), *snapshot.take(model.optimizer.variables)], counter


def same(one, other):
    (fitted, arrays, counter), (fitted2, arrays2, counter2) = one, other
    assert fitted.history == fitted2.history and fitted.best_epoch == fitted2.best_epoch
    assert counter.heard == counter2.heard
    for first, second in zip(arrays, arrays2, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    return train(data, tmp_path_factory.mktemp("whole"), save_seconds=None)


@pytest.mark.backend
def test_it_goes_on_at_the_step_of_its_last_state(whole, data, tmp_path):
    for epoch, step in ((0, 2), (1, 3)):
        with pytest.raises(KeyboardInterrupt):
            train(data, tmp_path, KillAt(epoch, step))
        found = Resume(tmp_path / "state.npz", [])
        assert (found.first_epoch, found.first_step, found.stopped) == (epoch, step, False)
    fitted, arrays, counter = train(data, tmp_path)
    same(whole, (fitted, arrays, counter))
    assert counter.heard == {"epochs": EPOCHS, "begun": 12, "steps": 12, "ended": EPOCHS}
    assert len(fitted.seconds) == EPOCHS and min(fitted.seconds) > 0 and 0 <= fitted.input_wait < 1


def test_the_seconds_of_an_epoch_are_those_of_all_its_starts(data, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, KillAt(0, 2))
    arrays, facts = snapshot.read(tmp_path / "state.npz")
    facts["callbacks"]["Log-0"]["running"] = [1000.0, 10.0]
    snapshot.write(tmp_path / "state.npz", arrays, facts)
    fitted, _, _ = train(data, tmp_path)
    assert fitted.seconds[0] > 1000 > 100 > fitted.seconds[1]


def test_only_its_end_is_written_without_an_interval(data, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, KillAt(0, 2), save_seconds=None)
    assert not (tmp_path / "state.npz").exists()


def test_a_state_is_written_when_its_time_has_come(data, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, KillAt(1, 2), save_seconds=3600)
    assert Resume(tmp_path / "state.npz", []).first_step == 0


@pytest.mark.slow
@pytest.mark.backend
def test_stages_go_on_in_the_middle_of_an_epoch_too(data, tmp_path):
    def ready(model):
        model.compile(optimizers.adamw(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])

    def start(folder, *others):
        keras.utils.set_random_seed(0)
        model = network()
        stages = [Stage("one", 1, ready), Stage("two", 2, ready)]
        run_folder = RunFolder.open(folder, CALL)
        options = {"batch_size": 12, "folder": run_folder, "save_seconds": 0, "verbose": 0, "callbacks": others}
        return run_stages(model, data, stages, **options).history, snapshot.take(model.variables)

    expected, weights = start(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "broken", KillAt(1, 2))
    assert Resume(tmp_path / "broken/parts/two/state.npz", []).first_step == 2
    history, others = start(tmp_path / "broken")
    np.testing.assert_equal(history, expected)
    for one, two in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, two)
