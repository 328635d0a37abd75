import errno
import re
import urllib.error

import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.util import DownloadError

from kerascnn.data import batches, load, plain_batches

NUMBER = 40


class _Base(tfds.core.GeneratorBasedBuilder):
    """A small set of the test's own, written to disk as tfds writes its own."""

    VERSION = tfds.core.Version("1.0.0")
    SHAPE = (6, 8, 3)
    SPLITS = {"train": NUMBER, "test": 10}
    KEYS = ("image", "label")

    def _info(self):
        features = tfds.features.FeaturesDict(
            {"image": tfds.features.Image(shape=self.SHAPE), "label": tfds.features.ClassLabel(names=["even", "odd"])}
        )
        return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=self.KEYS)

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(count) for split, count in self.SPLITS.items()}

    def _generate_examples(self, count):
        for i in range(count):
            height, width, channels = (size or 6 + 8 * (i % 3) for size in self.SHAPE)
            yield i, {"image": np.full((height, width, channels), i, np.uint8), "label": i % 2}


class KerascnnPlain(_Base):
    """Images of one size, no validation split."""


class KerascnnMixed(_Base):
    """Images of several sizes, with a validation split."""

    SHAPE = (None, None, 3)
    SPLITS = {"train": NUMBER, "validation": 6, "test": 4}


class KerascnnPairless(_Base):
    """Images that no label is paired with."""

    KEYS = None


@pytest.fixture(autouse=True, scope="module")
def tfds_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (KerascnnPlain, KerascnnMixed, KerascnnPairless):
        builder(data_dir=folder).download_and_prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(folder))
        yield folder


def values(dataset):
    return [(int(x[0, 0, 0]), int(y)) for xs, ys in dataset.as_numpy_iterator() for x, y in zip(xs, ys, strict=True)]


@pytest.mark.parametrize("memory", [0.25, 0])
def test_a_set_keeps_its_test_split_and_gives_a_stratified_validation_split(memory):
    data = load("kerascnn_plain", memory=memory)
    assert data.class_names == ("even", "odd") and data.image_shape == (6, 8, 3)
    assert (data.train_size, data.validation_size, data.test_size, data.class_counts) == (36, 4, 10, (18, 18))
    assert data.report["in_memory"] == (memory > 0)
    seen = values(plain_batches(data, "train", 7)) + values(plain_batches(data, "validation", 7))
    assert sorted(seen) == [(i, i % 2) for i in range(NUMBER)]
    assert sorted(values(plain_batches(data, "test", 3))) == [(i, i % 2) for i in range(10)]
    assert np.bincount(data.labels("validation")).tolist() == [2, 2]


def test_streaming_and_memory_hold_out_the_same_images():
    held = [values(plain_batches(load("kerascnn_plain", memory=m, seed=4), "validation", 9)) for m in (0, 0.25)]
    assert held[0] == held[1]


def test_a_streamed_epoch_is_a_permutation_and_resumes():
    data = load("kerascnn_plain", memory=0)
    seen = values(batches(data, "train", 6, seed=2, epochs=(0, 3)))
    assert sorted(seen[:36]) == sorted(values(plain_batches(data, "train", 36))) == sorted(seen[36:72])
    assert seen[:36] != seen[36:72]
    assert values(batches(data, "train", 6, seed=2, epochs=(2, 3))) == seen[72:]


@pytest.mark.parametrize("memory", [0.25, 0])
def test_mixed_sizes_are_resized(memory):
    data = load("kerascnn_mixed", memory=memory)
    assert data.image_shape == (16, 16, 3) and data.report["resize"] == "stretch"  # the median is 14
    assert (data.train_size, data.validation_size, data.test_size) == (40, 6, 4)
    assert sorted(values(plain_batches(data, "train", 9))) == [(i, i % 2) for i in range(NUMBER)]
    assert load("kerascnn_mixed", image_size=(5, 7), color="grey", memory=memory).image_shape == (5, 7, 1)


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(ValueError, match="a tensorflow-datasets name.*Did you mean 'fashion_mnist'"):
        load("fashion_mnis")
    with pytest.raises(ValueError, match="Did you mean .*'digits'"):
        load("digit")


@pytest.mark.parametrize(
    "name", ["my-photos", "my photos", "photos.bak", r"C:\photos", r"photos\cats", "C:photos", "a+b"]
)
def test_a_misspelt_folder_is_an_unknown_name(name):
    with pytest.raises(ValueError, match=r"^`data` must be an existing folder, .*The working folder is '") as caught:
        load(name)
    assert f"data={name!r}" in str(caught.value) and "\n" not in str(caught.value)


def test_a_misspelt_name_with_a_hyphen_gives_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'fashion_mnist'"):
        load("fashion-mnist")


@pytest.mark.parametrize("name", ["kerascnn_plain/large", "kerascnn_plain:9.9.9"])
def test_an_unknown_configuration_or_version_is_named(name):
    with pytest.raises(ValueError, match="`data` must name a configuration and a version that the set has") as caught:
        load(name)
    assert "\n" not in str(caught.value) and caught.value.__cause__


def test_a_version_may_be_named():
    assert load("kerascnn_plain:1.0.0").train_size == 36


def test_a_set_without_labels_is_refused():
    with pytest.raises(
        ValueError, match="a set of images with one class label each. Received: data='kerascnn_pairless'"
    ):
        load("kerascnn_pairless")


def failing(monkeypatch, error, by_hand=None):
    """What `load` raises if tfds raises `error` when it prepares a set; `by_hand` are its download instructions."""

    def fail(self, **options):
        raise error

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    monkeypatch.setattr(KerascnnPlain, "MANUAL_DOWNLOAD_INSTRUCTIONS", by_hand)
    with pytest.raises(OSError, match="^`data` 'kerascnn_plain' is not in ") as caught:
        load("kerascnn_plain")
    assert caught.value.__cause__ is error and "\n" not in str(caught.value)
    return caught.value


def wrapped(error):
    outer = RuntimeError(f"Failed to construct the set: {error}")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENETUNREACH, "Network is unreachable"),
        requests.exceptions.ConnectionError("Max retries exceeded"),
        urllib.error.URLError("no host"),
        DownloadError("Failed to get url x. HTTP code: 503."),
        wrapped(requests.exceptions.Timeout("too slow")),
    ],
)
def test_no_network_names_the_variable(monkeypatch, error):
    raised = failing(monkeypatch, error)
    assert isinstance(raised, ConnectionError)
    assert re.search(
        f"could not be downloaded: {re.escape(str(error).rstrip('.'))}. Connect.*TFDS_DATA_DIR", str(raised)
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full: .*No space left on device. Free space"),
        (OSError("Not enough disk space. Needed: 5 GiB"), "the disk is full: .*Needed: 5 GiB. Free space"),
        (NonMatchingChecksumError("Artifact x"), "not what it should be: Artifact x. Delete"),
        (wrapped(NonMatchingChecksumError("Artifact x")), "not what it should be: Failed .*Artifact x. Delete"),
        (PermissionError(errno.EACCES, "Permission denied"), "could not be prepared: .*Permission denied. Mend"),
        (AssertionError("Two\n  lines"), "could not be prepared: Two lines. Mend"),
        (KeyError(), "could not be prepared: KeyError. Mend"),
    ],
)
def test_other_failures_are_not_put_down_to_the_network(monkeypatch, error, text):
    raised = failing(monkeypatch, error)
    assert not isinstance(raised, ConnectionError) and re.search(text, str(raised))


def test_what_must_be_downloaded_by_hand_says_so(monkeypatch):
    raised = failing(monkeypatch, AssertionError("Manual directory d is empty. Use:\nhttp://x"), "http://x")
    assert re.search("must be downloaded by hand: Manual directory d is empty. Use: http://x. Follow", str(raised))
