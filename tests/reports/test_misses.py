"""What is right and what is wrong, on overlaps that are known: a box moved by a share s has IoU (1 - s) / (1 + s)."""

import numpy as np
import pytest

from kerascnn.reports.misses import judge, worst

NAMES = ["cat", "dog"]


def box(x, y=0.0, side=20.0):
    return [x, y, x + side, y + side]


TRUTH = np.float32([[*box(0), 0], [*box(100), 1], [*box(200), 0], [*box(300), -2], [0, 0, 0, 0, -1]])


def prediction(*rows):
    """From rows of box, score and class."""
    boxes, scores, classes = zip(*rows, strict=True)
    return np.float32(boxes), np.float32(scores), np.int32(classes)


FOUND = prediction(
    (box(0), 0.9, 0),  # right
    (box(2), 0.8, 0),  # the same once more
    (box(100), 0.7, 0),  # a dog taken for a cat
    (box(210), 0.6, 0),  # IoU 1/3
    (box(500), 0.95, 1),  # nothing there
    (box(301), 0.5, 0),  # does not count either way
    (box(101), 0.2, 1),  # right, but below the score
)


def test_each_detection_is_judged_the_surest_first():
    judged = judge(TRUTH, FOUND, 0.3)
    assert judged.rows.tolist() == [4, 0, 1, 2, 3, 5]
    assert judged.kinds == ("background", "right", "duplicate", "class", "place", "ignored")
    assert judged.partners.tolist() == [-1, 0, 0, 1, 2, 3]
    assert judged.missed.tolist() == [1, 2]
    assert judged.error == pytest.approx(1 - 2 * 1 / (5 + 3))  # F1 of five that count and three objects
    assert judge(TRUTH, FOUND, 0.1).missed.tolist() == [2]


def test_the_object_of_the_largest_overlap_is_taken():
    truth = np.float32([[*box(0), 0], [*box(5), 0]])
    judged = judge(truth, prediction((box(4), 0.9, 0), (box(4), 0.8, 0)), 0.5)
    assert judged.kinds == ("right", "right") and judged.partners.tolist() == [1, 0]


def test_images_without_objects_or_without_detections():
    none = np.zeros((0, 4), "float32"), np.zeros(0, "float32"), np.zeros(0, "int32")
    empty = np.zeros((0, 5), "float32")
    assert judge(empty, none, 0.5).error == 0
    assert judge(empty, FOUND, 0.65).kinds == ("background",) * 4 and judge(empty, FOUND, 0.65).error == 1
    assert judge(TRUTH, none, 0.5).missed.tolist() == [0, 1, 2] and judge(TRUTH, none, 0.5).error == 1


def test_the_worst_are_the_surest_and_the_least_seen():
    judged = judge(TRUTH, FOUND, 0.3)
    found = [(m.image, m.title, m.note, m.missed) for m in worst([TRUTH], [FOUND], [judged], NAMES)]
    assert found == [
        (0, "dog 0.95", "nothing there", False),
        (0, "cat 0.80", "found already", False),
        (0, "cat 0.70", "is dog", False),
        (0, "cat 0.60", "IoU 0.33 only", False),
        (0, "cat missed", "not seen at all", True),
        (0, "dog missed", "best score 0.20", True),
    ]
    few = worst([TRUTH[:0], TRUTH], [FOUND, FOUND], [judge(TRUTH[:0], FOUND, 0.9), judged], NAMES, 3)
    assert [(m.image, m.title) for m in few] == [(0, "dog 0.95"), (1, "cat missed"), (1, "dog missed")]


def test_a_wrong_box_comes_with_the_object_that_it_is_at():
    judged = judge(TRUTH, FOUND, 0.3)
    near = [None if m.near is None else m.near.tolist() for m in worst([TRUTH], [FOUND], [judged], NAMES)]
    assert near == [None, box(0), box(100), box(200), None, None]


def test_more_of_one_kind_where_there_are_fewer_of_the_other():
    judged = judge(TRUTH[:0], FOUND, 0.1)
    assert len(worst([TRUTH[:0]], [FOUND], [judged], NAMES, 6)) == 6
    assert [m.missed for m in worst([TRUTH], [FOUND], [judge(TRUTH, FOUND, 0.99)], NAMES, 4)] == [True] * 3
