"""`detect` and `localize` with a small network on bright squares, whose boxes are known."""

import json

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn.augmentation import Pipeline, RandomFlip
from recipes import detect, localize, tune
from tests.networks import backbone

RNG = np.random.default_rng(0)
X = RNG.integers(0, 80, (40, 32, 32, 1), "uint8")
BOXES = np.full((40, 2, 5), -1, "float32")
for index, (top, left, side) in enumerate(RNG.integers((1, 1, 7), (9, 9, 12), (40, 3))):
    for row, (y, x) in enumerate(((top, left), (top + 14, left + 14))):
        if row and index % 4 == 0:  # one object
            continue
        BOXES[index, row] = x, y, min(x + side, 32), min(y + side, 32), (index + row) % 2
        X[index, y : y + side, x : x + side, 0] += 80 + 80 * ((index + row) % 2)
ARRAYS = (X[:32], BOXES[:32]), (X[32:], BOXES[32:])
ONE = (X[:32], BOXES[:32, :1]), (X[32:], BOXES[32:, :1])
SHORT = {"epochs": 2, "batch_size": 8, "precision": "float32", "verbose": 0, "augment": None}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detect")
    options = SHORT | {"epochs": 10, "passes": 6, "learning_rate": 0.01, "strides": (4,)}
    return detect(ARRAYS, backbone=backbone(), save_to=folder, **options)


def test_it_finds_squares_and_saves_all_that_a_run_is_worth(trained):
    assert trained.metrics["map50"] > 0.8
    names = {file.name for file in trained.path.iterdir()}
    pictures = {"boxes.png", "precision_recall.png", "misses.png", "assignment.png", "curves.png"}
    assert {"model.keras", "result.json", "README.md", *pictures} <= names
    record = json.loads((trained.path / "result.json").read_text())
    assert [row["objects"] for row in record["per_class"]] == [sum(BOXES[32:, :, 4].ravel() == c) for c in (0, 1)]
    assert record["data"]["targets"] == "boxes" and record["judged_on"] == "validation"
    assert trained.model.score == record["metrics"]["best_score"]


def test_what_is_loaded_gives_boxes_in_the_pixels_of_any_image(trained):
    back = kerascnn.load(trained.path)
    found, again = (result.model.predict(X[32:]) for result in (back, trained))
    np.testing.assert_allclose(found["boxes"], again["boxes"], atol=1e-3)
    large = back.model.predict([image.repeat(3, 0).repeat(3, 1) for image in X[32:]])
    for small, one, count in zip(found["boxes"], large, found["count"], strict=True):
        assert len(one["boxes"]) == count
        order, others = np.argsort(one["boxes"][:, 0]), np.argsort(small[:count, 0])  # scores may be nearly equal
        np.testing.assert_allclose(one["boxes"][order], 3 * small[:count][others], atol=1.5)
    assert set(found["names"][found["classes"] >= 0]) <= {"0", "1"}


@pytest.mark.slow
def test_one_seed_repeats_everything():
    options = SHORT | {"augment": Pipeline(RandomFlip("horizontal"))}
    first, second = (detect(ARRAYS, backbone=backbone(), strides=(4,), **options) for _ in range(2))
    assert first.history == second.history
    for one, two in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_killed_and_started_again_it_ends_as_if_never_stopped(tmp_path, kill):
    options = SHORT | {"epochs": 3, "strides": (4,), "augment": Pipeline(RandomFlip("horizontal"))}
    whole = detect(ARRAYS, backbone=backbone(), save_to=tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        detect(ARRAYS, backbone=backbone(), save_to=tmp_path / "killed", callbacks=[kill(1)], **options)
    resumed = detect(ARRAYS, backbone=backbone(), save_to=tmp_path / "killed", **options)
    assert resumed.history == whole.history
    for one, two in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_the_grid_of_the_paper_learns_too(tmp_path):
    options = SHORT | {"epochs": 6, "passes": 4, "learning_rate": 0.01}
    result = detect(ARRAYS, backbone=backbone(), head="yolo", grid=4, save_to=tmp_path, **options)
    assert result.model.network.output_shape == (None, 4, 4, 12)
    assert result.history["loss"][-1] < 0.5 * result.history["loss"][0]
    assert (tmp_path / "assignment.png").exists()


@pytest.mark.slow
def test_a_sweep_of_detectors_is_compared_by_their_precision(tmp_path):
    space = "Choices(learning_rate=(0.001, 0.01), head=('yolo',), grid=(2, 4))"
    options = SHORT | {"epochs": 1}
    found = tune(
        ARRAYS,
        recipe="detect",
        space=space,
        tuner="grid",
        max_trials=2,
        directory=tmp_path,
        backbone=backbone(),
        **options,
    )
    assert found.objective == "map50" and len(found.trials) == 2


@pytest.mark.slow
def test_one_object_is_named_and_placed(tmp_path):
    options = SHORT | {"epochs": 10, "passes": 6, "learning_rate": 0.005}
    result = localize(ONE, backbone=backbone(), save_to=tmp_path, **options)
    assert result.metrics["accuracy"] > 0.8 and result.metrics["iou"] > 0.6
    assert {"boxes.png", "iou.png", "confusion.png", "result.json"} <= {file.name for file in tmp_path.iterdir()}
    found = kerascnn.load(tmp_path).model.predict(X[32:], verbose=0)
    assert found["class"].shape == (8, 2) and found["box"].shape == (8, 4)
    right = found["class"].argmax(axis=-1) == BOXES[32:, 0, 4]
    assert right.mean() == pytest.approx(result.metrics["accuracy"])


@pytest.mark.parametrize(
    ("recipe", "options", "rule"),
    [
        (detect, {"backbone": "resnet51"}, "`backbone` must be one of"),
        (detect, {"head": "ssd"}, "`head` must be one of"),
        (detect, {"grid": 5}, "`grid` must be None unless head is 'yolo'"),
        (detect, {"strides": (3, 5)}, "`strides` must be different powers of two"),
        (detect, {"passes": 0}, "`passes` must be an integer of at least 1"),
        (detect, {"box_format": "ltrb"}, "`box_format` must be one of"),
        (detect, {"learning_rate": 0}, "`learning_rate` must be"),
        (localize, {"loss": "l3"}, "`loss` must be"),
        (localize, {"box_weight": 0}, "`box_weight` must be"),
        (localize, {}, "one object"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(recipe, options, rule):
    with pytest.raises(ValueError, match=rule):
        recipe(ARRAYS, **SHORT | {"backbone": None} | options)


@pytest.mark.slow
def test_a_saved_detector_is_known_in_a_new_process(trained, python, tmp_path):
    keras.utils.save_img(tmp_path / "one.png", X[32], scale=False)
    arguments = ("predict", "--model", trained.path, tmp_path / "one.png", "--to", tmp_path, "--output", "json")
    done = python("-m", "recipes", *arguments)
    assert done.returncode == 0, done.stderr
    assert {"label", "score", "box"} == set(json.loads(done.stdout)[0]["objects"][0])
