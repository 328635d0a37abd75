import numpy as np
import pytest

from kerascnn.metrics import average_precision, best_score, localization

BOX, FAR, THIRD = [0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50]


def judged(truths, predictions, names=("a", "b")):
    return average_precision(truths, predictions, names, image_size=(64, 64))


def test_all_found():
    figures = judged([[[*BOX, 0], [*FAR, 1]]], [([BOX, FAR], [0.9, 0.8], [0, 1])])
    means = [figures[name] for name in ("map50", "map75", "map50_95", "ar100")]
    assert means == [1, 1, 1, 1] and all(type(value) is float for value in means)
    assert figures["per_class"] == [{"class": name, "ap50": 1.0, "ap50_95": 1.0, "objects": 1} for name in "ab"]
    assert figures["curves"] == {"a": [1.0] * 101, "b": [1.0] * 101}


def test_by_hand():
    # sorted: right, wrong, right (IoU 0.8) of 3 objects: precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3
    truths = [[[*BOX, 0], [*FAR, 0]], [[*THIRD, 0]]]
    found = [([BOX, [1, 50, 9, 60]], [0.9, 0.8], [0, 0]), ([[40, 40, 50, 48]], [0.7], [0])]
    figures = judged(truths, found)
    curve = [1.0] * 34 + [2 / 3] * 33 + [0.0] * 34
    assert figures["curves"]["a"] == pytest.approx(curve)
    assert figures["map50"] == pytest.approx(np.mean(curve))
    high = [1.0] * 34 + [0.0] * 67  # above an IoU of 0.8 only the first is right: 7 thresholds with it, 3 without
    assert figures["map75"] == pytest.approx(np.mean(curve))
    assert figures["map50_95"] == pytest.approx((7 * np.mean(curve) + 3 * np.mean(high)) / 10)
    assert figures["ar100"] == pytest.approx((7 * 2 / 3 + 3 / 3) / 10)


def test_a_class_without_objects_has_no_figures_and_counts_nowhere():
    figures = judged([[[*BOX, 0]]], [([BOX, BOX], [0.9, 0.8], [0, 1])])
    assert figures["map50"] == 1 and list(figures["curves"]) == ["a"]
    assert figures["per_class"][1] == {"class": "b", "ap50": None, "ap50_95": None, "objects": 0}
    assert judged([[]], [([BOX], [0.9], [0])])["map50"] is None


def test_nothing_found():
    figures = judged([[[*BOX, 0]], []], [([], [], []), ([], [], [])])
    assert figures["map50"] == 0 and figures["map50_95"] == 0 and figures["ar100"] == 0
    assert figures["curves"]["a"] == [0.0] * 101


def test_a_box_in_an_image_without_objects_is_wrong():
    truths = [[[*BOX, 0]], np.zeros((0, 5))]
    right, wrong = ([BOX], [0.8], [0]), ([BOX], [0.9], [0])
    assert judged(truths, [right, wrong])["map50"] == pytest.approx(0.5)


def test_a_difficult_object_is_neither_asked_for_nor_wrong_to_find():
    truths = [[[*BOX, 0], [*FAR, -2], [*THIRD, -1]]]
    for found in ([BOX, FAR], [BOX]):
        figures = judged(truths, [(found, [0.8, 0.9][: len(found)], [0, 0][: len(found)])])
        assert figures["map50"] == 1 and figures["per_class"][0]["objects"] == 1
    assert judged(truths, [([BOX, THIRD], [0.8, 0.9], [0, 0])])["map50"] == pytest.approx(0.5)  # -1 is no object
    assert judged([[[*BOX, 0], [*FAR, -3]]], [([BOX, FAR], [0.8, 0.9], [0, 0])])["map50"] == pytest.approx(0.5)


def test_padding_of_predictions_and_what_lies_outside_the_image():
    figures = judged([[[54, 0, 64, 10, 0]]], [([[54, 0, 90, 10], [0, 0, 0, 0]], [0.9, 0.0], [0, -1])])
    assert figures["map50_95"] == 1
    assert average_precision([[[54, 0, 64, 10, 0]]], [([[54, 0, 90, 10]], [0.9], [0])], ["a"])["map50"] == 0


def test_nothing_is_printed(capsys):
    judged([[[*BOX, 0]]], [([BOX], [0.9], [0])])
    best_score([[[*BOX, 0]]], [([BOX], [0.9], [0])])
    assert capsys.readouterr().out == ""


def test_the_best_score_by_hand():
    truths = [[[*BOX, 0], [*FAR, 1]], [[*THIRD, 0]]]
    found = [([BOX, FAR, FAR], [0.9, 0.6, 0.5], [0, 1, 0]), ([BOX, THIRD], [0.4, 0.2], [0, 0])]
    # F1 from the top: 1/2, 4/5, 2/3, 4/7, 3/4
    assert best_score(truths, found) == (pytest.approx(0.55), pytest.approx(0.8))


def test_equal_scores_are_taken_together_and_difficult_objects_left_out():
    truths = [[[*BOX, 0], [*FAR, -2]]]
    found = [([BOX, FAR, THIRD], [0.5, 0.5, 0.5], [0, 0, 0])]
    assert best_score(truths, found) == (pytest.approx(0.25), pytest.approx(2 / 3))
    assert best_score(truths, [([THIRD], [0.5], [0])]) == (0.5, 0.0)
    assert best_score([[]], [([], [], [])]) == (0.5, 0.0)


def test_localization_by_hand():
    truth = [[*BOX, 1], [*FAR, 0], [*THIRD, 0]]
    boxes = [[0, 0, 10, 5], [20, 20, 30, 30], [40, 40, 50, 44]]  # 1/2, 1, 2/5
    figures = localization(truth, boxes, [1, 2, 0])
    assert figures == {"accuracy": pytest.approx(2 / 3), "iou": pytest.approx(1.9 / 3), "both": pytest.approx(1 / 3)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: judged([[]], []), "`truths` and `predictions` must have one entry an example"),
        (lambda: judged([], []), "`truths` must have at least one image"),
        (lambda: judged([[BOX]], [([], [], [])]), r"`truths\[0\]` must be of shape \(m, 5\)"),
        (lambda: judged([[]], [([BOX], [0.9, 0.8], [0])]), r"`predictions\[0\]` must be boxes \(k, 4\)"),
        (lambda: judged([[[*BOX, 2]]], [([], [], [])]), r"`truths` must have classes below 2. Received: truths=\[2\]"),
        (lambda: judged([[[*BOX, -4]]], [([], [], [])]), "`truths` must have classes below 2"),
        (lambda: judged([[]], [([BOX], [0.9], [5])]), "`predictions` must have classes below 2"),
        (lambda: localization([BOX], [BOX], [0]), r"`truth` must be of shape \(n, 5\)"),
        (lambda: localization([[*BOX, 0]], [BOX, BOX], [0]), r"`boxes` must be of shape \(1, 4\)"),
        (lambda: localization([[*BOX, 0]], [BOX], [[0]]), r"`classes` must be of shape \(1,\)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
