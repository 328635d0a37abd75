import json

import numpy as np
import pytest

from kerascnn.metrics import classification

pytestmark = pytest.mark.backend


def test_by_hand():
    probabilities = [[0.8, 0.1, 0.1], [0.5, 0.25, 0.25], [0.0, 0.4, 0.6], [0.0, 1.0, 0.0]]
    report = classification([0, 1, 2, 1], probabilities, ["ant", "bee", "cat"])
    assert report["accuracy"] == 0.75
    assert report["loss"] == pytest.approx(-np.log([0.8, 0.25, 0.6, 1.0]).mean())
    # each confidence is in a bin of its own: gaps 0.2, 0.5, 0.4 and 0
    assert report["ece"] == pytest.approx((0.2 + 0.5 + 0.4) / 4)
    assert report["per_class"] == [
        {"class": "ant", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
        {"class": "bee", "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2},
        {"class": "cat", "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1},
    ]
    assert list(report) == ["accuracy", "loss", "ece", "per_class"]


def test_top5_where_there_are_more_than_five_classes():
    probabilities = np.tile(np.arange(6, 0, -1) / 21, (6, 1))
    report = classification(np.arange(6), probabilities, list("abcdef"))
    assert report["accuracy"] == pytest.approx(1 / 6) and report["top5_accuracy"] == pytest.approx(5 / 6)


def test_one_sure_mistake_leaves_the_loss_finite():
    report = classification([1], [[1.0, 0.0]], ["a", "b"])
    assert report["loss"] == pytest.approx(-np.log(1e-7))


def test_one_class_and_float32_and_json():
    report = classification(np.zeros(3, "int32"), np.ones((3, 1), "float32"), ("only",))
    assert report["accuracy"] == 1 and report["loss"] == 0 and report["ece"] == 0
    assert json.loads(json.dumps(report)) == report


def test_names_must_fit():
    with pytest.raises(ValueError, match=r"`class_names` must have 2 names, .*class_names=\['a'\]"):
        classification([0], [[0.5, 0.5]], ["a"])
