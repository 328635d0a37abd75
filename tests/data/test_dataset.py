import numpy as np
import pytest
import tensorflow as tf

from kerascnn.data import Data, load


def elements(n, shape=(4, 4, 3)):
    return tf.data.Dataset.from_tensor_slices((np.zeros((n, *shape), np.uint8), np.arange(n, dtype=np.int32) % 2))


def test_a_data_of_plain_datasets_finds_its_shape_and_sizes():
    data = Data(elements(7), elements(2), class_names=("a", "b"))
    assert data.image_shape == (4, 4, 3) and data.classes == 2
    assert (data.train_size, data.validation_size, data.test_size) == (7, 2, 0)
    assert data.class_counts == (4, 3)
    assert data.labels("validation").tolist() == [0, 1]


def test_unknown_sizes_and_shapes_are_errors():
    with pytest.raises(ValueError, match="`train_size` must be an integer.*Pass train_size="):
        Data(elements(7).filter(lambda x, y: True), elements(2), class_names=("a", "b"))
    with pytest.raises(ValueError, match="name its classes"):
        Data(elements(7), elements(2))
    with pytest.raises(ValueError, match=r"image_shape=\(None, 4, 3\)"):
        unknown = elements(2).map(lambda x, y: (tf.ensure_shape(tf.strings.as_string(x), (None, 4, 3)), y))
        free = tf.data.Dataset.from_generator(
            lambda: iter(unknown), output_signature=(tf.TensorSpec((None, 4, 3)), tf.TensorSpec((), tf.int32))
        )
        Data(free, free, class_names=("a", "b"))


def test_load_gives_a_data_back_as_it_is_unless_its_size_is_another():
    data = Data(elements(7), elements(2), class_names=("a", "b"))
    assert load(data) is data and load(data, image_size=4) is data
    with pytest.raises(ValueError, match=r"`image_size` must be that of the Data, \(4, 4\)"):
        load(data, image_size=8)


def test_the_elements_of_a_split_are_those_of_its_source():
    data = load("digits")
    image, target = next(iter(data.train))
    images, targets = data.sources["train"].fetch(tf.constant([0]))
    assert (image.numpy() == images[0].numpy()).all() and target == targets[0]
    assert image.dtype == tf.uint8 and target.dtype == tf.int32 and image.shape == data.image_shape
    assert data.train.cardinality() == data.train_size == sum(data.class_counts)
