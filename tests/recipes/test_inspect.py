"""A saved network, a classifier of 8 x 8 pixels or one that answers each pixel, to its table and its pictures."""

import json
from functools import partial

import keras
import pytest
from PIL import Image

import kerascnn.inspect
from kerascnn import models
from kerascnn.inspect import Table
from recipes import __main__ as line
from recipes import inspect

ALL = ["attributions.png", "feature_maps.png", "filters.png", "receptive_fields.png"]


def classifier(size=8):
    image = keras.Input((size, size, 1), name="image")
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(2, "softmax", name="probabilities")(x))


def saved(model, folder, **data):
    folder.mkdir()
    model.save(folder / "model.keras")
    known = {"image_shape": [8, 8, 1], "class_names": ["dark", "bright"], "targets": "labels", "report": {}}
    record = {"recipe": "classify", "metrics": {}, "history": {}, "data": known | data}
    (folder / "result.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "one.png", tmp_path / "two.jpg"]
    for path, shade in zip(paths, (40, 200), strict=True):
        Image.new("RGB", (20, 30), (shade, shade, shade)).save(path)
    return paths


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_from_the_shell(tmp_path, files, capsys):
    folder = saved(classifier(), tmp_path / "run")
    arguments = ["--images", *map(str, files), "--to", str(tmp_path / "seen"), "--batch-size", "4"]
    assert line.main(["inspect", "--model", str(folder), *arguments]) == 0
    told = capsys.readouterr().out
    assert "conv           Conv2D                  3 x 3 x 4          40            324" in told
    assert "50 parameters (50 trainable), 332 multiply-adds for an image" in told and "at 4 images a batch" in told
    assert written(tmp_path / "seen") == ALL


def test_without_images_there_is_the_table_alone(tmp_path, capsys):
    folder = saved(classifier(), tmp_path / "run")
    found = inspect(folder, output="markdown", to=tmp_path / "seen")
    assert isinstance(found, Table) and found.multiply_adds == 9 * 9 * 4 + 8
    assert capsys.readouterr().out == found.markdown() + "\n" and not (tmp_path / "seen").exists()


def test_chosen_layers_of_a_file_and_what_excites_them(tmp_path, files, monkeypatch):
    monkeypatch.setattr(kerascnn.inspect, "maximal_input", partial(kerascnn.inspect.maximal_input, steps=2))
    classifier().save(tmp_path / "net.keras")
    inspect(tmp_path / "net.keras", images=files, layers=["conv"], channels=2, to=tmp_path / "seen", output=None)
    assert written(tmp_path / "seen") == sorted([*ALL, "maximal_inputs.png"])


def test_a_mean_over_views_is_shown_as_one_of_them(tmp_path, files, capsys):
    folder = saved(models.averaged(classifier(), 2), tmp_path / "run")
    found = inspect(folder, images=files, to=tmp_path / "seen")
    assert [row.layer for row in found.rows] == ["conv", "pool", "probabilities"]
    assert "Its answer is the mean over several views" in capsys.readouterr().out and written(tmp_path / "seen") == ALL


def test_networks_that_do_not_classify_or_convolve_have_fewer_pictures(tmp_path, files):
    image = keras.Input((None, None, 1))
    pixels = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))
    inspect(saved(pixels, tmp_path / "a", targets="images"), images=files, to=tmp_path / "maps", output=None)
    assert written(tmp_path / "maps") == ALL[1:]
    flat = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    inspect(saved(flat, tmp_path / "b"), images=files, to=tmp_path / "flat", output=None)
    assert written(tmp_path / "flat") == ["attributions.png", "receptive_fields.png"]


def test_any_size(tmp_path, capsys):
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))
    model.save(tmp_path / "net.keras")
    with pytest.raises(ValueError, match="`image_size` must be given for a network of any size"):
        inspect(tmp_path / "net.keras")
    assert inspect(tmp_path / "net.keras", image_size=(5, 6)).rows[0].shape == (5, 6, 1)
    assert inspect(saved(model, tmp_path / "run")).rows[0].shape == (8, 8, 1)


def test_bad_input(tmp_path, files, capsys):
    folder = saved(classifier(), tmp_path / "run")
    for options, message in [
        ({"layers": ["cnov"], "images": files}, "`layers` must name a layer that gives a map.*Did you mean 'conv'"),
        ({"channels": 1}, "`layers` must name at least one where `channels` are asked for"),
        ({"channels": 9, "layers": ["conv"]}, "`channel` must be in 0..3"),
        ({"image_size": (9, 9)}, r"`image_size` must be \(8, 8\), the only one"),
        ({"output": "text"}, "`output` must be one of"),
        ({"batch_size": 0}, "`batch_size` must be an integer"),
    ]:
        with pytest.raises(ValueError, match=message):
            inspect(folder, to=tmp_path / "seen", **options)
    assert not (tmp_path / "seen").exists()
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "flat.keras")
    with pytest.raises(ValueError, match="`model` must take one image"):
        inspect(tmp_path / "flat.keras")
    assert line.main(["inspect", "--model", "no-such-run"]) == 2
    assert "`name` must be a folder or one of the zoo" in capsys.readouterr().err
    assert line.main(["inspect", "--model", str(folder), "--images", "none.png"]) == 2
    assert "none.png" in capsys.readouterr().err
