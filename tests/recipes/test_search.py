"""A folder of images to an index and a picture of neighbours, by a network that gives the mean colour of an image."""

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn import retrieval
from recipes import __main__ as line
from recipes import index, search

COLOURS = {"a/red.png": (200, 0, 0), "a/dark.jpg": (100, 0, 0), "b/c/green.png": (0, 200, 0), "blue.png": (0, 0, 200)}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    model = keras.Sequential([keras.Input((4, 6, 3)), keras.layers.GlobalAveragePooling2D()])
    model.save(folder / "model.keras")
    data = {"name": "colours", "image_shape": [4, 6, 3], "class_names": [], "report": {"resize": "letterbox"}}
    record = {"recipe": "embed", "data": data, "metrics": {}, "history": {}, "embedding": {"dimensions": 3}}
    (folder / "result.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def photos(tmp_path):
    for name, colour in COLOURS.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40), colour).save(path, quality=100)
    (tmp_path / "photos" / ".hidden.png").write_text("no image")
    return tmp_path / "photos"


@pytest.fixture
def query(tmp_path):
    Image.new("RGB", (30, 20), (180, 0, 20)).save(tmp_path / "query.png")
    return tmp_path / "query.png"


def names(answer, photos):
    return [each["image"].removeprefix(f"{photos.resolve().as_posix()}/") for each in answer["neighbours"]]


def test_a_folder_to_an_index_to_neighbours(run_folder, photos, query, tmp_path, capsys):
    made = index(run_folder, photos, tmp_path / "my.index", distance="euclidean", batch_size=3)
    assert capsys.readouterr().out == f"Wrote {tmp_path / 'my.index'} with 4 images.\n"
    assert len(made) == 4 and made.about["resize"] == "letterbox"
    answer, blue = search(
        tmp_path / "my.index", [query, photos / "blue.png"], k=3, to=tmp_path / "out.png", output=None
    )
    assert names(answer, photos)[:2] == ["a/red.png", "a/dark.jpg"]
    assert answer["neighbours"][0]["distance"] == pytest.approx(800**0.5, abs=1e-3)
    assert names(blue, photos)[0] == "blue.png" and blue["neighbours"][0]["distance"] == 0
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.width > 600
        found = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    for colour in [(180, 0, 20), (200, 0, 0), (0, 0, 200)]:
        assert (np.abs(found.astype(int) - colour).max(axis=1) <= 1).sum() > 1000


def test_from_the_shell(run_folder, photos, query, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    file, picture = str(tmp_path / "my.index"), str(tmp_path / "near.png")
    assert line.main(["index", "--model", str(run_folder), "--images", str(photos), "--to", file]) == 0
    capsys.readouterr()
    assert line.main(["search", "--index", file, str(query), "--k", "2", "--to", picture]) == 0
    out = capsys.readouterr().out
    assert "a/red.png" in out and "a/dark.jpg" in out and "blue" not in out
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"
    assert line.main(["search", "--index", file, str(query), "--k", "2", "--to", "None", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == search(file, [query], k=2, to=None, output=None)


def test_letterboxed_as_in_training_unless_told(run_folder, photos, tmp_path):
    Image.new("RGB", (40, 40), "white").save(photos / "square.png")
    for resize, mean in ((None, 255 * 16 / 24), ("stretch", 255)):
        index(run_folder, photos, tmp_path / "my.index", resize=resize, distance="euclidean")
        stored = retrieval.Index.load(tmp_path / "my.index")
        found = stored.search([[mean] * 3], 1)
        assert found.ids[0][0].endswith("square.png") and found.distances[0, 0] < 1e-3


def test_bad_files_are_named_or_left_out(run_folder, photos, tmp_path, capsys):
    (photos / "a" / "bad.png").write_text("no image")
    arguments = ["index", "--model", str(run_folder), "--images", str(photos), "--to", str(tmp_path / "my.index")]
    assert line.main(arguments) == 2
    assert "a/bad.png (not an image)" in capsys.readouterr().err
    assert not (tmp_path / "my.index").exists()
    assert line.main([*arguments, "--skip-bad"]) == 0
    assert "with 4 images; left out 1 unreadable files" in capsys.readouterr().out
    assert retrieval.Index.load(tmp_path / "my.index").about["skipped"] == [f"{photos.resolve().as_posix()}/a/bad.png"]


def test_a_run_that_was_moved_is_asked_for(run_folder, photos, query, tmp_path, capsys):
    moved = tmp_path / "moved"
    shutil.copytree(run_folder, tmp_path / "run")
    index(tmp_path / "run", photos, tmp_path / "my.index")
    (tmp_path / "run").rename(moved)
    arguments = ["search", "--index", str(tmp_path / "my.index"), str(query), "--to", "None"]
    assert line.main(arguments) == 2
    assert "Pass the folder of the run that made the index." in capsys.readouterr().err
    assert line.main([*arguments, "--model", str(moved)]) == 0


def test_an_array_has_the_neighbours_of_its_file(run_folder, photos, query):
    model = keras.saving.load_model(run_folder / "model.keras")
    stored = retrieval.index_folder(model, photos)
    with Image.open(query) as file:
        image = np.asarray(file)
    assert retrieval.neighbours(stored, model, image).ids == retrieval.neighbours(stored, model, query).ids


def test_a_run_that_gives_no_embeddings_is_refused(run_folder, photos, tmp_path, capsys):
    shutil.copytree(run_folder, tmp_path / "run")
    record = json.loads((run_folder / "result.json").read_text())
    del record["embedding"]
    (tmp_path / "run" / "result.json").write_text(json.dumps(record))
    file = tmp_path / "my.index"
    assert line.main(["index", "--model", str(tmp_path / "run"), "--images", str(photos), "--to", str(file)]) == 2
    error = capsys.readouterr().err
    assert "`model` must be a network that gives embeddings" in error and "python -m recipes embed" in error
    assert not file.exists()


def test_errors_name_the_argument(run_folder, photos, query, tmp_path):
    model = keras.saving.load_model(run_folder / "model.keras")
    any_size = keras.Sequential([keras.Input((None, None, 1)), keras.layers.GlobalAveragePooling2D()])
    maps = keras.Sequential([keras.Input((4, 6, 3)), keras.layers.Conv2D(1, 1)])
    (tmp_path / "empty").mkdir()
    for call, message in [
        (lambda: retrieval.index_folder(maps, photos), "`model` must take images and give a vector an image"),
        (lambda: retrieval.index_folder(any_size, photos), "`image_size` must be given, as the model takes any"),
        (lambda: retrieval.index_folder(model, photos, image_size=5), "`image_size` must be the model's, \\(4, 6\\)"),
        (lambda: retrieval.index_folder(model, photos, resize="fit"), "`resize` must be one of"),
        (lambda: retrieval.index_folder(model, tmp_path / "empty"), "`folder` must be a folder with images in it"),
        (lambda: retrieval.index_folder(model, query), "`folder` must be a folder"),
        (lambda: retrieval.neighbours(retrieval.Index(3), model, query), "`index.about` must say how images are read"),
        (lambda: search(query, [query]), "`path` must be a saved index"),
        (lambda: search(query, []), "`images` must name at least one file"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    assert len(retrieval.index_folder(any_size, photos, image_size=8)) == 4
