import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kerascnn.tuning import journal as module
from kerascnn.tuning.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sweep" / "journal.jsonl"


def events(path):
    with Journal(path) as journal:
        return journal.events


def test_events_come_back_in_order_exactly(path):
    with Journal(path) as journal:
        journal.append("begun", trial="0000", values={"rate": 0.1 + 0.2, "kind": "a", "n": 3, "on": True})
        journal.append("ended", trial="0000", score=1 / 3)
    with Journal(path) as again:
        assert again.events == [
            {"event": "begun", "trial": "0000", "values": {"rate": 0.1 + 0.2, "kind": "a", "n": 3, "on": True}},
            {"event": "ended", "trial": "0000", "score": 1 / 3},
        ]
        again.append("ended", trial="0001")
    assert [event["event"] for event in events(path)] == ["begun", "ended", "ended"]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_line_that_a_kill_has_cut_off_is_dropped_for_good(path, cut):
    with Journal(path) as journal:
        journal.append("begun", trial="0000")
        journal.append("ended", trial="0000")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with Journal(path) as again:
        assert again.events == [{"event": "begun", "trial": "0000"}]
        again.append("ended", trial="0000")
    assert path.read_bytes() == whole


def test_an_event_is_on_the_disk_before_append_returns(path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", lambda handle: synced.append(json.loads(path.read_text().splitlines()[-1])))
    with Journal(path) as journal:
        journal.append("ended", trial="0007")
    assert synced == [{"event": "ended", "trial": "0007"}]


def test_a_line_that_is_no_event_is_named(path):
    path.parent.mkdir()
    path.write_text('{"event": "sweep"}\nhello\n')
    with pytest.raises(ValueError, match="Line 2 of .*journal.jsonl is no event of a sweep: b'hello'"):
        Journal(path)


def test_figures_that_json_does_not_know_are_refused(path):
    with Journal(path) as journal, pytest.raises(ValueError, match="not JSON compliant"):
        journal.append("ended", score=float("nan"))


def test_a_second_process_is_kept_out_until_the_first_has_ended(path):
    pytest.importorskip("fcntl")
    code = "import sys; from journal import Journal; Journal(sys.argv[1])"  # the module alone, without Keras
    tuning = Path(module.__file__).parent
    outside = {"args": [sys.executable, "-c", code, str(path)], "cwd": tuning}
    outside["env"] = {**os.environ, "PYTHONPATH": str(tuning.parents[1])}
    with Journal(path):
        second = subprocess.run(**outside, capture_output=True, text=True)
    assert "`directory` must be of a sweep that does not run already" in second.stderr
    assert subprocess.run(**outside).returncode == 0


def test_after_an_event_that_had_no_room_nothing_more_is_written(path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Journal(path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            with pytest.raises(
                OSError, match="No room in the folder of the sweep.*make the same call again: it goes on"
            ):
                journal.append("begun", trial="0000")
        with pytest.raises(OSError, match="No room in"):
            journal.append("ended", trial="0000")  # there is room, but what has ended may never have begun
    assert "ended" not in [event["event"] for event in events(path)]


def test_a_place_that_cannot_be_written_is_told_first(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="`directory` must be a place that can be written .*Name another place"):
        Journal(tmp_path / "file" / "sweep" / "journal.jsonl")
