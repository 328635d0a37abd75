import numpy as np
from sklearn.datasets import load_digits

from kerascnn.data import load, plain_batches


def stored(data, split):
    return [np.concatenate(parts) for parts in zip(*plain_batches(data, split, 500).as_numpy_iterator(), strict=True)]


def test_digits_are_those_of_scikit_learn_in_0_to_255():
    data = load("digits")
    parts = [stored(data, split) for split in ("train", "validation", "test")]
    images = np.concatenate([images for images, _ in parts])
    assert images.dtype == np.uint8 and (images.min(), images.max()) == (0, 255)
    truth = load_digits()
    expected = {
        (np.rint(image * 255 / 16).astype(np.uint8).tobytes(), int(y))
        for image, y in zip(truth.images, truth.target, strict=True)
    }
    labels = np.concatenate([labels for _, labels in parts])
    assert {(image.tobytes(), int(y)) for image, y in zip(images, labels, strict=True)} == expected
    assert data.class_names == tuple("0123456789") and data.name == "digits"


def test_the_test_split_is_stratified_and_the_same_for_every_seed():
    one, two = load("digits", seed=0), load("digits", seed=9)
    assert (stored(one, "test")[0] == stored(two, "test")[0]).all()
    assert (stored(one, "validation")[0] != stored(two, "validation")[0]).any()
    counts = np.bincount(one.labels("test"))
    assert counts.min() >= 34 and counts.max() <= 37
