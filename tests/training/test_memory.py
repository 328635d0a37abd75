"""Too little memory: real errors of the backends become advice, and the batch size that fits is found."""

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn import data as datasets
from kerascnn.callbacks import TimeBudget
from kerascnn.training import RunFolder, built, fitting_batch_size, memory, run

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 255, (80, 4, 4, 1), "uint8"), (np.arange(80) % 2).astype("int32")


@pytest.fixture(scope="module")
def data():
    return datasets.load(((X[:64], Y[:64]), (X[64:], Y[64:])))


class Hungry(keras.layers.Layer):
    """Asks for 2 ** 50 bytes for a batch of 16 images or more, and for next to nothing for fewer."""

    def call(self, x):
        side = 2**24 if (x.shape[0] or 0) >= 16 else 2
        column = ops.ones((side, 1)) * x[0, 0]
        return x + 0 * ops.mean(ops.matmul(column, ops.transpose(column)))

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def network():
    keras.utils.set_random_seed(0)
    x = image = keras.Input((4, 4, 1))
    x = Hungry()(keras.layers.Flatten()(x))
    model = keras.Model(image, keras.layers.Dense(2, "softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


MESSAGE = (
    r"`batch_size` must be so small that a training step fits the memory\. Received: batch_size=16\. Pass batch_size=8 "
    r"with accumulate=2, which makes the same updates, fit_memory=True, rematerialize=True, or smaller images\."
)


@pytest.mark.slow
def test_a_step_that_does_not_fit_ends_with_advice(data):
    with pytest.raises(MemoryError, match=MESSAGE) as error:
        run(network(), data, epochs=1, batch_size=16, verbose=0)
    assert memory.is_out_of_memory(error.value.__cause__)


@pytest.mark.slow
def test_the_largest_batch_that_fits_is_found_once(data, tmp_path, capsys):
    folder = RunFolder.open(tmp_path, {})
    assert fitting_batch_size(network, data, 32, wanted=False, folder=folder) == 32
    assert fitting_batch_size(network, data, 32, wanted=True, folder=folder) == 8
    assert capsys.readouterr().err == "batch_size=8: 16 do not fit the memory\n"
    assert fitting_batch_size(None, data, 32, wanted=True, folder=folder) == 8  # as the first start of the run did
    fitted = run(network(), data, epochs=1, batch_size=8, verbose=0)
    assert len(fitted.history["loss"]) == 1


@pytest.mark.parametrize(
    ("needed", "size"), [(lambda size: 20 * size, 32), (lambda size: 100 * size, 8), (lambda size: 0, 64)]
)
def test_what_would_take_more_than_is_free_is_not_tried(needed, size, monkeypatch):
    tried = []
    monkeypatch.setattr(memory, "free_bytes", lambda: 1000)
    monkeypatch.setattr(memory, "_foreseen", lambda steps, size: needed)
    assert memory._halved(tried.append, 64, 0) == size
    assert tried == [size]


def test_the_memory_of_a_batch_is_foreseen_from_smaller_ones():
    def steps(size):
        np.ones((size, 2**20))  # 8 MiB each

    needed = memory._foreseen(steps, 64)
    assert needed(64) == pytest.approx(64 * 2**23, rel=0.3)
    assert memory._foreseen(steps, 8)(8) == 0  # too few to tell


def test_a_network_of_the_user_is_not_trained(data):
    model = small()
    before = model.get_weights()
    assert fitting_batch_size(lambda: model, data, 8, wanted=True, folder=RunFolder(None, {})) == 8
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_not_even_one_image(monkeypatch):
    monkeypatch.setattr(memory, "_foreseen", lambda steps, size: lambda size: 10**15)
    rule = r"`batch_size` must be so small .* Received: batch_size=1\. Pass rematerialize=True, or smaller images\."
    with pytest.raises(MemoryError, match=rule):
        memory._halved(lambda size: None, 64, 0)


def test_other_errors_stay_what_they_are():
    with pytest.raises(ZeroDivisionError), memory.advised(8):
        _ = 1 / 0
    with pytest.raises(KeyboardInterrupt), memory.advised(8):
        raise KeyboardInterrupt
    with pytest.raises(ZeroDivisionError):
        memory._halved(lambda size: 1 / 0, 8, 0)


def test_the_network_that_is_built_trains_in_parts(data):
    def build():
        x = image = keras.Input((4, 4, 1))
        for _ in range(4):
            x = keras.layers.Conv2D(2, 3, padding="same")(x)
        return keras.Model(image, keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(x)))

    options = {"model": "own", "epochs": 1, "precision": "float32", "folder": RunFolder(None, {})}
    model, _ = built(build, data, 8, rematerialize=True, **options)
    assert hasattr(model.call, "plain")
    assert not hasattr(built(build, data, 8, **options)[0].call, "plain")


@pytest.mark.backend
def test_the_time_is_over_after_the_first_step(data, tmp_path):
    def start():
        model, budget = small(), TimeBudget(1e-9, verbose=0)
        folder = RunFolder.open(tmp_path, {})
        return run(model, data, epochs=3, batch_size=8, folder=folder, callbacks=[budget], verbose=0), budget

    fitted, budget = start()
    assert fitted.ended == "max_seconds=1e-09 were over in epoch 1, after step 1 of 8"
    assert [len(values) for values in fitted.history.values()] == [1] * 4
    assert fitted.images_per_second == pytest.approx(64 / (8 * fitted.seconds[0]))
    again, _ = start()
    assert (again.ended, again.history) == (fitted.ended, fitted.history)


def test_why_there_was_no_further_epoch(data):
    assert run(small(), data, epochs=1, batch_size=8, verbose=0).ended == "all epochs"
    stopped = run(small(rate=0.0), data, epochs=5, batch_size=8, patience=1, verbose=0)
    assert (stopped.ended, len(stopped.seconds)) == ("no better val_accuracy in 1 epochs", 2)


def small(rate=0.01):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
