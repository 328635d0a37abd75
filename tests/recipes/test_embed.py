"""`embed` on scikit-learn's digits, with a network that compiles in seconds."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import kerascnn
from kerascnn import data as datasets
from kerascnn import models, reports
from kerascnn.augmentation import Pipeline, Shift
from recipes import embed, tune

MODEL = "convnet(filters=(8, 16))"
SHORT = {"model": MODEL, "epochs": 2, "precision": "float32", "verbose": 0, "augment": None, "dimensions": 16}
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embed")
    return embed("digits", save_to=folder, unseen=3, **SHORT | {"epochs": 4, "learning_rate": 0.01})


def test_classes_that_it_never_saw_lie_together(trained):
    assert trained.metrics["recall_at_1"] > 0.7
    assert trained.history["loss"][-1] < trained.history["loss"][0]
    names = {file.name for file in trained.path.iterdir()}
    assert {"model.keras", "distances.png", "embedding.png", "neighbours.png", "hardest.png", "roc.png"} <= names
    record = json.loads((trained.path / "result.json").read_text())
    assert record["judged_classes"] == ["7", "8", "9"] and record["data"]["class_names"] == list("0123456")
    assert record["embedding"] == {"dimensions": 16, "distance": "squared"}
    assert {"easy", "semi_hard", "hard", "spread", "val_recall_at_1"} <= set(record["history"])


def test_what_is_saved_is_one_tower(trained):
    images = RNG.integers(0, 256, (5, 8, 8, 1), "uint8")
    vectors = kerascnn.load(trained.path).model.predict(images, verbose=0)
    np.testing.assert_allclose(vectors, trained.model.predict(images, verbose=0), atol=1e-6)
    assert vectors.shape == (5, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_centres_of_classes_are_dropped_after_training():
    result = embed("digits", loss="cosface", **SHORT)
    assert result.model.output_shape == (None, 16)
    assert result.metrics["recall_at_1"] > 0.5


def small(image_shape, classes):
    return models.convnet(image_shape, classes, filters=(8, 16))


def test_a_builder_a_soft_margin_and_figures_that_are_asked_for():
    digits = datasets.load("digits")
    options = SHORT | {"model": small, "epochs": 1, "margin": "soft", "mining": "batch-hard", "far": 0.02, "ways": 4}
    result = embed(digits, **options)
    record = result.extras["record"]
    assert record["model"]["name"] == "small" and record["arguments"]["margin"] == "soft"
    own = {"distance": "squared", "far": 0.02, "episodes": {"ways": 4}}
    again = reports.embedding(result.model, digits, **own).figures
    assert record["episodes"]["ways"] == 4 and not record["episodes"]["within_groups"]
    for name in ("tau", "episode_accuracy", "episode_accuracy_low"):
        assert result.metrics[name] == pytest.approx(again[name], abs=1e-5)
    assert result.metrics["false_accepts"] < 0.05 < result.metrics["eer"]  # by which tau would else be chosen


def test_episodes_are_of_one_group_where_there_are_groups(tmp_path):
    for index in range(12):
        folder = tmp_path / "data" / "ab"[index % 2] / f"class{index // 2}"
        folder.mkdir(parents=True)
        for number in range(6):
            pixels = RNG.integers(20 * index, 20 * index + 20, (8, 8), "uint8")
            Image.fromarray(pixels).save(folder / f"{number}.png")
    options = SHORT | {"epochs": 1, "nested": True, "ways": 6, "validation": 0.4, "classes_per_batch": 6}
    result = embed(tmp_path / "data", **options)
    assert result.extras["record"]["episodes"]["within_groups"] and result.metrics["episode_accuracy"] > 1 / 6
    with pytest.raises(ValueError, match="`labels` must have 7 classes of a group"):  # all have 6, before any training
        embed(tmp_path / "data", **options | {"ways": 7}, callbacks=[keras.callbacks.LambdaCallback(wrong)])


def wrong(*_):
    raise AssertionError("it trains")


@pytest.mark.parametrize("of_classes", [{"unseen": 2}, {"nested": True}, {"far": 0.1}, {"ways": 2}])
def test_what_asks_for_classes_is_refused_for_images_without_labels(of_classes):
    images = RNG.integers(0, 256, (20, 8, 8, 1), "uint8")
    with pytest.raises(ValueError, match=f"`{[*of_classes][0]}` must be left out for images without labels"):
        embed(images, **SHORT | {"views": 2, "augment": Pipeline(Shift(0.1)), **of_classes})


@pytest.mark.slow
def test_killed_and_started_again_it_ends_as_if_never_stopped(tmp_path, kill):
    options = SHORT | {"epochs": 3, "augment": Pipeline(Shift(0.1)), "mining": "curriculum"}
    whole = embed("digits", save_to=tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        embed("digits", save_to=tmp_path / "killed", callbacks=[kill(1)], **options)
    resumed = embed("digits", save_to=tmp_path / "killed", **options)
    assert resumed.history == whole.history
    for one, two in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_images_without_labels_are_learned_by_their_views():
    images = kerascnn.data.sample(kerascnn.data.load("digits"), 160).astype("uint8")
    options = SHORT | {"loss": "nt-xent", "views": 2, "augment": Pipeline(Shift(0.05)), "epochs": 60}
    options |= {"learning_rate": 0.01, "precision": "auto", "classes_per_batch": 8}  # enough steps for timing
    result = embed(images, **options)
    assert result.metrics["recall_of_views"] >= 0.5  # by chance 1 of 16
    assert result.history["loss"][-1] < result.history["loss"][0]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"loss": "tripled"}, "`loss` must be one of"),
        ({"mining": "harder"}, "`mining` must be one of"),
        ({"margin": "soft", "loss": "lifted"}, "`loss` must be one of 'triplet'"),
        ({"far": 2}, r"`far` must be in \[0, 1\]"),
        ({"ways": 1}, "`ways` must be an integer of at least 2"),
        ({"ways": 11}, "`labels` must have 11 classes"),
        ({"model": "resnet21"}, "`model` must be one of"),
        ({"distance": "manhattan"}, "`distance` must be one of"),
        ({"dimensions": 0}, "`dimensions` must be an integer"),
        ({"views": 2}, "`augment` must not be None for views"),
        ({"views": 2, "loss": "arcface"}, "`loss` must be one without centres"),
        ({"views": 1}, "`views` must be an integer of at least 2"),
        ({"unseen": 9}, "`unseen` must leave two classes"),
        ({"unseen": ("eleven",)}, "`classes` must be names"),
        ({"backbone": "resnet51"}, "`backbone` must be one of"),
        ({"within_groups": True}, "`within_groups` must be False"),
        ({"nested": True}, "`nested` must be False"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(options, rule):
    with pytest.raises(ValueError, match=rule):
        embed("digits", **SHORT | options)


@pytest.mark.slow
def test_a_sweep_of_embeddings_is_compared_by_recall(tmp_path):
    space = "Choices(dimensions=(8, 16), margin=(0.2,))"
    options = {"model": MODEL, "precision": "float32", "verbose": 0, "augment": None, "epochs": 1}
    found = tune("digits", recipe="embed", space=space, tuner="grid", max_trials=2, directory=tmp_path, **options)
    assert found.objective == "recall_at_1" and len(found.trials) == 2
