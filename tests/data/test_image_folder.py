import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load, plain_batches

X = np.random.default_rng(0).integers(0, 256, (6, 5, 7, 3), "uint8")


def save(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i}.png")


def arrays(data, split="train"):
    images, targets = zip(*plain_batches(data, split, 4).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(targets)


@pytest.mark.parametrize("memory", [0.25, 0])
@pytest.mark.parametrize("sides", [("input", "target"), ("noisy", "clean"), ("low", "high")])
def test_pairs_of_images_are_matched_by_name(tmp_path, sides, memory):
    save(tmp_path / sides[0], X[..., 0])
    save(tmp_path / sides[1], X)
    data = load(tmp_path, targets="images", memory=memory, validation=0.5)
    assert (data.image_shape, data.channels, data.train_size, data.validation_size) == ((5, 7, 1), 3, 3, 3)
    for split in ("train", "validation"):
        images, targets = arrays(data, split)
        np.testing.assert_array_equal(images[..., 0], targets[..., 0])
    assert load(tmp_path, targets="images", color="grey", image_size=4).channels == 1


def test_pairs_of_other_sizes_and_without_a_partner_are_named(tmp_path):
    save(tmp_path / "inputs", X)
    save(tmp_path / "targets", [*X[:4], X[4][:4]])
    with pytest.raises(ValueError, match="2 bad files") as caught:
        load(tmp_path, targets="images")
    assert "targets/4.png (4 x 7 pixels, its image 5 x 7)" in str(caught.value)
    assert "inputs/5.png (no file of its name in targets)" in str(caught.value)
    assert load(tmp_path, targets="images", skip_bad=True, validation=0.25).train_size == 3


@pytest.mark.parametrize("memory", [0.25, 0])
def test_images_without_partners_are_their_own_targets(tmp_path, memory):
    for split, count in (("train", 4), ("val", 2)):
        save(tmp_path / split / "cats", X[:count])
    data = load(tmp_path, targets="images", memory=memory)
    assert (data.train_size, data.validation_size, data.name) == (4, 2, tmp_path.name)
    for split in ("train", "validation"):
        images, targets = arrays(data, split)
        np.testing.assert_array_equal(images, targets)
    assert bytes(arrays(data)[0][1]) == bytes(X[1])


def test_a_flat_folder_of_images_and_one_without(tmp_path):
    save(tmp_path / "photos", X)
    data = load(tmp_path / "photos", targets="images")
    assert data.train_size == 5
    (tmp_path / "photos" / "0.png").write_text("no image")
    with pytest.raises(ValueError, match=r"1 bad files in .*0.png \(not an image\)"):
        load(tmp_path / "photos", targets="images")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="be a folder with images in it.*'input' and 'target'"):
        load(tmp_path / "empty", targets="images")
