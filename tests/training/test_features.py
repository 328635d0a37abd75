import re

import keras
import numpy as np
import pytest

from kerascnn import data as datasets
from kerascnn.augmentation import MixUp, Pipeline, RandomFlip, Rotate
from kerascnn.training import features, split_at, vectors

pytestmark = pytest.mark.backend
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (29, 6, 6, 1), "uint8")
Y = (np.arange(29) % 3).astype("int32")
ROTATE = Pipeline(RandomFlip(), Rotate(20))


@pytest.fixture(scope="module")
def data():
    """17 training, 7 validation and 5 test images."""
    return datasets.load(((X[:17], Y[:17]), (X[17:24], Y[17:24]), (X[24:], Y[24:])))


@pytest.fixture(scope="module")
def model():
    """Gives an image's pixels in a row, so that the features show what was seen."""
    return keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Rescaling(1.0)])


def flat(images):
    return np.asarray(images, np.float32).reshape(len(images), -1)


def test_features_are_those_of_the_images_in_their_order(model, data):
    found = features(model, data, batch_size=4, verbose=0)
    assert (found.train_size, found.validation_size, found.test_size) == (17, 7, 5)
    assert found.image_shape == (36,) and found.class_names == data.class_names
    for split, first, last in (("train", 0, 17), ("validation", 17, 24), ("test", 24, 29)):
        np.testing.assert_array_equal(vectors(found, split), flat(X[first:last]))
        np.testing.assert_array_equal(found.labels(split), Y[first:last])
    assert vectors(found, "train").dtype == np.float32


@pytest.mark.parametrize("views", [2, 3])
def test_a_view_is_what_the_training_sees_in_that_epoch(model, data, views):
    found = vectors(features(model, data, views=views, augment=ROTATE, batch_size=5, seed=3, verbose=0), "train")
    assert len(found) == views * 17
    np.testing.assert_array_equal(found[:17], flat(X[:17]))
    for epoch in range(1, views):
        seen = ROTATE.apply(X[:17], np.arange(17), epoch, 3)
        np.testing.assert_array_equal(found[17 * epoch : 17 * (epoch + 1)], flat(seen))
    batches = datasets.batches(data, "train", 17, seed=3, augment=ROTATE, epochs=(1, 2))
    trained = flat(next(iter(batches))[0])
    second = found[17:34]
    np.testing.assert_array_equal(trained[np.lexsort(trained.T)], second[np.lexsort(second.T)])


def test_labels_and_counts_hold_for_all_views_and_other_splits_have_one(model, data):
    found = features(model, data, views=3, augment=ROTATE, verbose=0)
    np.testing.assert_array_equal(found.labels("train"), np.tile(Y[:17], 3))
    assert found.class_counts == (18, 18, 15) and data.class_counts == (6, 6, 5)
    assert (found.validation_size, found.test_size) == (7, 5)


@pytest.mark.parametrize("augment", ["mirror", Pipeline(RandomFlip("horizontal"))])
def test_the_second_of_two_views_that_only_mirror_is_the_mirror_image(model, data, augment):
    found = vectors(features(model, data, views=2, augment=augment, verbose=0), "train")
    np.testing.assert_array_equal(found[17:], flat(X[:17, :, ::-1]))
    with pytest.raises(ValueError, match="`views` must be 1 or 2 where images are only mirrored. Received: views=3"):
        features(model, data, views=3, augment=augment, verbose=0)


@pytest.mark.parametrize("flip", [Pipeline(RandomFlip("vertical")), Pipeline(RandomFlip(swap={"0": "1"}))])
def test_another_flip_is_drawn(model, data, flip):
    flip = flip.prepared(data.class_names) if hasattr(flip, "prepared") else flip
    found = features(model, data, views=2, augment=flip, verbose=0)
    seen = flip.apply({"images": X[:17], "labels": Y[:17]}, np.arange(17), 1, 0)
    np.testing.assert_array_equal(vectors(found, "train")[17:], flat(seen["images"]))
    np.testing.assert_array_equal(found.labels("train")[17:], seen["labels"])


def test_any_function_of_images_may_augment(model, data):
    def augment(images, indices, epoch, seed):
        return images * 0 + (indices + 100 * epoch + seed)[:, None, None, None]

    found = vectors(features(model, data, views=2, augment=augment, batch_size=5, seed=1, verbose=0), "train")
    np.testing.assert_array_equal(found[17:, 0], 101 + np.arange(17))


def test_the_network_runs_as_in_a_prediction_and_stays_as_it_is(data):
    x = image = keras.Input((6, 6, 1))
    for layer in (keras.layers.Flatten(), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)):
        x = layer(x)
    network = keras.Model(image, x)
    before = [weight.copy() for weight in network.get_weights()]
    found = vectors(features(network, data, verbose=0), "train")
    np.testing.assert_allclose(found, flat(X[:17]) / np.sqrt(1.001), rtol=1e-6)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_features_of_a_lower_precision_are_float32(data):
    model = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(dtype="bfloat16")])
    assert vectors(features(model, data, verbose=0), "train").dtype == np.float32


def test_features_feed_batches_and_fit(model, data):
    found = features(model, data, views=2, augment="mirror", verbose=0)
    batch, labels = next(iter(datasets.batches(found, "train", 8)))
    assert batch.shape == (8, 36) and labels.shape == (8,)
    assert datasets.steps_per_epoch(found, 8) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": 0}, "`views` must be an integer of at least 1. Received: views=0."),
        ({"views": 2}, "`augment` must be given for more than one view. Received: augment=None. Pass views=1."),
        (
            {"views": 2, "augment": Pipeline(MixUp(0.2))},
            "`augment` must not mix images. Received: augment=Pipeline(Mix",
        ),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1. Received: batch_size=0."),
    ],
)
def test_what_cannot_be_is_refused(model, data, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        features(model, data, verbose=0, **options)


def test_a_model_that_gives_maps_is_refused(data):
    model = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Rescaling(1.0)])
    with pytest.raises(ValueError, match=r"`model` must give a vector an image. Received: model=\(None, 6, 6, 1\)"):
        features(model, data, verbose=0)


@pytest.mark.parametrize("verbose", [0, 2, "auto"])
def test_one_line_tells_how_long_it_took(model, data, verbose, capfd):
    features(model, data, views=2, augment="mirror", verbose=verbose)
    lines = [line for line in capfd.readouterr().err.splitlines() if "images" in line]
    assert len(lines) == (verbose != 0)
    assert all(re.fullmatch(r"features of 46 images  seconds \d+\.\d  images/s [\d,]+", line) for line in lines)


def test_a_terminal_sees_a_bar(model, data, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    features(model, data, batch_size=4)
    assert "29/29" in capsys.readouterr().err


def test_two_parts_of_a_network_share_its_weights_and_leave_it_as_it_is():
    x = image = keras.Input((6, 6, 1))
    for layer in (keras.layers.Flatten(), keras.layers.Dense(5, name="one"), keras.layers.Dense(3, name="two")):
        x = layer(x)
    network = keras.Model(image, x)
    below, head = split_at(network, "one")
    np.testing.assert_array_equal(head.predict(below.predict(X, verbose=0), verbose=0), network.predict(X, verbose=0))
    head.get_layer("two").bias.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(network.get_layer("two").bias, [1.0, 2.0, 3.0])
    assert [layer.name for layer in keras.Model.from_config(network.get_config()).layers] == [
        layer.name for layer in network.layers
    ]
    assert network.get_layer("two").output is network.output
    with pytest.raises(ValueError, match="`layer` must be one of .*Did you mean 'two'"):
        split_at(network, "twoo")
