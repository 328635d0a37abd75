"""One run at a time in a folder, whatever becomes of the process that runs it."""

import os
import sys
import time

import pytest

from kerascnn.training import locked
from kerascnn.training.lock import NAME
from recipes import classify, stylize, tune

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
BUSY = r"`save_to` must be a folder that no run works in: process {} on .* does\. .* Wait for its end, or name another"


def hold(folder):
    """Works in the folder until it is killed."""
    with locked(folder):
        time.sleep(300)


@pytest.fixture
def holder(forked, tmp_path):
    """A process that works in `tmp_path / "run"`."""
    process = forked(hold, tmp_path / "run")
    while not (tmp_path / "run" / NAME).exists() or not (tmp_path / "run" / NAME).read_text():
        assert process.is_alive()
        time.sleep(0.01)
    yield process
    process.kill()
    process.join()


@pytest.fixture
def no_data(monkeypatch):
    """Fails a test that comes to load data."""
    monkeypatch.setattr("kerascnn.data.load", lambda *_, **options: pytest.fail("data were loaded first"))


def test_a_second_run_in_the_folder_is_refused_before_any_work(holder, tmp_path, no_data):
    for call in (lambda to: classify("digits", save_to=to), lambda to: stylize("a.png", "b.png", save_to=to)):
        with pytest.raises(ValueError, match=BUSY.format(holder.pid)):
            call(tmp_path / "run")
    assert holder.is_alive() and os.listdir(tmp_path / "run") == [NAME]


def test_the_lock_ends_with_a_process_that_is_killed(holder, tmp_path):
    holder.kill()
    holder.join()
    assert os.listdir(tmp_path / "run") == [NAME]
    with locked(tmp_path / "run"), pytest.raises(ValueError, match=BUSY.format(os.getpid())):
        hold(tmp_path / "run")
    assert os.listdir(tmp_path / "run") == []


def test_it_ends_with_an_error_and_leaves_no_empty_folders(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyError), locked(tmp_path / "a" / "b"):
            raise KeyError
        assert os.listdir(tmp_path) == []
    with locked(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "state.npz").touch()
    assert os.listdir(tmp_path / "a" / "b") == ["state.npz"]


def test_a_result_is_shown_to_all(holder, tmp_path):
    (tmp_path / "run" / "result.json").touch()
    with locked(tmp_path / "run"), locked(tmp_path / "run"), locked(None):
        pass
    assert (tmp_path / "run" / NAME).exists()


def test_a_folder_that_cannot_be_written_is_told_before_any_work(small_disk, tmp_path, no_data):
    assert small_disk.read_only()
    (tmp_path / "file").touch()
    for folder in (small_disk.folder / "run", tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(OSError, match="`save_to` must be a place that can be written .*Name another place"):
            classify("digits", save_to=folder)
    with pytest.raises(OSError, match="`directory` must be a place that can be written .*Name another place"):
        tune("digits", directory=small_disk.folder / "sweep")
