import numpy as np
import pytest
import tensorflow_datasets as tfds

from kerascnn.data import load, plain_batches


class KerascnnPets(tfds.core.GeneratorBasedBuilder):
    """Images with masks of values 1 to 3, in the form of oxford_iiit_pet."""

    VERSION = tfds.core.Version("1.0.0")
    SPLITS = {"train": 10, "test": 3}
    VALUES = (1, 2, 3)
    MORE = 0  # rows that a mask has above its image

    def _info(self):
        features = {
            "image": tfds.features.Image(),
            "label": tfds.features.ClassLabel(names=["cat", "dog"]),
            "segmentation_mask": tfds.features.Image(shape=(None, None, 1), use_colormap=True),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(count) for split, count in self.SPLITS.items()}

    def _generate_examples(self, count):
        for i in range(count):
            size = (8 + 8 * (i % 2), 16)
            mask = np.full((size[0] + self.MORE, 16, 1), self.VALUES[0], np.uint8)
            mask[2], mask[-1] = self.VALUES[1:]
            yield i, {"image": np.full((*size, 3), 10 * i, np.uint8), "label": i % 2, "segmentation_mask": mask}


class KerascnnOdd(KerascnnPets):
    """Masks of values that are no classes."""

    VALUES = (0, 38, 75)


class KerascnnLarger(KerascnnPets):
    """Masks of other sizes than their images."""

    MORE = 1


@pytest.fixture(autouse=True, scope="module")
def tfds_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (KerascnnPets, KerascnnOdd, KerascnnLarger):
        builder(data_dir=folder).download_and_prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(folder))
        yield folder


def examples(data, split):
    return list(plain_batches(data, split, 4).unbatch().as_numpy_iterator())


@pytest.mark.parametrize("memory", [0.25, 0])
def test_masks_of_a_catalogue_are_counted_from_0(memory):
    data = load("kerascnn_pets", targets="masks", memory=memory, validation=0.2, image_size=8)
    assert (data.train_size, data.validation_size, data.test_size) == (8, 2, 3)
    assert (data.class_names, data.image_shape, data.targets) == (("0", "1", "2"), (8, 8, 3), "masks")
    assert data.report["mask_values"] == "1 to 3 became classes 0 to 2" and data.report["in_memory"] == (memory > 0)
    seen = [pair for split in ("train", "validation") for pair in examples(data, split)]
    assert sorted(int(image[0, 0, 0]) for image, _ in seen) == list(range(0, 100, 10))
    for image, mask in seen:
        high = image[0, 0, 0] % 20 == 10  # of 16 rows, of which every second is taken
        assert mask[:, 0].tolist() == ([0] * 7 + [2] if high else [0, 0, 1, 0, 0, 0, 0, 2])
    tall = sum(int(image[0, 0, 0]) % 20 == 10 for image, _ in examples(data, "train"))
    short = 8 - tall
    assert data.class_pixels == (16 * (14 * tall + 6 * short), 16 * 8, 16 * 8)  # before resizing


def test_streaming_and_memory_hold_out_the_same_images():
    held = [examples(load("kerascnn_pets", targets="masks", memory=m, seed=4), "validation") for m in (0, 0.25)]
    for one, other in zip(*held, strict=True):
        assert bytes(one[0]) == bytes(other[0]) and bytes(one[1]) == bytes(other[1])


def test_ignore_and_class_values_say_more():
    data = load("kerascnn_pets", targets="masks", ignore=3, class_names=("pet", "ground"))
    assert data.classes == 2 and set(np.unique([mask for _, mask in examples(data, "test")])) == {0, 1, 255}
    with pytest.raises(ValueError, match=r"0, 38, 75, 38 for one in train\[0\]'. Pass class_values=\(0, 38, 75\)"):
        load("kerascnn_odd", targets="masks")
    assert load("kerascnn_odd", targets="masks", class_values=(0, 38, 75)).classes == 3


def test_what_has_no_fitting_masks_is_refused():
    with pytest.raises(
        ValueError, match=r"`masks of train` must have the size of their images. .*\(9, 16\), \(8, 16\)"
    ):
        load("kerascnn_larger", targets="masks")


def test_labels_and_images_of_the_same_set():
    assert load("kerascnn_pets", image_size=8).class_names == ("cat", "dog")
    own = load("kerascnn_pets", targets="images", image_size=8)
    assert own.targets == "images" and own.train_size == 8
    assert all((image == target).all() for image, target in examples(own, "train"))
