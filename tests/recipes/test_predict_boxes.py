"""`predict` with networks that find boxes, whatever they see: their weights are zero but for what is in a bias."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn import boxes, models
from kerascnn.data import read_image
from recipes import predict

NAMES = ["cat", "dog"]
SIDE = 32
# of two places: a cat of logit 3 in the left half, a dog of logit -1 in the right one
PLACES = np.float32([[0, 0, 16, 32, 3, -9], [16, 8, 32, 24, -9, -1]])
CAT, DOG = 1 / (1 + np.exp(-3)), 1 / (1 + np.exp(1))


def constant(image, values, name):
    """A layer that gives `values` for any image."""
    x = keras.layers.GlobalAveragePooling2D(name=f"{name}_pool")(image)
    dense = keras.layers.Dense(values.size, kernel_initializer="zeros", name=f"{name}_values")
    x = keras.layers.Reshape(values.shape, name=f"{name}_shape")(dense(x))
    dense.bias.assign(values.ravel())
    return x


def save(folder, model, targets, resize):
    model.save(folder / "model.keras")
    data = {"name": "x", "targets": targets, "image_shape": [SIDE, SIDE, 3], "class_names": NAMES}
    record = {"recipe": "r", "data": data | {"report": {"resize": resize}}, "metrics": {}, "history": {}}
    (folder / "result.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def detector(tmp_path):
    image = keras.Input((SIDE, SIDE, 3))
    network = keras.Model(image, constant(image, PLACES, "places"))
    detector = models.Detector(network, boxes.AnchorFree(), NAMES, (SIDE, SIDE), score=0.5)
    return save(tmp_path, detector, "boxes", "letterbox")


@pytest.fixture
def wide(tmp_path):
    """An image of 64 x 128 pixels: letterboxed to 32 it is seen 4 times smaller, with margins of 8."""
    Image.new("RGB", (128, 64), "gray").save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def test_objects_come_in_pixels_of_the_file(detector, wide, tmp_path):
    (answer,) = predict(detector, [wide], to=tmp_path / "out", output=None)
    assert answer["image"] == str(wide) and answer["written"] == str(tmp_path / "out" / "wide-boxes.png")
    (cat,) = answer["objects"]
    assert cat == {"label": "cat", "score": pytest.approx(CAT, abs=1e-5), "box": [0.0, 0.0, 64.0, 64.0]}
    picture = np.asarray(Image.open(answer["written"]))
    assert picture.shape == (320, 640, 3)  # enlarged five times
    assert (picture[100, 318] == (0xE6, 0x9F, 0)).all() and (picture[100, 325] == 128).all()


def test_a_lower_score_finds_more_the_surest_first(detector, wide, tmp_path):
    (answer,) = predict(detector, [wide], to=tmp_path / "out", output=None, score=0.1)
    assert [each["label"] for each in answer["objects"]] == NAMES
    assert answer["objects"][1]["score"] == pytest.approx(DOG, abs=1e-5)
    assert answer["objects"][1]["box"] == [64.0, 0.0, 128.0, 64.0]  # 8..24 less the margin of 8, times 4
    assert predict(detector, [wide], to=tmp_path, output=None, score=0.99)[0]["objects"] == []
    with pytest.raises(ValueError, match=r"`score` must be in \[0, 1\]"):
        predict(detector, [wide], score=2)


def test_the_table_counts_objects_and_json_has_them_all(detector, wide, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    predict(detector, [wide], to=tmp_path / "out", score=0.1)
    assert "1 cat, 1 dog" in capsys.readouterr().out
    predict(detector, [wide], to=tmp_path / "out", score=0.99)
    assert "none" in capsys.readouterr().out
    answers = predict(detector, [wide], to=tmp_path / "out", output="json")
    assert json.loads(capsys.readouterr().out) == answers


@pytest.mark.parametrize(
    ("resize", "box"), [("letterbox", [64.0, 0.0, 128.0, 64.0]), ("stretch", [64.0, 16.0, 128.0, 48.0])]
)
def test_a_localizer_has_one_object_in_pixels_of_the_file(wide, tmp_path, resize, box):
    image = keras.Input((SIDE, SIDE, 3))
    outputs = {
        "class": keras.layers.Softmax(name="class")(constant(image, np.float32([0, np.log(3)]), "logits")),
        "box": constant(image, PLACES[1, :4], "box"),
    }
    folder = save(tmp_path, keras.Model(image, outputs), "box", resize)
    (answer,) = predict(folder, [wide], to=tmp_path / "out", output=None)
    assert answer["objects"] == [{"label": "dog", "score": pytest.approx(0.75, abs=1e-5), "box": pytest.approx(box)}]
    assert predict(folder, [wide], to=tmp_path / "out", output=None, score=0.8)[0]["objects"] == []


@pytest.mark.parametrize("asked", [{"top": 3}, {"batch_size": 32}])
def test_what_only_a_classifier_can_be_asked_is_refused(detector, wide, tmp_path, asked):
    with pytest.raises(ValueError, match=f"`{[*asked][0]}` must be left out for a network of r.*It takes score"):
        predict(detector, [wide], to=tmp_path / "out", output=None, **asked)
    assert not (tmp_path / "out").exists()


def test_files_of_one_name_are_refused(detector, wide, tmp_path):
    with pytest.raises(ValueError, match="`images` must have different names"):
        predict(detector, [wide, tmp_path / "b" / "wide.jpg"], to=tmp_path)


def test_a_file_of_others_is_not_replaced(detector, wide, tmp_path):
    theirs = tmp_path / "out" / "wide-boxes.png"
    theirs.parent.mkdir()
    Image.new("RGB", (4, 4)).save(theirs)
    with pytest.raises(ValueError, match="`to` must be a folder without wide-boxes.png.*overwrite=True"):
        predict(detector, [wide], to=theirs.parent, output=None)
    assert read_image(theirs).shape == (4, 4, 3)
    for overwrite in (True, False):  # the second time it is its own
        predict(detector, [wide], to=theirs.parent, output=None, overwrite=overwrite)
        assert read_image(theirs).shape[1] >= 128
