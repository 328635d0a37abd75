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
    loaded = load("digits", seed=3)
    assert load(loaded, seed=4) is loaded


@pytest.mark.parametrize(
    "option",
    [
        {"resize": "letterbox"},
        {"channels": "first"},
        {"color": "grey"},
        {"validation": 0.2},
        {"skip_bad": True},
        {"memory": 0},
        {"class_names": ("b", "a")},
    ],
)
def test_options_that_come_too_late_for_a_data_are_errors(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"`{name}` must be .* when `data` is a Data.*Received: {name}="):
        load(Data(elements(7), elements(2), class_names=("a", "b")), **option)


def given(x=None, y=None, last=(0, 1)):
    """A `Data` of 80 training images; `last` are the labels of validation."""
    x = np.full((80, 4, 4, 1), 9, np.float32) if x is None else x
    y = np.arange(80) % 2 if y is None else y
    train = tf.data.Dataset.from_tensor_slices((x, y))
    return Data(train, train.take(2).enumerate().map(lambda i, e: (e[0], tf.gather(last, i))), class_names=("a", "b"))


ONES = np.ones((80, 4, 4, 1), np.float32)
LATE = np.where(np.arange(80) == 79, 2, 0)  # beyond the images that are looked at
WRONG = {
    "beyond": (given(y=LATE), "`labels of train` must be in 0..1, as there are 2 class names. Received:.*'0 to 2'"),
    "negative": (given(y=-LATE), r"`labels of train` must be in 0..1.*'-2 to 0'"),
    "validation": (given(last=(0, 5)), "`labels of validation` must be in 0..1.*'0 to 5'"),
    "one-hot": (given(y=np.eye(2)[LATE % 2]), r"`labels of train.shape` must be \(n,\)"),
    "floats": (given(y=LATE / 2, last=(0.0, 1.0)), "`labels of train.dtype` must be an integer type"),
    "NaN": (given(ONES * np.nan), "`images of train` must be finite.*the first at index 0"),
    "above": (given(ONES * 256), "`images of train` must be in 0..255"),
    "below": (given(-ONES), "`images of train` must be in 0..255"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_data_is_named_at_load(data, message):
    with pytest.raises(ValueError, match=message):
        load(data)


def test_labels_beyond_the_classes_are_no_counts():
    with pytest.raises(ValueError, match="`labels of train` must be in 0..1"):
        _ = given(y=LATE).class_counts


def test_images_in_0_to_1_warn_and_are_reported():
    with pytest.warns(UserWarning, match="`images of (train|validation)` is in 0..1, and models take 0..255"):
        data = load(given(ONES * 0.5))
    assert [warning[:17] for warning in data.report["warnings"]] == ["`images of train`", "`images of valida"]
    assert data.train_size == 80 and data.class_counts == (40, 40)


def test_labels_are_read_once_around_an_endless_dataset():
    data = Data(elements(7).repeat(), elements(2), class_names=("a", "b"), train_size=7)
    assert load(data).class_counts == (4, 3)


def test_the_elements_of_a_split_are_those_of_its_source():
    data = load("digits")
    image, target = next(iter(data.train))
    images, targets = data.sources["train"].fetch(np.array([0]))
    assert (image.numpy() == images[0]).all() and target == targets[0]
    assert image.dtype == tf.uint8 and target.dtype == tf.int32 and image.shape == data.image_shape
    assert data.train.cardinality() == data.train_size == sum(data.class_counts)
