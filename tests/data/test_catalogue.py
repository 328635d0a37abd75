import numpy as np
import pytest
import tensorflow_datasets as tfds

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


def test_a_set_without_labels_is_refused():
    with pytest.raises(
        ValueError, match="a set of images with one class label each. Received: data='kerascnn_pairless'"
    ):
        load("kerascnn_pairless")


def test_no_network_names_the_variable(tmp_path, monkeypatch):
    def unreachable(self, **options):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", unreachable)
    with pytest.raises(
        ConnectionError, match="`data` 'kerascnn_plain' is not in .*Network is unreachable.*TFDS_DATA_DIR"
    ):
        load("kerascnn_plain")
