"""The pictures of `reports.explained`, on a classifier by brightness that errs where it is told to."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import models, reports
from kerascnn.data import load

# class 0 is dark, class 1 is bright; half of 255 divides them, and the further from it the surer
SHADES = np.array([10, 40, 90, 200, 120, 240, 220, 160, 60, 20], "uint8")
LABELS = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])  # 200 of class 0 and 60, 20 of class 1 are mistakes
PICTURES = ["gradcam.png", "feature_maps.png", "filters.png"]


def shaded(data_shades, labels):
    images = np.broadcast_to(data_shades[:, None, None, None], (len(labels), 8, 8, 3)).copy()
    return load(((images, labels), (images, labels)), class_names=("dark", "bright"))


def by_brightness():
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(1, 1, name="conv")(layers.Rescaling(1 / 255, name="rescale")(image))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    dense = layers.Dense(2, "softmax", name="probabilities")
    model = keras.Model(image, dense(x))
    model.get_layer("conv").kernel.assign(np.full((1, 1, 3, 1), 1 / 3))
    dense.set_weights([np.array([[-4.0, 4.0]]), np.array([2.0, -2.0])])
    return model


def test_right_answers_of_both_classes_in_turn_and_the_worst_mistakes():
    pictures = reports.explained(by_brightness(), shaded(SHADES, LABELS), count=3)
    assert list(pictures) == PICTURES
    figure = pictures["gradcam.png"]()
    panels = np.array(figure.axes).reshape(3, 4)
    shown = [[int(np.ravel(panel.images[0].get_array())[0]) for panel in row] for row in panels]
    assert [[row[0], row[2]] for row in shown] == [[10, 20], [240, 200], [220, 60]]
    labels = [(row[0].get_title(loc="left"), row[0].get_xlabel(), row[2].get_xlabel()) for row in panels]
    assert labels[0] == ("dark 98%", "is dark", "is bright") and labels[1] == ("bright 97%", "is bright", "is dark")


def test_feature_maps_are_of_the_first_right_answer_and_filters_of_the_first_layer():
    model = by_brightness()
    pictures = reports.explained(model, shaded(SHADES, LABELS), count=1)
    figure = pictures["feature_maps.png"]()
    assert figure.axes[0].get_title(loc="left") == "conv, 8 x 8 x 1"
    assert figure.axes[0].images[0].get_array()[0, 0, 0] == 10
    assert pictures["filters.png"]().axes[0].images[0].get_array().shape == (24, 24, 3)


def test_nothing_is_computed_before_a_picture_is_drawn():
    model = by_brightness()
    model.predict_on_batch = None  # would raise
    pictures = reports.explained(model, shaded(SHADES, LABELS))
    assert pictures["filters.png"]().axes
    with pytest.raises(TypeError):
        pictures["gradcam.png"]()


def test_a_model_that_is_always_right_or_always_wrong():
    for labels, truth in ((SHADES > 127, "is dark"), (SHADES <= 127, "is bright")):
        figure = reports.explained(by_brightness(), shaded(SHADES, labels.astype(int)), count=2)["gradcam.png"]()
        assert figure.axes[0].get_xlabel() == truth and len([p for p in figure.axes if p.images]) == 4


def test_through_views_and_not_for_models_without_convolutions():
    data = shaded(SHADES, LABELS)
    pictures = reports.explained(models.averaged(by_brightness(), 2), data, count=1)
    assert list(pictures) == PICTURES and all(draw().axes for draw in pictures.values())
    flat = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2, "softmax")])
    assert reports.explained(flat, data) == {}
    with pytest.raises(ValueError, match="`count` must be an integer of at least 1"):
        reports.explained(by_brightness(), data, count=0)
