"""`embed` on scikit-learn's digits, with a network that compiles in seconds."""

import json

import numpy as np
import pytest

import kerascnn
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
