"""A disk that is full at any write costs the time of an epoch at most, and the same call goes on when there is room."""

import errno
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from kerascnn import blocks
from kerascnn.files import PARTIAL
from recipes import classify

FULL = "No room for .*make the same call again: a training goes on after the last epoch that was saved"
RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (48, 8, 8, 1), "uint8"), np.arange(48, dtype="int32") % 3


def network(image_shape, classes):
    inputs = keras.Input(image_shape)
    x = blocks.conv(keras.layers.Rescaling(1 / 255)(inputs), 4, name="one")
    return keras.Model(inputs, blocks.classifier(x, classes, name="probabilities"))


class Ends(keras.callbacks.Callback):
    """Calls `act` at the end of an epoch, counted from 0, after that epoch's own files were written; -1 is the last."""

    def __init__(self, epoch, act):
        super().__init__()
        self.epoch, self.act = epoch, act

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch + 1:
            self.act()

    def on_train_end(self, logs=None):
        if self.epoch == -1:
            self.act()


def train(folder, **options):
    return classify(
        ((X[:36], Y[:36]), (X[36:], Y[36:])), model=network, epochs=3, batch_size=12, precision="float32",
        augment=None, pictures=False, save_to=folder, verbose=0, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that had room."""
    return train(tmp_path_factory.mktemp("whole")).path


def same(one, other):
    assert sorted(file.name for file in one.iterdir()) == sorted(file.name for file in other.iterdir())
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    models = [keras.saving.load_model(folder / "model.keras") for folder in (one, other)]
    for first, second in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.backend
def test_a_disk_that_fills_in_training_and_in_the_last_save(whole, small_disk):
    folder = small_disk.folder / "run"
    for epoch, file in ((0, "(best|history|state)"), (-1, "model.keras")):
        with pytest.raises(OSError, match=f"No room for {file}.*{FULL[12:]}"):
            train(folder, callbacks=[Ends(epoch, small_disk.fill)])
        assert not list(folder.glob(PARTIAL)) and (folder / "state.npz").exists()
        small_disk.free()
    same(whole, train(folder).path)


def test_a_disk_without_room_for_the_weights_is_told_before_the_first_epoch(small_disk):
    small_disk.fill(leave=150_000)
    wide = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(400)])
    wide.add(keras.layers.Dense(3, "softmax"))
    never = Ends(-1, lambda: pytest.fail("it has trained"))
    rule = (
        r"`save_to` must have room for 0.2 MiB at least, and has 0.1\. .*Free some space and make the same call again"
    )
    with pytest.raises(OSError, match=rule) as raised:
        classify(((X, Y), (X, Y)), model=wide, epochs=1, save_to=small_disk.folder, verbose=0, callbacks=[never])
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.slow
def test_each_write_in_turn_has_no_room(whole, tmp_path, monkeypatch):
    replace, names = os.replace, []

    def replace_but_one(old, new):
        names.append(Path(new).name)
        if len(names) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(old, new)

    number = 0
    while not number or len(names) >= number:
        number, folder = number + 1, tmp_path / f"{number}"
        names.clear()
        with monkeypatch.context() as patch:
            patch.setattr("os.replace", replace_but_one)
            try:
                train(folder)
            except OSError as error:
                assert f"No room for {names[-1]}" in str(error) and not list(folder.glob(PARTIAL))
        same(whole, train(folder).path)
    assert {"run.json", "best.npz", "state.npz", "history.csv", "model.keras", "README.md", "result.json"} <= set(names)
