"""A training in stages: what each trains, what is told of it, and that it goes on exactly wherever it was killed."""

import math

import keras
import numpy as np
import pytest

from kerascnn import blocks, optimizers
from kerascnn import data as datasets
from kerascnn.augmentation import Pipeline, RandomFlip, Shift
from kerascnn.callbacks import snapshot
from kerascnn.training import RunFolder, Stage, features, run, run_stages, split_at
from kerascnn.training import folder as folders
from kerascnn.training import stages as training_stages

RNG = np.random.default_rng(0)
Y = (np.arange(64) % 3).astype("int32")
X = RNG.integers(0, 180, (64, 8, 8, 1), "uint8") + (20 * Y).astype("uint8")[:, None, None, None]
AUGMENT = Pipeline(RandomFlip(), Shift(0.2))
CALL = {"data": "these", "epochs": 3}


@pytest.fixture(scope="module")
def data():
    return datasets.load(((X[:48], Y[:48]), (X[48:], Y[48:])))


def network():
    keras.utils.set_random_seed(0)
    x = image = keras.Input((8, 8, 1))
    x = blocks.conv(keras.layers.Rescaling(1 / 255)(x), 4, name="low")
    x = blocks.conv(x, 6, name="high")
    return keras.Model(image, blocks.classifier(x, 3, dropout=0.3, name="probabilities"))


def ready(*names, rate=0.02):
    """Trains the layers whose names begin with one of these."""

    def set_and_compile(model):
        for layer in model.layers:
            layer.trainable = layer.name.startswith(names)
        model.compile(optimizers.adamw(rate, ema=0.5), "sparse_categorical_crossentropy", metrics=["accuracy"])

    return set_and_compile


def on_features(data):
    def on(network):
        below, head = split_at(network, "probabilities_pool")
        return head, features(below, data, verbose=0)

    return on


def stages(data, **changes):
    made = {
        "head": Stage("head", 3, ready("probabilities"), on_features(data), batch_size=16),
        "top": Stage("top", 2, ready("probabilities", "high")),
        "all": Stage("all", 2, ready("")),
    }
    return list((made | changes).values())


def train(network, data, stages, folder=None, **options):
    folder = None if folder is None else RunFolder.open(folder, CALL)
    return run_stages(network, data, stages, batch_size=12, augment=AUGMENT, folder=folder, verbose=0, **options)


class Seen(keras.callbacks.Callback):
    """Remembers every epoch's weights, and in what it can resume how many epochs there were."""

    def __init__(self):
        super().__init__()
        self.epochs, self.weights = 0, []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        self.weights.append(snapshot.averaged(self.model))

    def state(self):
        return {"epochs": self.epochs}

    def restore(self, state):
        self.epochs = state["epochs"]


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """Network, Fitted and callback of a training that was never stopped."""
    model, seen = network(), Seen()
    return model, train(model, data, stages(data), tmp_path_factory.mktemp("whole"), callbacks=[seen]), seen


def assert_same(model, fitted, seen, whole):
    other, expected, first = whole
    for one, two in zip(snapshot.take(other.variables), snapshot.take(model.variables), strict=True):
        np.testing.assert_array_equal(one, two)
    assert fitted.history == expected.history
    assert (fitted.best_epoch, len(fitted.seconds)) == (expected.best_epoch, 7)
    for name in ("name", "epochs", "trainable_weights"):
        assert [stage[name] for stage in fitted.stages] == [stage[name] for stage in expected.stages]
    assert seen.epochs == first.epochs == 7
    assert [layer.trainable for layer in model.layers] == [layer.trainable for layer in other.layers]


def raises(*arguments, **options):
    raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.backend
def test_killed_again_and_again_it_ends_as_one_that_never_was(whole, data, tmp_path, monkeypatch, kill):
    def start(begun, *killers):
        with pytest.raises(KeyboardInterrupt):
            train(network(), data, begun, tmp_path, callbacks=[Seen(), *killers])

    start(stages(data, head=Stage("head", 3, ready("probabilities"), raises, batch_size=16)))
    start(stages(data), kill(0))  # in the first epoch: nothing is kept
    start(stages(data), kill(1))
    with monkeypatch.context() as patch:  # after the last epoch of a stage
        patch.setattr(training_stages, "_leave", raises)
        start(stages(data))
    with monkeypatch.context() as patch:  # when a stage has left its weights, with its state still there
        patch.setattr(RunFolder, "clear", raises)
        start(stages(data))
    start(stages(data, top=Stage("top", 2, raises)))
    start(stages(data), kill(1))
    start(stages(data), kill(1))  # one epoch of the second stage was left
    model, seen = network(), Seen()
    assert_same(model, train(model, data, stages(data), tmp_path, callbacks=[seen]), seen, whole)
    kept = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.npz"))
    assert kept == ["parts/all/ended.npz", "parts/head/ended.npz", "parts/top/ended.npz"]
    model, seen = network(), Seen()  # killed after all stages: nothing is trained again
    assert_same(model, train(model, data, stages(data), tmp_path, callbacks=[seen]), seen, whole)
    assert seen.weights == []


def test_a_stage_trains_what_it_made_ready_and_nothing_else(whole):
    _, _, seen = whole
    model = network()
    start = snapshot.take(model.variables)
    paths = [variable.path for variable in model.variables]
    after_top, after_all = seen.weights[4], seen.weights[6]
    for path, before, top, end in zip(paths, start, after_top, after_all, strict=True):
        moved = path.startswith(("high", "probabilities")) or "seed_generator" in path
        assert np.array_equal(before, top) != moved, path
        assert not np.array_equal(before, end), path


def test_the_head_on_features_trains_the_network(data):
    model = network()
    fitted = train(model, data, stages(data)[:1])
    ready("probabilities")(model)
    judged = model.evaluate(X[48:], Y[48:], verbose=0, return_dict=True)
    assert judged["accuracy"] == pytest.approx(fitted.history["val_accuracy"][-1], abs=1e-6)
    assert judged["loss"] == pytest.approx(fitted.history["val_loss"][-1], rel=1e-5)
    assert fitted.model is model


def test_what_is_told_of_the_stages(whole):
    _, fitted, _ = whole
    assert fitted.history["stage"] == [1, 1, 1, 2, 2, 3, 3]
    assert {len(values) for values in fitted.history.values()} == {7}
    assert [(stage["name"], stage["epochs"]) for stage in fitted.stages] == [("head", 3), ("top", 2), ("all", 2)]
    assert [stage["trainable_weights"] for stage in fitted.stages] == [21, 21 + 228, 21 + 228 + 44]
    assert sum(stage["seconds"] for stage in fitted.stages) == pytest.approx(sum(fitted.seconds), abs=0.02)
    memory = [stage["peak_memory_mib"] for stage in fitted.stages]
    assert memory == sorted(memory) and memory[0] > 100
    assert 6 <= fitted.best_epoch <= 7 and 0 <= fitted.input_wait < 1


@pytest.mark.parametrize(("keep", "kept"), [("last", 1), ("best", 0)])
def test_the_last_weights_are_kept_or_the_best(data, keep, kept):
    class Judged(Seen):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch)
            logs["val_accuracy"] = [0.9, 0.1][epoch]

    model, seen = network(), Judged()
    fitted = train(model, data, [Stage("one", 2, ready("probabilities"))], keep=keep, callbacks=[seen])
    assert fitted.best_epoch == 1
    last = snapshot.take(model.get_layer("probabilities").weights)
    for one, two in zip(seen.weights[kept][-2:], last, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(seen.weights[0][-1], seen.weights[1][-1])


@pytest.mark.slow
def test_stages_differ_in_order_and_augmentation(data):
    """Of two stages that train nothing, the second has the losses of a run with the next seed."""
    same = {name: Stage(name, 1, ready("probabilities", rate=1e-30)) for name in ("one", "two")}
    first, second = train(network(), data, list(same.values()), seed=5).history["loss"]
    again = []
    for seed in (5, 6):
        model = network()
        same["one"].ready(model)
        fitted = run(model, data, epochs=1, batch_size=12, augment=AUGMENT, seed=seed, verbose=0)
        again.append(fitted.history["loss"][0])
    assert first == again[0] and first != second


def test_figures_of_some_stages_only_are_nan_in_others(data):
    def with_another_metric(model):
        ready("probabilities")(model)
        top2 = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy", top2])

    fitted = train(network(), data, [Stage("one", 1, ready("")), Stage("two", 1, with_another_metric)])
    assert math.isnan(fitted.history["top2"][0]) and fitted.history["top2"][1] > 0


def test_patience_ends_a_stage_and_the_next_one_begins(data):
    still = {name: Stage(name, 4, ready("probabilities", rate=1e-30)) for name in ("one", "two")}
    fitted = train(network(), data, list(still.values()), patience=1)
    assert fitted.history["stage"] == [1, 1, 2, 2]
    assert [stage["epochs"] for stage in fitted.stages] == [2, 2]


def test_the_folder_belongs_to_the_call_as_soon_as_an_epoch_is_kept(data, tmp_path):
    opened = RunFolder.open(tmp_path, CALL)
    opened.decide("precision", lambda: "float32")
    RunFolder.open(tmp_path, {**CALL, "epochs": 4})  # nothing trained: nobody's yet
    for name in ("state.npz", folders.ENDED):
        part = opened.part("head")
        part.path.mkdir(parents=True, exist_ok=True)
        part.file(name).touch()
        with pytest.raises(ValueError, match=r"epochs=3 there, 4 here\. Name another folder"):
            RunFolder.open(tmp_path, {**CALL, "epochs": 4})
        part.file(name).unlink()


def test_parts_are_removed_with_what_only_an_unfinished_run_needs(data, tmp_path):
    train(network(), data, stages(data)[1:2], tmp_path)
    assert (tmp_path / "parts/top/history.csv").exists()
    RunFolder.open(tmp_path, CALL).clear()
    assert not (tmp_path / "parts").exists()
    RunFolder(None, {}).part("head").clear()
    assert RunFolder(None, {}).part("head").path is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stage("../head", 1, print), "`name` must be a name for a folder. Received: name='../head'"),
        (lambda: Stage("..", 1, print), "`name` must be a name for a folder"),
        (lambda: Stage("head", 0, print), "`epochs` must be an integer of at least 1"),
        (lambda: Stage("head", 1, print, batch_size=0), "`batch_size` must be an integer of at least 1"),
        (lambda: train(None, None, []), "`stages` must be one or more, of different names. Received: stages=[]"),
        (lambda: train(None, None, [Stage("a", 1, print)] * 2), "of different names. Received: stages=['a', 'a']"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError) as error:
        make()
    assert message in str(error.value)
