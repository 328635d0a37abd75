"""The report of a localizer whose answers are known: the level of an image's first pixel says which it is."""

import numpy as np
import pytest
import tensorflow as tf

from kerascnn import reports
from kerascnn.data import Data

NAMES = ("cat", "dog", "cow")
TRUTHS = np.float32([[0, 0, 10, 10, 0], [0, 0, 10, 10, 1], [0, 0, 10, 10, 1], [0, 0, 10, 10, -2]])
BOXES = np.float32([[0, 0, 10, 10], [5, 0, 15, 10], [0, 0, 10, 10], [0, 0, 1, 1]])
CLASSES = [0, 1, 2, 0]  # right; right, but IoU 1/3; a dog taken for a cow; does not count


class Localizer:
    def predict_on_batch(self, images):
        rows = np.asarray(images)[:, 0, 0, 0].astype(int)
        return {"class": np.eye(3, dtype="float32")[np.array(CLASSES)[rows]], "box": BOXES[rows]}


@pytest.fixture
def report():
    images = np.broadcast_to(np.arange(4, dtype="uint8")[:, None, None, None], (4, 20, 20, 3)).copy()
    split = tf.data.Dataset.from_tensor_slices((images, TRUTHS))
    return reports.localization(Localizer(), Data(split, split, class_names=NAMES, targets="box"))


def test_figures(report):
    assert report.judged_on == "validation"
    figures = {name: report.figures[name] for name in ("accuracy", "iou", "both")}
    assert figures == pytest.approx({"accuracy": 2 / 3, "iou": (1 + 1 / 3 + 1) / 3, "both": 1 / 3})
    cat, dog, cow = report.figures["per_class"]
    assert cat == {"class": "cat", "accuracy": 1.0, "iou": pytest.approx(1), "both": 1.0, "objects": 1}
    assert dog == {"class": "dog", "accuracy": 0.5, "iou": pytest.approx(2 / 3), "both": 0.0, "objects": 2}
    assert cow == {"class": "cow", "accuracy": None, "iou": None, "both": None, "objects": 0}


def test_pictures(report, tmp_path):
    from kerascnn import plots

    assert list(report.pictures) == ["boxes.png", "confusion.png", "iou.png"]
    figure = report.pictures["boxes.png"]()
    shown = [panel for panel in figure.axes if panel.images]
    assert [int(panel.images[0].get_array()[0, 0, 0]) for panel in shown] == [2, 1, 0]  # the wrong class first
    assert shown[0].get_xlabel() == "IoU 1.00, is dog" and shown[1].get_xlabel() == "IoU 0.33"
    for name, draw in report.pictures.items():
        plots.save(draw(), tmp_path / name)
