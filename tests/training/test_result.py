import json
from pathlib import Path

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import blocks, training
from kerascnn.training import Result
from kerascnn.training.environment import git_commit, versions
from kerascnn.training.record import command, count_weights
from kerascnn.training.result import save_model

FRESH = """
import sys, keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
assert not any(name.startswith("kerascnn") for name in sys.modules)
np.save(sys.argv[2], model(np.load(sys.argv[3]), training=False))
"""


def network():
    inputs = keras.Input((8, 8, 1), name="image")
    x = blocks.conv(keras.layers.Rescaling(1 / 255, name="rescale")(inputs), 4, name="one")
    return keras.Model(inputs, blocks.classifier(x, 3, name="probabilities"), name="small")


@pytest.mark.parametrize("views", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_file_loads_without_kerascnn_and_predicts_the_same(tmp_path, python, views):
    model = network()
    model.compile(
        kerascnn.optimizers.sgd(kerascnn.schedules.OneCycle(0.1, 10)), kerascnn.losses.SparseCategoricalCrossentropy()
    )
    x = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype("float32")
    model.fit(x, np.arange(4) % 3, verbose=0)
    model = kerascnn.models.averaged(model, views)  # whose inner model is compiled
    save_model(model, tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    done = python("-c", FRESH, tmp_path / "model.keras", tmp_path / "y.npy", tmp_path / "x.npy")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), np.asarray(model(x, training=False)))


@pytest.mark.parametrize("norm", ["batch", None])
def test_no_optimizer_and_loss_are_saved(tmp_path, norm):
    inputs = keras.Input((8, 8, 1))
    x = blocks.conv(inputs, 4, normalization=norm, name="one")
    model = keras.Model(inputs, blocks.classifier(x, 3, name="probabilities"))
    model.compile("adam", "sparse_categorical_crossentropy")
    save_model(model, tmp_path / "model.keras")
    assert not keras.saving.load_model(tmp_path / "model.keras").compiled


def test_a_model_is_saved_beside_its_place_and_then_renamed(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("os.replace", lambda old, new: seen.append((Path(old).name, Path(new).name)))
    save_model(network(), tmp_path / "model.keras")
    assert seen == [(".model.partial.keras", "model.keras")]
    assert keras.saving.load_model(tmp_path / ".model.partial.keras").name == "small"
    assert [file.name for file in tmp_path.iterdir()] == [".model.partial.keras"]


def test_a_result_comes_back(tmp_path):
    record = {"history": {"loss": [2.0, 1.0]}, "metrics": {"accuracy": 0.5}, "recipe": "classify"}
    model = network()
    result = Result(model, record["history"], record["metrics"], None, {"record": record})
    saved = result.save(tmp_path / "run")
    assert result.path is None and saved.path == tmp_path / "run"
    back = kerascnn.load(tmp_path / "run")
    assert (back.history, back.metrics, back.extras["record"]) == (result.history, result.metrics, record)
    x = np.full((2, 8, 8, 1), 100, "uint8")
    np.testing.assert_array_equal(back.model.predict(x, verbose=0), model.predict(x, verbose=0))
    assert (tmp_path / "run" / "history.csv").read_text() == "epoch,loss\n1,2.0\n2,1.0\n"


def test_pictures_are_drawn_when_saved_and_copied_when_saved_again(tmp_path):
    record = {"history": {"loss": [2.0, 1.0]}, "metrics": {}, "recipe": "classify"}
    pictures = {"curves.png": lambda: kerascnn.plots.curves(record["history"])}
    Result(network(), record["history"], {}, None, {"record": record, "pictures": pictures}).save(tmp_path / "one")
    kerascnn.load(tmp_path / "one").save(tmp_path / "two")
    one, two = ((tmp_path / name / "curves.png").read_bytes() for name in ("one", "two"))
    assert one == two and one.startswith(b"\x89PNG")


def test_an_unknown_name_is_told_the_zoo(tmp_path):
    with pytest.raises(FileNotFoundError, match="`name` must be a folder or one of the zoo"):
        kerascnn.load("no_such_model")


def test_an_unfinished_run_is_told_how_to_end_it(tmp_path):
    with pytest.raises(ValueError, match="Start its training again with the same call"):
        kerascnn.load(tmp_path)


def test_weights_are_counted_without_statistics():
    assert count_weights(network()) == 9 * 4 + 4 + 4 + 4 * 3 + 3


def test_a_call_that_no_shell_can_make_has_no_command():
    def recipe(data="digits", *, size=None, skip=False, callbacks=()): ...

    arguments = {"data": "my photos", "size": 64, "skip": True, "callbacks": (1,)}
    assert command(recipe, arguments) == "python -m recipes recipe --data 'my photos' --size 64 --skip"
    assert command(recipe, arguments | {"size": (64, 48), "skip": False}).endswith("'my photos' --size 64 48")
    assert command(recipe, arguments | {"data": np.zeros(3)}) is None


def test_the_environment_is_known():
    assert versions()["keras"] == keras.__version__
    commit = git_commit()
    assert commit is None or len(commit.removesuffix("-dirty")) == 40
    assert json.dumps(versions())


def test_training_exports():
    assert training.load is kerascnn.load


def saved(folder, accuracy=0.5, **options):
    record = {"history": {"loss": [2.0, accuracy]}, "metrics": {"accuracy": accuracy}, "recipe": "classify"}
    return Result(network(), record["history"], record["metrics"], None, {"record": record}).save(folder, **options)


def test_another_result_is_not_replaced_without_being_told(tmp_path):
    first = saved(tmp_path / "run")
    before = {file.name: file.read_bytes() for file in first.path.iterdir()}
    with pytest.raises(ValueError, match="`folder` must be new, and holds another result.*or pass overwrite=True"):
        saved(tmp_path / "run", 0.6)
    assert {file.name: file.read_bytes() for file in first.path.iterdir()} == before
    saved(tmp_path / "run", 0.6, overwrite=True)
    assert kerascnn.load(tmp_path / "run").metrics == {"accuracy": 0.6}
    kerascnn.load(tmp_path / "run").save(tmp_path / "run")
    saved(tmp_path / "run", 0.6)  # the very same one


@pytest.mark.parametrize("name", ["README.md", "model.keras", "state.npz"])
def test_files_of_something_else_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=f"`folder` must be new, and holds {name}"):
        saved(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [name] and (tmp_path / name).read_text() == "mine"


def test_a_save_that_breaks_off_leaves_no_result_of_two(tmp_path, monkeypatch):
    saved(tmp_path)
    monkeypatch.setattr("kerascnn.training.result.model_card", lambda record: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        saved(tmp_path, 0.6, overwrite=True)
    with pytest.raises(ValueError, match="must be the folder of a run that has ended"):
        kerascnn.load(tmp_path)


def test_a_link_among_the_pictures_of_others_brings_no_file_in(tmp_path):
    (tmp_path / "secret").write_text("mine")
    result = saved(tmp_path / "run")
    (result.path / "curves.png").symlink_to(tmp_path / "secret")
    assert not (result.save(tmp_path / "copy").path / "curves.png").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"metrics": {}}'])
def test_a_record_of_something_else_is_told(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ValueError, match="`name` must be "):
        kerascnn.load(tmp_path)
