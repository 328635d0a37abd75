import numpy as np
import pytest

from kerascnn.augmentation import Cutout, Pipeline, RandomFlip, Rotate, Shift, auto, named
from kerascnn.data import load


class Set:
    """What `auto` looks at."""

    def __init__(self, name, class_names, image_shape=(32, 32, 3), train_size=1000):
        self.name, self.class_names, self.image_shape, self.train_size = (
            name,
            tuple(class_names),
            image_shape,
            train_size,
        )
        self.classes = len(self.class_names)


def kinds(data):
    return [type(transform) for transform in auto(data).transforms]


@pytest.mark.parametrize(
    ("name", "class_names"),
    [("digits", "0123456789"), ("emnist/letters", ["1", "10"]), ("mnist:3.0.1", "01"), ("my_folder", "abc")],
)
def test_writing_is_not_mirrored(name, class_names):
    assert RandomFlip not in kinds(Set(name, class_names)) and Rotate in kinds(Set(name, class_names))


def test_photographs_are_mirrored_and_large_sets_cut_out():
    assert kinds(Set("cifar10", ["cat", "dog"])) == [RandomFlip, Shift]
    assert kinds(Set("fashion_mnist", ["shirt", "bag"], (28, 28, 1), 54_000)) == [RandomFlip, Shift, Cutout]


def test_short_trainings_get_small_shifts_only():
    data = Set("cifar10", ["cat", "dog"], train_size=54_000)
    assert auto(data, 15) == Pipeline(RandomFlip("horizontal"), Shift(0.05)) == named("auto", data, 15)
    assert auto(data, 16) == Pipeline(RandomFlip("horizontal"), Shift(0.125), Cutout(0.25))


def test_arrays_without_class_names_are_mirrored_only_in_colour():
    x, y = np.zeros((20, 8, 8, 3), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None, None] * 9, np.arange(20) % 2
    assert kinds(load((x, y))) == [RandomFlip, Shift]
    assert kinds(load((x[..., :1], y))) == [Shift]
    assert kinds(load((x[..., :1], y), class_names=("cat", "dog"))) == [RandomFlip, Shift]


def test_signals_and_volumes_are_left_alone():
    assert auto(Set("volumes", ["cat", "dog"], (8, 8, 8, 1))) is None


def test_named_takes_every_kind():
    data, pipeline = Set("digits", "01"), Pipeline(Rotate(3))
    assert named(None, data) is None and named("none", data) is None
    assert named("auto", data) == auto(data) and named(pipeline, data) is pipeline

    def own(images, indices, epoch, seed):
        return images

    assert named(own, data) is own
    assert named(lambda images: images + 1, data)(1, None, None, None) == 2
    with pytest.raises(ValueError, match="`augment` must be 'auto'.*Received: augment='flip'"):
        named("flip", data)


def test_a_keras_layer_is_called_with_images_only():
    import keras

    layer = keras.layers.RandomFlip("horizontal")
    images = np.ones((2, 4, 4, 1), np.float32)
    assert named(layer, Set("x", "ab"))(images, None, None, None).shape == (2, 4, 4, 1)
