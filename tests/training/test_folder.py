import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

from kerascnn.data import load
from kerascnn.training import RunFolder
from kerascnn.training.describe import describe

CALL = {"data": "digits", "epochs": 3, "save_to": "here", "verbose": 2}


class Builder:
    """A callable object that does not say what is in it."""

    def __init__(self, depth):
        self.depth = depth

    def __call__(self, image_shape, classes): ...


@pytest.fixture
def begun(tmp_path):
    """A folder whose run has written the state of an epoch."""
    (tmp_path / "state.npz").write_bytes(b"a state")
    return tmp_path


def test_a_decision_is_taken_once(begun):
    first = RunFolder.open(begun, CALL)
    assert first.decide("precision", lambda: "float32") == "float32"
    again = RunFolder.open(begun, CALL)
    assert again.decide("precision", lambda: "mixed_bfloat16") == "float32"


def test_another_call_is_refused_with_the_arguments_that_differ(begun):
    RunFolder.open(begun, CALL).decide("precision", lambda: "float32")
    with pytest.raises(ValueError, match=r"`save_to` must be .* epochs=3 there, 4 here\. Name another folder"):
        RunFolder.open(begun, {**CALL, "epochs": 4})


def test_a_start_that_trained_nothing_claims_nothing(tmp_path):
    RunFolder.open(tmp_path, CALL).check_data(load("digits"))
    other = RunFolder.open(tmp_path, {**CALL, "epochs": 4})
    other.check_data(replace(load("digits"), validation_size=7))
    assert json.loads((tmp_path / "run.json").read_text())["arguments"]["epochs"] == 4


def test_how_it_is_shown_makes_no_other_call(begun):
    RunFolder.open(begun, CALL).decide("precision", lambda: "float32")
    assert not RunFolder.open(begun, {**CALL, "verbose": 0, "save_to": "there"}).ended


def test_a_result_saved_there_belongs_to_its_own_call(tmp_path):
    record = {"arguments": describe(CALL), "metrics": {}}
    (tmp_path / "result.json").write_text(json.dumps(record))
    assert RunFolder.open(tmp_path, CALL).ended
    with pytest.raises(ValueError, match=r"epochs=3 there, 4 here\. Name another folder"):
        RunFolder.open(tmp_path, {**CALL, "epochs": 4})


def test_what_a_kill_has_left_of_an_ended_run_is_removed(begun):
    (begun / "best.npz").touch()
    (begun / ".model.partial.keras").touch()
    (begun / "result.json").write_text(json.dumps({"arguments": describe(CALL)}))
    assert RunFolder.open(begun, CALL).ended
    assert [file.name for file in begun.iterdir()] == ["result.json"]


def test_other_data_are_refused(begun):
    data = load("digits")
    RunFolder.open(begun, CALL).check_data(data)
    RunFolder.open(begun, CALL).check_data(data)
    with pytest.raises(ValueError, match="`data` must be what the run in .* began with"):
        RunFolder.open(begun, CALL).check_data(replace(data, validation_size=7))


def test_data_in_another_order_are_refused(begun, tmp_path_factory):
    in_memory = load("digits")
    streamed = replace(in_memory, sources={}, report={"class_counts": in_memory.class_counts})
    RunFolder.open(begun, CALL).check_data(in_memory)
    with pytest.raises(ValueError, match=r"`data` must be in memory, as .* Free some memory .*load\(..., memory=1.0\)"):
        RunFolder.open(begun, CALL).check_data(streamed)
    other = tmp_path_factory.mktemp("streamed")
    (other / "state.npz").touch()
    RunFolder.open(other, CALL).check_data(streamed)
    RunFolder.open(other, CALL).check_data(streamed)
    with pytest.raises(ValueError, match=r"`data` must be streamed, as .* Train anew .*load\(..., memory=0.0\)"):
        RunFolder.open(other, CALL).check_data(in_memory)


def test_nothing_is_kept_without_a_folder():
    folder = RunFolder.open(None, CALL)
    assert folder.decide("precision", lambda: 1) == 1
    assert folder.decide("precision", lambda: 2) == 2
    assert folder.file("state.npz") is None and not folder.ended
    folder.clear()


def test_a_description_is_the_same_for_the_same_call_and_json_can_hold_it():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")], name="small")
    arguments = {
        "data": np.arange(4),
        "path": Path("a/b"),
        "map": {0: (1, [2])},
        "model": model,
        "f": load,
        "loss": keras.losses.Huber(delta=2.0),
    }
    text = json.dumps(describe(arguments))
    assert text == json.dumps(describe(arguments))
    assert describe(arguments)["data"].startswith("array(4,) of int64, checksum ")
    assert describe(arguments)["map"] == {"0": [1, [2]]}
    assert describe({"data": np.arange(4)}) != describe({"data": np.arange(4)[::-1]})
    assert describe(arguments)["f"] == "load"
    assert describe(arguments)["loss"].startswith("Huber {") and "'delta': 2.0" in describe(arguments)["loss"]
    assert describe(arguments)["model"].startswith("Sequential small of 3 parameters")


def test_the_boxes_of_many_images_are_told_in_one_line():
    boxes = [np.full((k % 4, 5), k, "float32") for k in range(40)]
    told = describe({"data": (np.zeros(40), boxes)})["data"]
    assert told[1].startswith("40 arrays, checksum ")
    assert told == describe({"data": (np.zeros(40), [each.copy() for each in boxes])})["data"]
    assert told != describe({"data": (np.zeros(40), boxes[::-1])})["data"]
    assert describe({"data": boxes[:2]})["data"][0].startswith("array(0, 5) of float32, checksum ")
    assert describe({"sizes": list(range(40))})["sizes"] == list(range(40))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda depth: partial(load, depth, [partial(load)], kernel=3), "kernel"),
        (Builder, "Builder"),
        (lambda depth: {"seeds": {"a", "b"}, "builder": [Builder(depth)]}, "Builder"),
    ],
)
def test_a_builder_is_the_same_in_every_process(make, text):
    """A second object has another address, as the first one has in another process."""
    first, second, other = (json.dumps(describe({"model": make(depth)})) for depth in (3, 3, 5))
    assert first == second != other
    assert text in first and "0x" not in first


@pytest.mark.parametrize("name", ["README.md", "history.csv", "model.keras"])
def test_files_that_no_run_has_written_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=rf"`save_to` must be a new folder or .* holds {name} of something else"):
        RunFolder.open(tmp_path, CALL)
    (tmp_path / "run.json").write_text("{}")  # a run that was killed early
    assert not RunFolder.open(tmp_path, CALL).ended


@pytest.mark.parametrize("name", ["run.json", "result.json"])
def test_a_record_that_is_none_is_told(begun, name):
    (begun / name).write_text("not JSON")
    with pytest.raises(ValueError, match=f"`save_to` must be a new folder or one of a run, whose {name} is JSON"):
        RunFolder.open(begun, CALL)


def test_an_ended_run_is_shown_where_nothing_can_be_written(small_disk):
    (small_disk.folder / "best.npz").touch()  # left by a kill
    (small_disk.folder / "result.json").write_text(json.dumps({"arguments": describe(CALL)}))
    assert small_disk.read_only()
    assert RunFolder.open(small_disk.folder, CALL).ended
