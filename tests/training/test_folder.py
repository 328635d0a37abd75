import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from kerascnn.data import load
from kerascnn.training import RunFolder
from kerascnn.training.folder import describe

CALL = {"data": "digits", "epochs": 3, "save_to": "here", "verbose": 2}


def test_a_decision_is_taken_once(tmp_path):
    first = RunFolder.open(tmp_path, CALL)
    assert first.decide("precision", lambda: "float32") == "float32"
    again = RunFolder.open(tmp_path, CALL)
    assert again.decide("precision", lambda: "mixed_bfloat16") == "float32"


def test_another_call_is_refused_with_the_arguments_that_differ(tmp_path):
    RunFolder.open(tmp_path, CALL).decide("precision", lambda: "float32")
    with pytest.raises(ValueError, match=r"`save_to` must be .* epochs=3 there, 4 here\. Name another folder"):
        RunFolder.open(tmp_path, {**CALL, "epochs": 4})


def test_how_it_is_shown_makes_no_other_call(tmp_path):
    RunFolder.open(tmp_path, CALL).decide("precision", lambda: "float32")
    assert not RunFolder.open(tmp_path, {**CALL, "verbose": 0, "save_to": "there"}).ended


def test_other_data_are_refused(tmp_path):
    data = load("digits")
    RunFolder.open(tmp_path, CALL).check_data(data)
    RunFolder.open(tmp_path, CALL).check_data(data)
    with pytest.raises(ValueError, match="`data` must be what the run in .* began with"):
        RunFolder.open(tmp_path, CALL).check_data(replace(data, validation_size=7))


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
    }
    text = json.dumps(describe(arguments))
    assert text == json.dumps(describe(arguments))
    assert describe(arguments)["data"].startswith("array(4,) of int64, checksum ")
    assert describe(arguments)["map"] == {"0": [1, [2]]}
    assert describe({"data": np.arange(4)}) != describe({"data": np.arange(4)[::-1]})
    assert describe(arguments)["f"] == "load"
    assert describe(arguments)["model"].startswith("Sequential small of 3 parameters")
