"""The report of a detector whose answers are known: the level of an image's first pixel says which it is."""

import numpy as np
import pytest
import tensorflow as tf

from kerascnn import reports
from kerascnn.data import Data

NAMES = ("cat", "dog")
SIZE = 32
# images 0 and 1: one cat each; 2: a dog that is overlooked; 3: nothing, and something is seen there
TRUTHS = np.full((4, 2, 5), (0, 0, 0, 0, -1), "float32")
TRUTHS[0, 0] = TRUTHS[1, 1] = 4, 4, 20, 20, 0
TRUTHS[2, 0] = 8, 8, 24, 24, 1
ANSWERS = {
    0: [(4, 4, 20, 20, 0.9, 0)],
    1: [(4, 4, 20, 20, 0.8, 0), (20, 20, 30, 30, 0.1, 1)],
    2: [],
    3: [(0, 0, 9, 9, 0.6, 1)],
}


class Detector:
    """As `models.Detector` answers, in NumPy."""

    def __init__(self, score=0.25, most=5):
        self.score, self.most, self.views = score, most, []

    def with_(self, *, score, most):
        self.views.append((score, most))
        return Detector(score, most)

    def predict_on_batch(self, images):
        boxes, scores = np.zeros((len(images), self.most, 4), "float32"), np.zeros((len(images), self.most), "float32")
        classes, count = np.full((len(images), self.most), -1), np.zeros(len(images), int)
        for row, image in enumerate(images):
            found = [each for each in ANSWERS[int(image[0, 0, 0])] if each[4] >= self.score]
            for place, each in enumerate(found):
                boxes[row, place], scores[row, place], classes[row, place] = each[:4], each[4], each[5]
            count[row] = len(found)
        return {"boxes": boxes, "scores": scores, "classes": classes, "count": count}


def judged_data(test=(0, 1, 2, 3), validation=(0,)):
    def split(rows):
        images = np.broadcast_to(np.uint8(rows)[:, None, None, None], (len(rows), SIZE, SIZE, 3)).copy()
        return tf.data.Dataset.from_tensor_slices((images, TRUTHS[list(rows)]))

    splits = {"train": split([0]), "validation": split(validation), "test": split(test) if test else None}
    return Data(**splits, class_names=NAMES, targets="boxes")


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_figures_are_of_the_test_split():
    detector = Detector()
    report = reports.detection(detector, judged_data())
    assert report.judged_on == "test" and detector.views == [(0.001, 100)]
    assert report.figures["map50"] == pytest.approx(0.5)  # every cat, no dog
    assert report.figures["map50_95"] == pytest.approx(0.5)
    (cat, dog) = report.figures["per_class"]
    assert (cat["class"], cat["objects"], cat["ap50"]) == ("cat", 2, pytest.approx(1))
    assert (dog["class"], dog["objects"], dog["ap50"]) == ("dog", 1, pytest.approx(0))
    assert report.figures["errors"] == {"background": 1, "place": 0, "class": 0, "duplicate": 0, "missed": 1}
    assert (report.figures["images_without_objects"], report.figures["false_alarms"]) == (1, 1.0)
    assert "curves" not in report.figures and "best_score" not in report.figures


def test_pictures_are_drawn_at_the_score_of_the_detector():
    pictures = reports.detection(Detector(), judged_data()).pictures
    assert list(pictures) == ["boxes.png", "precision_recall.png", "misses.png"]
    boxes = texts(pictures["boxes.png"]())
    assert {"cat 0.90", "cat 0.80", "dog 0.60"} <= set(boxes) and "dog 0.10" not in boxes
    assert {"1 objects, 1 found", "1 objects, 0 found", "0 objects, 1 found"} <= set(boxes)
    assert {"cat 1.000", "dog 0.000"} <= set(texts(pictures["precision_recall.png"]()))
    misses = texts(pictures["misses.png"]())
    assert set(misses) == {"dog 0.60", "nothing there", "dog missed", "not seen at all"}


def test_the_worst_images_come_first_with_their_own_pixels():
    figure = reports.detection(Detector(), judged_data()).pictures["boxes.png"]()
    levels = [int(panel.images[0].get_array()[0, 0, 0]) for panel in figure.axes[:4]]
    assert sorted(levels[:2]) == [2, 3]


def test_without_a_test_split_it_is_on_validation():
    report = reports.detection(Detector(), judged_data(test=(), validation=(0, 1)))
    assert report.judged_on == "validation"
    assert report.figures["per_class"][1]["ap50"] is None  # no dog is there
    assert "false_alarms" not in report.figures


def test_the_best_score_is_of_the_validation_split():
    report = reports.detection(Detector(), judged_data(validation=(0, 1, 3)), best_score=True)
    assert 0.6 < report.figures["best_score"] <= 0.8 and report.figures["validation_f1"] == pytest.approx(1)
    assert report.figures["errors"]["background"] == 0 and report.figures["false_alarms"] == 0


def test_the_assignment_is_drawn_by_the_function_given():
    seen = []

    def assign(image, truth):
        seen.append((image.shape, truth[truth[:, 4] >= 0].shape))
        return "figure"

    pictures = reports.detection(Detector(), judged_data(), assign=assign).pictures
    assert not seen and pictures["assignment.png"]() == "figure" and seen == [((SIZE, SIZE, 3), (1, 5))]
