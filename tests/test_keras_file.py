"""What lies in a `.keras` file of others is not run, whichever way the file comes in."""

import json
import zipfile

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import backbones, keras_file
from kerascnn.oneshot import OneShotClassifier
from recipes import finetune, inspect

CODE = (
    "`{}` must be a file without Python code in it, which is not run. Received: .*{}.*Build the network without Lambda"
)


def unsafe(path):
    """A network with a Python function in it, at `path`."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda x: x + 0)(image)
    keras.Model(image, keras.layers.GlobalAveragePooling2D()(x)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """The folder of a run, and of a classifier, with such a network."""
    unsafe(tmp_path / "model.keras")
    (tmp_path / "result.json").write_text(json.dumps({"history": {}, "metrics": {}, "arguments": {}}))
    return tmp_path


@pytest.mark.backend
def test_code_in_a_file_is_refused_by_all_that_read_one(folder, tmp_path):
    file = folder / "model.keras"
    for argument, read in {
        "name": lambda: kerascnn.load(folder),
        "model": lambda: inspect(file, to=tmp_path),
        "weights": lambda: backbones.backbone("mobilenet_v2", (32, 32, 3), weights=file),
        "backbone": lambda: finetune("digits", backbone=file, verbose=0),
    }.items():
        with pytest.raises(ValueError, match=CODE.format(argument, "model.keras|" + folder.name)):
            read()
    tower = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()])
    made = OneShotClassifier(tower).add(np.zeros((1, 8, 8, 3)), ["black"]).save(folder / "classifier")
    (made / "model.keras").unlink()
    settings = json.loads((made / "classifier.json").read_text())
    settings["files"]["model.keras"] = _digest(unsafe(made / "model.keras"))
    (made / "classifier.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=CODE.format("folder", "model.keras")):
        OneShotClassifier.load(made)


def _digest(path):
    from kerascnn.oneshot import _digest

    return _digest(path)


@pytest.mark.slow
def test_who_trusts_a_file_can_say_so(folder, python):
    code = "import sys, keras, kerascnn; keras.config.enable_unsafe_deserialization(); kerascnn.load(sys.argv[1])"
    done = python("-c", code, folder)
    assert done.returncode == 0, done.stderr


def test_a_bomb_a_part_and_what_is_no_network_are_told(tmp_path):
    path = tmp_path / "net.keras"
    with pytest.raises(FileNotFoundError, match="`model` must be a .keras file that is there"):
        keras_file.read(path)
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="`model` must be a whole .keras file"):
        keras_file.read(path)
    path.write_bytes(whole)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("more", "w") as file:
        for _ in range(257):
            file.write(bytes(2**20))
    with pytest.raises(ValueError, match="`model` must hold no file that would fill the memory, such as 'more'"):
        keras_file.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Else", "module": "elsewhere", "config": {}}))
    with pytest.raises(ValueError, match="`model` must be .*classes.*Else"):
        keras_file.read(path)
