"""A run that is killed again and again ends as one that never was: weights, history, best checkpoint, bit for bit."""

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from kerascnn.files import PARTIAL

EPOCHS = 12
SCRIPT = f'''
import resource, shutil, sys
import keras, numpy as np
from kerascnn import blocks
from kerascnn.augmentation import Cutout, MixUp, Pipeline, RandomFlip, Shift
from kerascnn.callbacks import snapshot
from recipes import classify

folder, limit = sys.argv[1], int(sys.argv[2])

def network(image_shape, classes):
    inputs = keras.Input(image_shape)
    x = blocks.conv(keras.layers.Rescaling(1 / 255)(inputs), 4, name="one")
    return keras.Model(inputs, blocks.classifier(x, classes, dropout=0.5, name="probabilities"))

class Ends(keras.callbacks.Callback):
    """Keeps what the run ends with, before the best weights are put in."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2 and limit:  # as a full disk does: the next write breaks off half way
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    def on_train_end(self, logs=None):
        arrays = {{"last": snapshot.take([*self.model.variables, *self.model.optimizer.variables])}}
        snapshot.write(folder + "/last.npz", arrays, {{}})
        shutil.copy(folder + "/best.npz", folder + "/kept.npz")

rng = np.random.default_rng(0)
x, y = rng.integers(0, 256, (96, 8, 8, 1), "uint8"), np.arange(96, dtype="int32") % 3
x[:, :3] += (60 * y[:, None, None, None]).astype("uint8")
classify(
    ((x[:72], y[:72]), (x[72:], y[72:])), model=network, epochs={EPOCHS}, batch_size=8, learning_rate=0.05, ema=0.9,
    augment=Pipeline(RandomFlip(), Shift(0.2), Cutout(0.3), MixUp(0.4)), precision="mixed_bfloat16",
    save_to=folder, verbose=0, callbacks=[Ends(), keras.callbacks.EarlyStopping(patience=100)],
)
'''


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts the run in a process of its own: `start(folder, limit=0)` gives the Popen."""
    script = tmp_path_factory.mktemp("script") / "run.py"
    script.write_text(SCRIPT)

    def start(folder, limit=0):
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, str(script), str(folder), str(limit)]
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory):
    """The folder of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    process = start(folder)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == 0, errors
    return folder


def epochs_of(folder):
    """Epochs in the history file, which is written just before the state."""
    log = folder / "history.csv"
    return len(log.read_text().splitlines()) - 1 if log.exists() else 0


def kill_when(process, happened, after):
    """Kills the process some seconds after `happened()`."""
    while not happened() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(after)
    process.kill()
    process.communicate()


def same(one, other):
    assert sorted(file.name for file in one.iterdir()) == sorted(file.name for file in other.iterdir())
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    for name in ("last.npz", "kept.npz"):
        with np.load(one / name) as first, np.load(other / name) as second:
            assert first.files == second.files
            for key in first.files:
                np.testing.assert_array_equal(first[key], second[key], err_msg=f"{name} {key}")
    models = [keras.saving.load_model(folder / "model.keras") for folder in (one, other)]
    for first, second in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(first, second)


def test_killed_in_an_epoch_and_in_the_final_save(start, whole, tmp_path):
    seed = random.randrange(10**6)
    rng = random.Random(seed)
    kill_when(start(tmp_path), lambda: epochs_of(tmp_path), after=rng.uniform(0, 0.3))
    assert 0 < epochs_of(tmp_path) < EPOCHS, f"kill seed {seed}"
    (tmp_path / ".state.partial.npz").write_bytes(b"half of a state")
    model = tmp_path / ".model.partial.keras", tmp_path / "model.keras"
    kill_when(start(tmp_path), lambda: any(file.exists() for file in model), after=rng.choice([0, 0.2]))
    assert epochs_of(tmp_path) == EPOCHS and not (tmp_path / "result.json").exists(), f"kill seed {seed}"
    (tmp_path / ".model.partial.keras").write_bytes(b"half of a model")
    (tmp_path / ".curves.partial.png").write_bytes(b"half of a picture")
    process = start(tmp_path)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == 0, f"kill seed {seed}: {errors}"
    same(whole, tmp_path)


def test_a_write_that_breaks_off_loses_one_epoch_only(start, whole, tmp_path):
    process = start(tmp_path, limit=1000)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == 1
    assert re.fullmatch(
        r"OSError: \[Errno 27\] No room for ((best|state)\.npz) \(File too large\); the \1 from before is kept\. Free "
        r"some space, then make the same call again: a training goes on after the last epoch that was saved: '.*\1'",
        errors.splitlines()[-1],
    ), errors
    assert not list(tmp_path.glob(PARTIAL))
    assert 2 <= epochs_of(tmp_path) <= 3
    process = start(tmp_path)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == 0, errors
    same(whole, tmp_path)


def test_a_run_that_has_ended_is_shown_and_not_trained_again(start, whole):
    before = {file.name: file.stat().st_mtime_ns for file in whole.iterdir()}
    process = start(whole)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == 0, errors
    assert {file.name: file.stat().st_mtime_ns for file in whole.iterdir()} == before
    assert not {"state.npz", "best.npz"} & set(before)
