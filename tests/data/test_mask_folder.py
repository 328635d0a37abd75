import shutil

import numpy as np
import pytest
from PIL import Image

from kerascnn.augmentation import Pipeline, RandomFlip
from kerascnn.data import batches, load, plain_batches


def picture(number, size=(6, 8)):
    """An image whose left part is bright and whose other pixels say its number, and the mask of that part."""
    mask = np.zeros(size, np.uint8)
    mask[:, : 1 + number % 5] = 1
    return np.where(mask, 200, number)[..., None].repeat(3, axis=2).astype(np.uint8), mask


def fill(root, count=8, values=(0, 1), sides=("images", "masks"), size=(6, 8), ending=""):
    for side in sides:
        (root / side).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        image, mask = picture(i, size)
        Image.fromarray(image).save(root / sides[0] / f"{i:02}.png")
        Image.fromarray(np.array(values, np.uint8)[mask]).save(root / sides[1] / f"{i:02}{ending}.png")
    return root


def examples(data, split):
    return [pair for batch in plain_batches(data, split, 3).as_numpy_iterator() for pair in zip(*batch, strict=True)]


@pytest.mark.parametrize("memory", [0.25, 0])
def test_images_and_masks_are_matched_by_name(tmp_path, memory):
    data = load(fill(tmp_path), targets="masks", memory=memory)
    assert (data.targets, data.class_names, data.image_shape, data.multi_label) == (
        "masks",
        ("0", "1"),
        (6, 8, 3),
        False,
    )
    assert (data.train_size, data.validation_size, data.test) == (7, 1, None)
    assert data.report["in_memory"] == (memory > 0)
    seen = examples(data, "train") + examples(data, "validation")
    assert sorted(int(image[0, -1, 0]) for image, _ in seen) == list(range(8))
    for image, mask in seen:
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask, picture(image[0, -1, 0])[1])


def test_streaming_gives_the_very_batches_of_memory(tmp_path):
    fill(tmp_path)

    def seen(memory):
        data = load(tmp_path, targets="masks", memory=memory, image_size=(5, 7), resize="letterbox")
        pipeline = Pipeline(RandomFlip()).checked(data, ("segmentation_masks",))
        return [part for batch in batches(data, "train", 2, seed=3, epochs=(0, 2), augment=pipeline) for part in batch]

    for one, other in zip(seen(0), seen(0.25), strict=True):
        assert one.shape == other.shape and one.shape[0] == 2
        np.testing.assert_array_equal(one, other)


def test_split_folders_and_names_with_an_ending(tmp_path):
    for split, count in (("train", 4), ("val", 2), ("test", 1)):
        fill(tmp_path / split, count, sides=("Image", "Label"), ending="_mask")
    data = load(str(tmp_path), targets="masks")
    assert (data.train_size, data.validation_size, data.test_size) == (4, 2, 1)


def test_a_test_folder_without_masks_is_left_out(tmp_path):
    fill(tmp_path / "train")
    (tmp_path / "test" / "images").mkdir(parents=True)
    with pytest.warns(UserWarning, match="The test folder of .* has no masks and is left out"):
        assert load(tmp_path, targets="masks").test is None


def test_two_values_0_and_255_are_two_classes_and_the_report_says_so(tmp_path):
    data = load(fill(tmp_path, values=(0, 255)), targets="masks")
    assert data.class_names == ("background", "foreground")
    assert data.report["mask_values"] == "0 and 255 became classes 0 and 1"
    assert set(np.unique([mask for _, mask in examples(data, "train")])) == {0, 1}
    named = load(tmp_path, targets="masks", class_names=("membrane", "cell"))
    assert named.class_names == ("membrane", "cell")


def test_class_values_and_ignore_say_what_values_mean(tmp_path):
    fill(tmp_path, values=(38, 75))
    with pytest.raises(ValueError, match=r"38, 75, 38 for one in masks/00.png'. Pass class_values=\(38, 75\)"):
        load(tmp_path, targets="masks")
    mask = np.full((6, 8), 38, np.uint8)
    mask[0], mask[1] = 9, 75
    Image.fromarray(mask).save(tmp_path / "masks" / "00.png")
    data = load(tmp_path, targets="masks", class_values=(75, 38), ignore=9, validation=0.5)
    seen = {int(image[-1, -1, 0]): mask for split in ("train", "validation") for image, mask in examples(data, split)}
    assert seen[0].tolist() == [[255] * 8, [0] * 8, *[[1] * 8] * 4]
    np.testing.assert_array_equal(seen[3], 1 - picture(3)[1])


def test_class_pixels_are_those_of_the_training_split(tmp_path):
    for split, count in (("train", 3), ("validation", 2)):
        fill(tmp_path / split, count)
    data = load(tmp_path, targets="masks")
    assert data.class_pixels == (3 * 48 - 6 * (1 + 2 + 3), 6 * (1 + 2 + 3))
    assert load(tmp_path, targets="masks", image_size=3).class_pixels == data.class_pixels  # before resizing
    assert data.facts == [tmp_path.name, [6, 8, 3], ["0", "1"], list(data.class_pixels), 2]
    with pytest.raises(ValueError, match="`targets` must be 'labels' for this. Received: targets='masks'"):
        _ = data.class_counts
    with pytest.raises(ValueError, match="`targets` must be 'labels'"):
        data.labels("train")


@pytest.mark.parametrize("memory", [0.25, 0])
def test_masks_of_each_class_in_folders_are_multi_label(tmp_path, memory):
    fill(tmp_path, sides=("images", "masks/one"))
    (tmp_path / "masks" / "two").mkdir()
    for i in range(8):
        Image.fromarray(np.full((6, 8), 100 * (i > 2), np.uint8)).save(tmp_path / "masks" / "two" / f"{i:02}.png")
    data = load(tmp_path, targets="masks", memory=memory, validation=0.25)
    assert data.multi_label and data.class_names == ("one", "two")
    assert data.train.element_spec[1].shape == (6, 8, 2)
    seen = examples(data, "train")
    for image, mask in seen:
        np.testing.assert_array_equal(mask[..., 0], picture(image[0, -1, 0])[1])
        assert (mask[..., 1] == (image[0, -1, 0] > 2)).all()
    assert data.class_pixels == tuple(sum(mask for _, mask in seen).sum(axis=(0, 1)))
    (tmp_path / "masks" / "two" / "03.png").unlink()
    with pytest.raises(ValueError, match=r"1 bad files in .*images/03.png \(no file of its name in two\)"):
        load(tmp_path, targets="masks")


def test_folders_of_images_and_masks_alike_are_no_classes(tmp_path):
    fill(tmp_path, sides=("images/street", "masks/street"))
    data = load(tmp_path, targets="masks")
    assert not data.multi_label and data.train_size == 7


def test_all_that_is_wrong_is_named_in_one_error_or_skipped(tmp_path):
    fill(tmp_path, 12)
    (tmp_path / "masks" / "01.png").unlink()
    (tmp_path / "images" / "02.png").unlink()
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(tmp_path / "masks" / "03.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (6, 8, 3), "uint8")).save(tmp_path / "masks" / "04.png")
    (tmp_path / "images" / "05.png").write_text("no image")
    shutil.copy(tmp_path / "images" / "06.png", tmp_path / "images" / "06.bmp")
    with pytest.raises(
        ValueError, match="`data` must hold whole pairs of images and masks. Received: 6 bad files"
    ) as caught:
        load(tmp_path, targets="masks")
    for text in (
        "images/01.png (no file of its name in masks)",
        "masks/02.png (no file of its name in images)",
        "masks/03.png (6 x 9 pixels, its image 6 x 8)",
        "masks/04.png (in colour; save it grey or with a palette, its values the classes)",
        "images/05.png (not an image)",
        "images/06.png (the same name as 06.bmp)",
        "skip_bad=True",
    ):
        assert text in str(caught.value)
    data = load(tmp_path, targets="masks", skip_bad=True)
    assert data.train_size + data.validation_size == 7 and len(data.report["skipped"]) == 6


def test_jpeg_masks_are_warned_of_and_their_nearest_class_is_taken(tmp_path):
    fill(tmp_path, 3, values=(0, 255), size=(64, 64))
    for i in range(3):
        mask = np.kron(np.eye(4) > 0, np.ones((16, 16))).astype(np.uint8) * 255
        mask[:, ::5] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{i:02}.jpg", quality=40)
        (tmp_path / "masks" / f"{i:02}.png").unlink()
    with (
        pytest.warns(UserWarning, match="3 of 3 masks are JPEG files"),
        pytest.raises(ValueError, match="JPEG blurs values"),
    ):
        load(tmp_path, targets="masks")
    with pytest.warns(UserWarning, match="3 of 3 masks are JPEG files"):
        data = load(tmp_path, targets="masks", class_values=(0, 255))
    for _, found in examples(data, "train"):
        np.testing.assert_array_equal(found, mask // 255)


def test_a_class_without_a_pixel_is_an_error_in_training_and_a_warning_elsewhere(tmp_path):
    fill(tmp_path / "train", 3)
    fill(tmp_path / "val", 2, values=(0, 2))
    with pytest.raises(ValueError, match="have training pixels of every class. Received: data=\"none of 'c'\""):
        load(tmp_path, targets="masks", class_names=("a", "b", "c"))
    fill(tmp_path / "train", 3, values=(2, 1))
    Image.fromarray(np.eye(6, 8, dtype=np.uint8)).save(tmp_path / "train" / "masks" / "00.png")
    with pytest.warns(UserWarning, match="1 of 3 classes without a pixel in the validation split: 'b'"):
        load(tmp_path, targets="masks", class_names=("a", "b", "c"))


def test_blank_masks_are_counted(tmp_path):
    fill(tmp_path, 10)
    for i in range(2):
        Image.fromarray(np.zeros((6, 8), np.uint8)).save(tmp_path / "masks" / f"{i:02}.png")
    with pytest.warns(UserWarning, match="2 of 10 masks are blank: they show nothing but '0'"):
        assert load(tmp_path, targets="masks").report["blank"] == 2


def test_images_of_several_sizes_are_brought_to_one_with_their_masks(tmp_path):
    fill(tmp_path, 3, size=(20, 16))
    fill(tmp_path / "more", 3, size=(30, 16))
    for side in ("images", "masks"):
        for i in range(3):
            shutil.move(tmp_path / "more" / side / f"{i:02}.png", tmp_path / side / f"1{i}.png")
    data = load(tmp_path, targets="masks", image_size=16, resize="letterbox")
    assert data.image_shape == (16, 16, 3) and data.report["resized"] == 6
    for image, mask in examples(data, "train"):
        margin = (image == 0).all(axis=(0, 2)) & (mask == 255).all(axis=0)
        assert margin.sum() in (3, 7) and (mask[:, ~margin] < 2).all()  # 20 x 16 becomes 16 x 13, 30 x 16 16 x 9
    assert load(tmp_path, targets="masks").image_shape == (24, 16, 3)


@pytest.mark.parametrize("sides", [("pictures", "masks"), ("images", "classes")])
def test_a_folder_without_both_sides_is_refused(tmp_path, sides):
    with pytest.raises(ValueError, match="sub-folders of images and of their masks.*Call them 'images'.*'masks'"):
        load(fill(tmp_path, sides=sides), targets="masks")


def test_a_folder_that_is_no_split_is_named(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "vali")
    with pytest.raises(ValueError, match=r"\['vali'\] are no splits"):
        load(tmp_path, targets="masks")
