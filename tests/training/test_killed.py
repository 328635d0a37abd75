"""A run that is killed again and again ends as one that never was: weights, history, best checkpoint, bit for bit."""

import random
import re
import time

import keras
import numpy as np
import pytest

from kerascnn.callbacks import snapshot
from kerascnn.files import PARTIAL
from tests.training.killable import EPOCHS, run


@pytest.fixture
def start(forked, tmp_path_factory):
    """Starts the run: `start(folder, limit=0)` gives the process, whose `finish` waits for its status and errors."""
    return starter(forked, tmp_path_factory)


def starter(forked, tmp_path_factory):
    def start(folder, limit=0, seconds=None):
        errors = tmp_path_factory.mktemp("errors") / "stderr"
        process = forked(run, folder, errors, limit, seconds)
        return process, lambda: (process.join(300), (process.exitcode, errors.read_text()))[1]

    return start


@pytest.fixture(scope="module")
def whole(forked, tmp_path_factory):
    """The folder of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    status, errors = starter(forked, tmp_path_factory)(folder)[1]()
    assert status == 0, errors
    return folder


def epochs_of(folder):
    """Epochs in the history file, which is written just before the state."""
    log = folder / "history.csv"
    return len(log.read_text().splitlines()) - 1 if log.exists() else 0


def kill_when(started, happened, after):
    """Kills the process some seconds after `happened()`."""
    process, finish = started
    while not happened() and process.is_alive():
        time.sleep(0.001)
    time.sleep(after)
    process.kill()
    finish()


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


@pytest.mark.slow
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
    status, errors = start(tmp_path)[1]()
    assert status == 0, f"kill seed {seed}: {errors}"
    same(whole, tmp_path)


@pytest.mark.slow
def test_a_write_that_breaks_off_loses_one_epoch_only(start, whole, tmp_path):
    status, errors = start(tmp_path, limit=1000)[1]()
    assert status == 1
    assert re.fullmatch(
        r"OSError: \[Errno 27\] No room for ((best|state)\.npz) \(File too large\); the \1 from before is kept\. Free "
        r"some space, then make the same call again: a training goes on after the last epoch that was saved: '.*\1'",
        errors.splitlines()[-1],
    ), errors
    assert not list(tmp_path.glob(PARTIAL))
    assert 2 <= epochs_of(tmp_path) <= 3
    status, errors = start(tmp_path)[1]()
    assert status == 0, errors
    same(whole, tmp_path)


@pytest.mark.slow
def test_killed_in_its_first_epoch_it_goes_on_in_it(start, whole, tmp_path):
    seed = random.randrange(10**6)
    state = tmp_path / "state.npz"
    kill_when(start(tmp_path, seconds=0), state.exists, after=random.Random(seed).uniform(0, 0.2))
    _, facts = snapshot.read(state)
    assert facts["step"] or epochs_of(tmp_path), f"kill seed {seed}"
    status, errors = start(tmp_path, seconds=0.01)[1]()
    assert status == 0, f"kill seed {seed}: {errors}"
    same(whole, tmp_path)


@pytest.mark.slow
def test_a_run_that_has_ended_is_shown_and_not_trained_again(start, whole):
    before = {file.name: file.stat().st_mtime_ns for file in whole.iterdir()}
    status, errors = start(whole)[1]()
    assert status == 0, errors
    assert {file.name: file.stat().st_mtime_ns for file in whole.iterdir()} == before
    assert not {"state.npz", "best.npz"} & set(before)
