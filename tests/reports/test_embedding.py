"""The report of embeddings that are known: an image has two pixels, and the tower says what they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerascnn import metrics, plots, reports
from kerascnn.data import Data
from kerascnn.reports.embedding import in_plane
from kerascnn.reports.hardest import hardest

CLASSES, IMAGES = 14, 4


def flat():
    """The pixels, divided by 100."""
    image = keras.Input((2, 1, 1))
    return keras.Model(image, keras.layers.Flatten()(keras.layers.Rescaling(0.01)(image)))


def blind():
    """The same vector for all."""
    image = keras.Input((2, 1, 1))
    return keras.Model(image, keras.layers.Flatten()(keras.layers.Rescaling(0.0)(image)))


def split(seed, labels):
    rng = np.random.default_rng(seed)
    angles = labels * 2 * np.pi / CLASSES
    centres = 100 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + 120
    pixels = centres + rng.normal(0, 18, centres.shape)
    images = pixels.reshape(-1, 2, 1, 1).astype("float32")
    return images, tf.data.Dataset.from_tensor_slices((images, labels.astype("int32")))


LABELS = np.arange(CLASSES * IMAGES) % CLASSES
NAMES = tuple(f"class {i}" for i in range(CLASSES))


@pytest.fixture(scope="module")
def data():
    validation, test = split(1, LABELS)[1], split(2, LABELS)[1]
    return Data(validation, validation, test, class_names=NAMES, name="ring")


@pytest.fixture(scope="module")
def report(data):
    few = {"ways": 3, "count": 50, "groups": [0] * 7 + [1] * 7}
    return reports.embedding(flat(), data, untrained=blind(), pairs=100, episodes=few)


def test_figures_are_those_of_the_test_split_and_tau_of_validation(report):
    rows, before = (split(seed, LABELS)[0].reshape(-1, 2) / np.float32(100) for seed in (2, 1))
    figures = report.figures
    assert report.judged_on == "test"
    expected = metrics.retrieval(rows, LABELS, k=(1, 5))
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    assert 0.5 < expected["recall_at_1"] < 1  # or the figures would say nothing
    assert figures["nmi"] == pytest.approx(metrics.nmi(rows, LABELS))
    pairs = metrics.sampled_pairs(LABELS, 100)
    drawn = [np.linalg.norm(each[pairs.left] - each[pairs.right], axis=1) for each in (before, rows)]
    tau = metrics.threshold(drawn[0], pairs.same)
    assert figures["tau"] == pytest.approx(tau)
    accepts, rejects = np.mean(drawn[1][~pairs.same] <= tau), np.mean(drawn[1][pairs.same] > tau)
    assert (figures["false_accepts"], figures["false_rejects"]) == pytest.approx((accepts, rejects))
    assert figures["accuracy_at_tau"] == pytest.approx(1 - (accepts + rejects) / 2)
    found = metrics.verification(drawn[1], pairs.same)
    assert (figures["auc"], figures["eer"]) == pytest.approx((found.auc, found.eer))


def test_what_it_is_compared_with(report):
    assert report.figures["recall_at_1_pixels"] == report.figures["recall_at_1"]  # the tower does not change the order
    blank = metrics.retrieval(np.zeros((len(LABELS), 2)), LABELS, k=(1,))["recall_at_1"]
    assert report.figures["recall_at_1_untrained"] == blank < 0.1


def test_episodes_are_told_as_they_were(report):
    rows = split(2, LABELS)[0].reshape(-1, 2) / 100
    expected = metrics.episodes(rows, LABELS, ways=3, count=50, groups=[0] * 7 + [1] * 7)
    told = [report.figures[f"episode_accuracy{end}"] for end in ("", "_low", "_high")]
    assert told == pytest.approx([expected.accuracy, expected.low, expected.high])
    drawn = {"ways": 3, "shots": 1, "queries": 1, "within_groups": True, "by_another_drawer": False, "count": 50}
    assert report.figures["episodes"] == drawn


def test_pictures(report, tmp_path):
    assert list(report.pictures) == ["distances.png", "roc.png", "embedding.png", "neighbours.png", "hardest.png"]
    drawn = {name: draw() for name, draw in report.pictures.items()}
    dots, thumbnails = drawn["embedding.png"].axes
    assert len(dots.lines) == 12 and dots.get_title("left") == "12 of 14 classes, by t-SNE"
    assert sum(len(line.get_xdata()) for line in dots.lines) == 12 * IMAGES
    panels = [panel for panel in drawn["neighbours.png"].axes if panel.images]
    assert len(panels) == 6 * 9 and panels[0].get_title("left").startswith("class ")
    assert len([panel for panel in drawn["hardest.png"].axes if panel.images]) == 2 * 2 * 8
    for name in ("distances.png", "roc.png"):  # the layout of many panels takes seconds
        plots.save(drawn[name], tmp_path / name)


def test_without_a_test_split_and_with_a_wanted_rate(data):
    found = Data(data.train, data.validation, class_names=NAMES)
    report = reports.embedding(flat(), found, far=0.05, pairs=200, distance="squared", plane="pca")
    assert report.judged_on == "validation" and report.figures["false_accepts"] <= 0.05
    assert "recall_at_1_untrained" not in report.figures and "episodes" not in report.figures
    with pytest.raises(ValueError, match="`plane` must be one of"):
        reports.embedding(flat(), found, plane="umap")


def test_the_plane_keeps_what_two_dimensions_can():
    rows = np.random.default_rng(0).normal(size=(30, 2)) @ np.array([[3, 0, 1], [0, 1, 0.5]])
    points = in_plane(rows, "pca", 0)
    apart = metrics.distance_matrix(rows, rows)
    np.testing.assert_allclose(metrics.distance_matrix(points, points), apart, atol=1e-2)
    assert in_plane(np.arange(20.0)[:, None], "pca", 0)[:, 1].tolist() == [0] * 20
    assert not in_plane(np.ones((20, 3), "float32"), "t-sne", 0).any()  # a collapsed embedding has a picture too
    clusters = np.repeat(np.eye(3, dtype="float32") * 9, 10, axis=0) + np.random.default_rng(1).normal(0, 0.1, (30, 3))
    labels = np.repeat(np.arange(3), 10)
    assert metrics.retrieval(in_plane(clusters, "t-sne", 0), labels)["recall_at_1"] == 1


@pytest.mark.parametrize("distance", ["squared", "cosine"])
def test_hardest_pairs_are_those_of_all(distance):
    rng = np.random.default_rng(3)
    rows, labels = rng.normal(size=(600, 3)).astype("float32"), rng.integers(0, 5, 600)
    near, far = hardest(rows, labels, 4, distance)
    every = metrics.distance_matrix(rows, rows, distance)
    left, right = np.triu_indices(600, 1)
    same = labels[left] == labels[right]
    every = every[left, right]
    assert near.distances[0] == pytest.approx(every[~same].min()) and far.distances[0] == pytest.approx(
        every[same].max()
    )
    for kind, alike in ((near, False), (far, True)):
        assert (
            len(np.unique(kind.pairs)) == 8 and ((labels[kind.pairs[:, 0]] == labels[kind.pairs[:, 1]]) == alike).all()
        )
        exact = metrics.pair_distances(rows[kind.pairs[:, 0]], rows[kind.pairs[:, 1]], distance)
        np.testing.assert_allclose(kind.distances, exact, atol=1e-5)
    assert (np.diff(near.distances) >= 0).all() and (np.diff(far.distances) <= 0).all()
    one, none = hardest(rows[:2], np.array([0, 1]), 4, distance)
    assert one.pairs.tolist() == [[0, 1]] and none.pairs.shape == (0, 2)
