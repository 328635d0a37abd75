import json

import numpy as np
import pytest

from kerascnn.metrics import map_confusion, segmentation

MATRIX = np.array([[5, 1, 0], [2, 4, 0], [0, 0, 0]])


def test_rows_are_true_classes_and_columns_found_ones():
    truth = np.array([[[0, 0, 1], [1, 255, 2]]], "uint8")
    found = np.array([[[0, 1, 1], [0, 2, 2]]])
    assert map_confusion(truth, found, 3).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert map_confusion(truth, np.eye(3)[found], 3).tolist() == map_confusion(truth, found, 3).tolist()
    assert map_confusion(truth, found, 300, ignore=None)[255, 2] == 1


def test_batches_add_up_to_the_whole():
    generator = np.random.default_rng(0)
    truth, found = generator.integers(0, 200, (2, 5, 9, 9)).astype("uint8")
    parts = map_confusion(truth[:2], found[:2], 200) + map_confusion(truth[2:], found[2:], 200)
    np.testing.assert_array_equal(parts, map_confusion(truth, found, 200))
    assert parts.sum() == truth.size and parts.dtype == np.int64


def test_masks_one_a_class():
    truth = np.array([[[1, 0], [1, 255], [0, 1]]], "uint8")
    found = np.array([[[0.5, 0.6], [0.4, 0.9], [0.1, 0.9]]])
    assert map_confusion(truth, found, 2, multi_label=True).tolist() == [[[1, 0], [1, 1]], [[0, 1], [0, 1]]]


def test_the_report_by_hand():
    report = segmentation(MATRIX, ["ground", "cell", "none"])
    assert report["accuracy"] == 9 / 12 and report["pixel_error"] == 3 / 12
    assert report["iou"] == pytest.approx((5 / 8 + 4 / 7) / 2)
    assert report["dice"] == pytest.approx((10 / 13 + 8 / 11) / 2)
    cell = {"class": "cell", "iou": 4 / 7, "dice": 8 / 11, "precision": 4 / 5, "recall": 4 / 6, "pixels": 6}
    assert report["per_class"][1] == cell
    assert set(report["per_class"][2].values()) == {"none", None, 0}
    assert json.loads(json.dumps(report)) == report


def test_a_class_that_is_found_and_not_there_has_iou_0():
    assert segmentation(np.array([[3, 1], [0, 0]]), "ab")["iou"] == (3 / 4 + 0) / 2


def test_the_report_of_masks_one_a_class():
    report = segmentation(np.array([[[1, 0], [1, 1]], [[0, 1], [0, 1]]]), "ab")
    assert report["iou"] == 1 / 2 and report["accuracy"] == 3 / 5 and report["per_class"][0]["recall"] == 1 / 2


@pytest.mark.parametrize(
    ("truth", "found", "options", "message"),
    [
        ([[0, 9, 7]], [[0, 0, 0]], {}, r"`truth` must have values in \[0, 2\). Received: truth=\[7, 9\]"),
        ([[0]], [[2]], {}, r"`predicted` must have values in \[0, 2\)"),
        ([[0, 1]], [[0]], {}, r"`truth` must have the shape of `predicted`, \(1, 1\)"),
        ([[0]], [[[0.1, 0.2, 0.7]]], {}, r"`predicted.shape\[-1\]` must be one of 2"),
        ([[[3, 1]]], [[[0.1, 0.2]]], {"multi_label": True}, r"`truth` must have values in \[0, 2\)"),
    ],
)
def test_errors(truth, found, options, message):
    with pytest.raises(ValueError, match=message):
        map_confusion(truth, found, 2, **options)


@pytest.mark.parametrize("confusion", [np.zeros((2, 2)), np.ones((3, 3)), np.ones(4)])
def test_matrices_that_say_nothing(confusion):
    with pytest.raises(ValueError, match=r"`confusion` must be counts of shape \(2, 2\) or \(2, 2, 2\), not all 0"):
        segmentation(confusion, "ab")
