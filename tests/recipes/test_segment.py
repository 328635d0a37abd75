"""`segment` with small networks on bright squares, whose masks are known."""

import json

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn.augmentation import Elastic, Pipeline, RandomFlip
from recipes import segment

RNG = np.random.default_rng(0)
X = RNG.integers(0, 80, (36, 16, 16, 1), "uint8")
Y = np.zeros((36, 16, 16), "uint8")
for index, (top, left) in enumerate(RNG.integers(1, 10, (36, 2))):
    Y[index, top : top + 5, left : left + 5] = 1 + index % 2
    X[index, top : top + 5, left : left + 5, 0] += 80 + 80 * (index % 2)
ARRAYS = (X[:24], Y[:24]), (X[24:], Y[24:])
OBJECTS = (X[:24], (Y > 0).astype("uint8")[:24]), (X[24:], (Y > 0).astype("uint8")[24:])
SMALL = "unet(filters=4, depth=1, convolutions=1)"  # which compiles in a second or two
SHORT = {"model": SMALL, "epochs": 2, "batch_size": 8, "precision": "float32", "verbose": 0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segment")
    longer = {"model": "unet(filters=4, depth=2)", "epochs": 12, "passes": 4}
    options = SHORT | longer | {"learning_rate": 0.01, "augment": None}
    return segment(ARRAYS, save_to=folder, **options)


def test_it_learns_squares_and_saves_all_that_a_run_is_worth(trained):
    assert trained.metrics["iou"] > 0.8 and trained.metrics["boundary_f"] > 0.8
    assert trained.metrics["accuracy"] == pytest.approx(1 - trained.metrics["pixel_error"])
    names = {file.name for file in trained.path.iterdir()}
    assert {"model.keras", "result.json", "README.md", "masks.png", "iou.png", "curves.png"} <= names
    record = json.loads((trained.path / "result.json").read_text())
    assert [row["class"] for row in record["per_class"]] == ["0", "1", "2"]
    assert sum(row["pixels"] for row in record["per_class"]) == 12 * 16 * 16
    assert record["metrics"]["iou"] == pytest.approx(max(trained.history["val_iou"]), abs=1e-6)


def test_what_is_loaded_takes_images_of_any_size(trained):
    back = kerascnn.load(trained.path)
    for size in ((16, 16), (21, 34)):
        image = RNG.integers(0, 256, (2, *size, 1), "uint8")
        found = back.model.predict(image, verbose=0)
        assert found.shape == (2, *size, 3) and found.dtype == np.float32
        np.testing.assert_allclose(found, trained.model.predict(image, verbose=0), atol=1e-6)
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.slow
def test_one_seed_repeats_everything():
    options = SHORT | {"augment": Pipeline(RandomFlip("horizontal"), Elastic(2)), "patch": 8, "border_weight": 10.0}
    first, second = (segment(OBJECTS, **options) for _ in range(2))
    assert first.history == second.history
    for one, two in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_killed_and_started_again_it_ends_as_if_never_stopped(tmp_path, kill):
    options = SHORT | {"epochs": 3, "augment": Pipeline(RandomFlip("horizontal")), "patch": 8}
    whole = segment(ARRAYS, save_to=tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        segment(ARRAYS, save_to=tmp_path / "killed", callbacks=[kill(1)], **options)
    resumed = segment(ARRAYS, save_to=tmp_path / "killed", **options)
    assert resumed.history == whole.history
    for one, two in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_masks_of_several_classes_a_pixel(tmp_path):
    several = np.stack([Y > 0, Y == 2], axis=-1).astype("uint8")
    data = (X[:24], several[:24]), (X[24:], several[24:])
    result = segment(data, save_to=tmp_path, augment=None, **SHORT)
    assert result.model.output_shape == (None, None, None, 2)
    assert result.model.layers[-1].activation is keras.activations.sigmoid
    assert result.extras["record"]["data"]["multi_label"] and (tmp_path / "masks.png").exists()


@pytest.mark.slow
def test_class_weights_and_border_weights_change_what_is_learnt():
    masks = np.zeros_like(Y)
    masks[:, 3:9, 2:7] = masks[:, 3:9, 9:14] = 1  # two objects, two pixels apart
    data = (X[:24], masks[:24]), (X[24:], masks[24:])
    plain, balanced, borders = (
        segment(data, augment=None, **SHORT | options)
        for options in ({}, {"class_weight": "balanced"}, {"border_weight": 10.0})
    )
    assert plain.history["loss"] != balanced.history["loss"]
    assert plain.history["loss"] != borders.history["loss"]


@pytest.mark.slow
def test_ignored_pixels_count_nowhere_whatever_their_value():
    masks = Y.copy()
    masks[::3, :2] = 255
    first, second, all_of_them = (
        segment(((X[:24], mask[:24]), (X[24:], mask[24:])), augment=None, ignore=ignore, **SHORT)
        for mask, ignore in ((masks, 255), (np.where(masks == 255, 7, masks).astype("uint8"), 7), (Y, 255))
    )
    assert first.history == second.history != all_of_them.history
    counted = [row["pixels"] for row in first.extras["record"]["per_class"]]
    assert sum(counted) == np.count_nonzero(masks[24:] != 255)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"model": "resnet20"}, "`model` must be one of 'attention_unet'"),
        ({"loss": "dyce"}, "`loss` must be one of"),
        ({"patch": 0}, "`patch` must be an integer of at least 1"),
        ({"patch": 17}, "`patch` must be at most the shorter side, 16"),
        ({"passes": 0}, "`passes` must be an integer of at least 1"),
        ({"border_weight": -1.0}, "`border_weight` must be"),
        ({"backbone": "resnet51"}, "`backbone` must be one of"),
        ({"learning_rate": 0}, "`learning_rate` must be"),
        ({"border_weight": 10.0}, "`border_weight` must be None unless masks are of two classes"),
        ({"class_weight": "even"}, "`class_weight` must be"),
        (
            {"model": "unet(filters=4, depth=1, convolutions=1, padding='valid')"},
            "`model` must give an answer for each pixel",
        ),
    ],
)
def test_what_is_wrong_is_said_before_training(options, rule):
    with pytest.raises(ValueError) as caught:
        segment(ARRAYS, **SHORT | options)
    assert str(caught.value).startswith(rule)
