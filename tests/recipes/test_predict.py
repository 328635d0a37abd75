"""`predict` on a network whose answers are known: for a grey value g in 0..1 it gives softmax([g, 1 - g, 0])."""

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from recipes import __main__ as line
from recipes import predict

NAMES = ["bright", "dark", "[none]"]
PROBABILITIES = np.exp([1, 0, 0]) / np.exp([1, 0, 0]).sum()  # of white; black has the first two exchanged


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    image = keras.Input((4, 6, 1))
    grey = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    head = keras.layers.Dense(3, "softmax")
    model = keras.Model(image, head(grey))
    head.set_weights([np.array([[1.0, -1.0, 0.0]]), np.array([0.0, 1.0, 0.0])])
    model.save(folder / "model.keras")
    data = {"name": "greys", "image_shape": [4, 6, 1], "class_names": NAMES, "report": {"resize": "letterbox"}}
    record = {"recipe": "classify", "data": data, "metrics": {}, "history": {}}
    (folder / "result.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def files(tmp_path):
    Image.new("RGB", (60, 40), "white").save(tmp_path / "white.png")
    Image.new("L", (6, 4), 0).save(tmp_path / "black.jpg")
    return [tmp_path / "white.png", tmp_path / "black.jpg"]


@pytest.mark.parametrize("batch_size", [1, 32])
def test_labels_come_likeliest_first_with_their_probabilities(run_folder, files, batch_size):
    white, black = predict(run_folder, files, output=None, batch_size=batch_size)
    assert white["image"] == str(files[0])
    assert [each["label"] for each in white["predictions"]] == ["bright", "dark", "[none]"]
    assert [each["probability"] for each in white["predictions"]] == pytest.approx(PROBABILITIES, abs=1e-5)
    assert [each["label"] for each in black["predictions"]] == ["dark", "bright", "[none]"]


def test_top_limits_the_labels_and_may_exceed_the_classes(run_folder, files):
    assert [each["label"] for each in predict(run_folder, files[:1], top=1, output=None)[0]["predictions"]] == [
        "bright"
    ]
    assert len(predict(run_folder, files[:1], top=9, output=None)[0]["predictions"]) == 3


def test_resize_follows_the_run(run_folder, tmp_path):
    Image.new("L", (40, 40), 255).save(tmp_path / "square.png")
    (answer,) = predict(run_folder, [tmp_path / "square.png"], output=None)
    logits = np.array([16 / 24, 1 - 16 / 24, 0])  # letterboxed into 4 x 6: 16 white pixels and 8 black ones
    expected = np.exp(logits) / np.exp(logits).sum()
    assert [each["probability"] for each in answer["predictions"]] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("argument", "white"), [("stretch", 24), ("letterbox", 16), (None, 24)])
def test_resize_is_that_of_the_call_if_the_run_had_nothing_to_resize(run_folder, tmp_path, argument, white):
    record = json.loads((run_folder / "result.json").read_text())
    record["data"]["report"]["resize"] = None
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    (folder / "result.json").write_text(json.dumps(record | ({"arguments": {"resize": argument}} if argument else {})))
    Image.new("L", (40, 40), 255).save(tmp_path / "square.png")
    (answer,) = predict(folder, [tmp_path / "square.png"], output=None)
    found = {each["label"]: each["probability"] for each in answer["predictions"]}
    assert np.log(found["bright"] / found["[none]"]) == pytest.approx(white / 24, abs=1e-4)


def test_json_in_the_shell_is_what_the_function_returns(run_folder, files, capsys):
    assert line.main(["predict", "--model", str(run_folder), *map(str, files), "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == predict(run_folder, files, output=None)


def test_table_names_files_labels_and_probabilities(run_folder, files, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    predict(run_folder, files)
    text = capsys.readouterr().out
    assert str(files[0]) in text
    assert "bright 57.6%" in text  # e / (e + 2)
    assert "[none] 21.2%" in text  # brackets are no markup


@pytest.mark.parametrize("content", [None, b"no image"])
def test_a_bad_file_is_named(run_folder, files, tmp_path, content, capsys):
    bad = tmp_path / "bad.png"
    if content:
        bad.write_bytes(content)
    assert line.main(["predict", "--model", str(run_folder), str(files[0]), str(bad)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and str(bad) in error and error.count("\n") == 1


def test_arguments_are_checked(run_folder, files):
    with pytest.raises(ValueError, match="`images` must name at least one file"):
        predict(run_folder, [])
    with pytest.raises(ValueError, match="`top` must be an integer of at least 1"):
        predict(run_folder, files, top=0)
    with pytest.raises(
        ValueError, match="`score` must be left out for a network of classify.*It takes top and batch_size"
    ):
        predict(run_folder, files, score=0.5)
    with pytest.raises(ValueError, match="`batch_size` must be an integer of at least 1"):
        predict(run_folder, files, batch_size=0)
    with pytest.raises(ValueError, match="`output` must be one of"):
        predict(run_folder, files, output="xml")
    with pytest.raises(FileNotFoundError, match="`name` must be a folder or one of the zoo"):
        predict("no-such-run", files)


@pytest.fixture
def mask_folder(tmp_path):
    """A run whose network says of each pixel how bright it is, and what the bright one is of."""
    image = keras.Input((None, None, 1))
    grey = keras.layers.Rescaling(1 / 255)(image)
    model = keras.Model(image, keras.layers.Concatenate()([keras.layers.Rescaling(-1, 1)(grey), grey]))
    model.save(tmp_path / "model.keras")
    data = {"name": "greys", "image_shape": [4, 4, 1], "class_names": ["dark", "bright"], "report": {"resize": None}}
    return tmp_path, {"recipe": "segment", "data": data | {"targets": "masks", "multi_label": False}}


def save_record(folder, record, **data):
    record = {**record, "data": {**record["data"], **data}, "metrics": {}, "history": {}}
    (folder / "result.json").write_text(json.dumps(record))


@pytest.fixture
def half(tmp_path):
    """An image of 8 x 6 pixels, whose right half is white."""
    pixels = np.zeros((8, 6), "uint8")
    pixels[:, 3:] = 255
    Image.fromarray(pixels).save(tmp_path / "half.png")
    return tmp_path / "half.png"


@pytest.mark.parametrize("resize", [None, "stretch", "letterbox", "crop"])
def test_masks_have_the_size_of_their_files_and_classes_for_values(mask_folder, half, tmp_path, resize):
    folder, record = mask_folder
    save_record(folder, record, report={"resize": resize})
    (answer,) = predict(folder, [half], to=tmp_path / "masks", output=None)
    assert answer["shares"] == {"dark": 0.5, "bright": 0.5}
    mask = Image.open(answer["written"])
    assert mask.mode == "P" and np.asarray(mask).tolist() == [[0, 0, 0, 1, 1, 1]] * 8


def test_masks_of_several_classes_are_a_file_each(mask_folder, half, tmp_path):
    folder, record = mask_folder
    save_record(folder, record, multi_label=True, class_names=["dark", "bright/white"])
    predict(folder, [half], to=tmp_path / "masks", output=None)
    found = {file.name: np.asarray(Image.open(file))[0].tolist() for file in (tmp_path / "masks").iterdir()}
    assert found == {"half-0-dark.png": [1, 1, 1, 0, 0, 0], "half-1-bright-white.png": [0, 0, 0, 1, 1, 1]}


def test_restored_images_are_written(mask_folder, half, tmp_path):
    folder, record = mask_folder
    image = keras.Input((None, None, 1))
    keras.Model(image, keras.layers.Rescaling(0.5)(image)).save(folder / "model.keras")
    save_record(folder, record, targets="images", class_names=[])
    (answer,) = predict(folder, [half], to=tmp_path / "out", output=None)
    assert np.asarray(Image.open(answer["written"]))[0].tolist() == [0, 0, 0, 128, 128, 128]


@pytest.mark.parametrize("asked", [{"top": 3}, {"batch_size": 32}, {"score": 0.5}])
def test_what_a_network_of_maps_cannot_be_asked_is_refused(mask_folder, half, tmp_path, asked):
    folder, record = mask_folder
    save_record(folder, record)
    with pytest.raises(ValueError, match=f"`{[*asked][0]}` must be left out for a network of segment"):
        predict(folder, [half], to=tmp_path / "masks", output=None, **asked)


def test_maps_that_would_have_one_name_are_refused(mask_folder, half, tmp_path):
    folder, record = mask_folder
    save_record(folder, record)
    with pytest.raises(ValueError, match="`images` must have different names"):
        predict(folder, [half, tmp_path / "other" / "half.jpg"], to=tmp_path / "masks", output=None)


def test_a_network_that_gives_vectors_is_sent_to_the_index(mask_folder, half):
    folder, record = mask_folder
    save_record(folder, record | {"embedding": {"dimensions": 4}})
    with pytest.raises(ValueError, match="`model` must say what is in an image.*recipes index` and `search`"):
        predict(folder, [half], output=None)
