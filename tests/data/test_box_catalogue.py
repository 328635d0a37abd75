import numpy as np
import pytest
import tensorflow_datasets as tfds

from kerascnn.data import load


class KerascnnStreets(tfds.core.GeneratorBasedBuilder):
    """Images with objects, in the form of coco: the second image of two has a crowd, the last of each split nothing."""

    VERSION = tfds.core.Version("1.0.0")
    SPLITS = {"train": 10, "validation": 3, "test": 2}
    APART = "is_crowd"
    FIRST = (0.25, 0.5, 0.75, 1.0)  # ymin, xmin, ymax, xmax

    def _info(self):
        objects = {
            "bbox": tfds.features.BBoxFeature(),
            "label": tfds.features.ClassLabel(names=["car", "tram"]),
            self.APART: np.bool_,
        }
        features = {"image": tfds.features.Image(), "objects": tfds.features.Sequence(objects)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split, count) for split, count in self.SPLITS.items()}

    def _generate_examples(self, split, count):
        for i in range(count):
            size = (16 + 16 * (i % 2), 16)
            objects = [
                {"bbox": tfds.features.BBox(*self.FIRST), "label": i % 2, self.APART: False},
                {"bbox": tfds.features.BBox(0.0, 0.0, 1.0, 1.0), "label": 1, self.APART: i % 2 == 1},
            ]
            yield i, {"image": np.full((*size, 3), 10 * i, np.uint8), "objects": objects * (i < count - 1)}


class KerascnnContest(KerascnnStreets):
    """As voc: no validation split, and a test split without objects."""

    SPLITS = {"train": 10, "test": 1}
    APART = "is_difficult"


class KerascnnFlat(KerascnnStreets):
    """Boxes without an area."""

    FIRST = (0.25, 0.5, 0.25, 1.0)


class KerascnnBare(KerascnnStreets):
    """Images alone."""

    SPLITS = {"train": 1}

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict({"image": tfds.features.Image()})
        )

    def _generate_examples(self, split, count):
        yield 0, {"image": np.zeros((8, 8, 3), np.uint8)}


@pytest.fixture(autouse=True, scope="module")
def tfds_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (KerascnnStreets, KerascnnContest, KerascnnFlat, KerascnnBare):
        builder(data_dir=folder).download_and_prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(folder))
        yield folder


def by_image(data, *splits):
    return {
        int(image[8, 8, 0]) // 10: rows for split in splits for image, rows in data.split(split).as_numpy_iterator()
    }


@pytest.mark.parametrize("memory", [0.25, 0])
def test_objects_of_a_catalogue(memory):
    data = load("kerascnn_streets", targets="boxes", memory=memory, image_size=(16, 16))
    assert (data.train_size, data.validation_size, data.test_size) == (10, 3, 2)
    assert (data.class_names, data.image_shape, data.targets) == (("car", "tram"), (16, 16, 3), "boxes")
    assert data.report["in_memory"] == (memory > 0) and data.report["negatives"] == 3
    seen = by_image(data, "train")
    assert sorted(seen) == list(range(10)) and all(rows.dtype == np.float32 for rows in seen.values())
    assert seen[2].tolist() == [[8, 4, 16, 12, 0], [0, 0, 16, 16, 1]]
    assert seen[3].tolist() == [[8, 4, 16, 12, 1], [0, 0, 16, 16, -3]]
    assert seen[9].tolist() == [[0, 0, 0, 0, -1]] * 2
    assert data.object_counts == (5, 9) == tuple(data.report["object_counts"])


def test_boxes_are_fitted_to_images_of_mixed_sizes():
    data = load("kerascnn_streets", targets="boxes", image_size=16, resize="letterbox")
    assert by_image(data, "train")[3][0].tolist() == [8, 4, 12, 12, 1]  # of 32 x 16 pixels, 4 columns of margin
    assert load("kerascnn_streets", targets="boxes").image_shape == (16, 16, 3)  # most are so


def test_streaming_and_memory_hold_out_the_same_images():
    seen = []
    for memory in (0, 0.25):
        with pytest.warns(UserWarning, match="The test split of kerascnn_contest has no objects and is left out"):
            data = load("kerascnn_contest", targets="boxes", memory=memory, seed=1, image_size=16, validation=0.3)
        assert (data.train_size, data.validation_size, data.test) == (7, 3, None)
        seen.append((by_image(data, "validation"), by_image(data, "train")))
    for one, other in zip(*seen, strict=True):
        assert list(one) == list(other)
        assert all((one[image] == other[image]).all() for image in one)


def test_one_object_an_image_leaves_out_the_others():
    with pytest.raises(ValueError, match=r"exactly one object .*15 images with none or several: train\[0\] \(2\)"):
        load("kerascnn_streets", targets="box")


def test_boxes_without_an_area_are_named_and_left_out():
    with pytest.raises(ValueError, match=r"object 1 of train\[0\] \(empty or inverted: left 8, top 4, right 16"):
        load("kerascnn_flat", targets="boxes")
    with pytest.raises(ValueError, match="training objects of every class. Received: data=\"none of 'car'\""):
        load("kerascnn_flat", targets="boxes", skip_bad=True)


def test_sets_without_labels_or_objects_are_refused():
    with pytest.raises(ValueError, match="be a set of images with one class label each"):
        load("kerascnn_streets")
    with pytest.raises(ValueError, match="be a set of images with a feature 'objects' of 'bbox' and 'label'"):
        load("kerascnn_bare", targets="boxes")
