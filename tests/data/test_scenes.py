import numpy as np
import pytest

from kerascnn.augmentation import auto
from kerascnn.data import Scenes, batches, load, plain_batches
from kerascnn.data.sources import Made


@pytest.fixture(scope="module")
def data():
    return load("scenes", targets="masks")


def drawn(data, split, count=60):
    return [data.sources[split].make.scenes.draw(i) for i in range(count)]


def test_scenes_have_their_sizes_and_classes(data):
    assert (data.train_size, data.validation_size, data.test_size) == (4000, 500, 500)
    assert data.class_names == ("background", *"0123456789") and data.image_shape == (64, 64, 3)
    assert data.name == "scenes" and not data.multi_label and isinstance(data.sources["train"], Made)
    for images, masks in batches(data, "train", 8):
        assert images.shape == (8, 64, 64, 3) and masks.shape == (8, 64, 64) and masks.dtype == "uint8"
        break
    scene = data.sources["validation"].make.scenes.draw(3)
    image, mask = next(iter(plain_batches(data, "validation", 4).unbatch().skip(3).as_numpy_iterator()))
    np.testing.assert_array_equal(image, scene.image)
    np.testing.assert_array_equal(mask, scene.mask)


def test_boxes_hold_their_objects_and_hardly_overlap(data):
    counts = []
    for scene in drawn(data, "train"):
        boxes, labels = scene.boxes.astype(int), scene.labels
        there = labels >= 0
        counts.append(there.sum())
        assert (boxes[~there] == 0).all() and (np.diff(there.astype(int)) <= 0).all()
        outside = scene.mask.copy()
        for (left, top, right, bottom), label in zip(boxes[there], labels[there], strict=True):
            assert 0 <= left < right <= 64 and 0 <= top < bottom <= 64 and max(right - left, bottom - top) <= 35
            inside = scene.mask[top:bottom, left:right] == 1 + label
            assert inside.sum() > 20
            outside[top:bottom, left:right] = 0
        assert (outside == 0).all()
        if there.sum() == 1:  # nothing hides it, so that its box is tight
            rows, columns = np.nonzero(scene.mask)
            assert boxes[0].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert set(counts) == {1, 2, 3, 4, 5}


def test_objects_stand_out_from_their_ground(data):
    apart = []
    for scene in drawn(data, "train", 30):
        top, left, bottom, right = (int(scene.boxes[0, i]) for i in (1, 0, 3, 2))
        window = scene.image[top:bottom, left:right].astype(float)
        inside = scene.mask[top:bottom, left:right] > 0
        apart.append(np.abs(window[inside].mean(axis=0) - window[~inside].mean(axis=0)).mean())
    assert np.median(apart) > 30


def test_a_scene_depends_on_seed_split_and_index_alone(data):
    again = load("scenes", targets="masks")
    other = load("scenes", targets="masks", seed=1)
    for split in ("train", "validation", "test"):
        one, two, three = (drawn(each, split, 5) for each in (data, again, other))
        assert all(bytes(a.image) == bytes(b.image) for a, b in zip(one, two, strict=True))
        same = all(bytes(a.image) == bytes(b.image) for a, b in zip(one, three, strict=True))
        assert same == (split == "test")
    images = [bytes(scene.image) for split in ("train", "validation", "test") for scene in drawn(data, split, 20)]
    assert len(set(images)) == 60


def test_splits_take_their_objects_from_other_originals(data):
    originals = [
        {bytes(image) for image in data.sources[split].make.scenes.images} for split in ("train", "validation", "test")
    ]
    digits = load("digits")
    assert [len(data.sources[split].make.scenes.images) for split in ("train", "validation", "test")] == [
        1259,
        179,
        359,
    ]
    assert len(originals[0] & originals[2]) <= 2  # two drawings may be alike by chance
    images = np.concatenate([images for images, _ in plain_batches(digits, "test", 400)])
    np.testing.assert_array_equal(data.sources["test"].make.scenes.images, images[..., 0])


def test_other_sizes_grey_and_images_alone():
    grey = load("scenes", targets="masks", image_size=(48, 80), color="grey")
    assert grey.image_shape == (48, 80, 1) and grey.train.element_spec[1].shape == (48, 80)
    own = load("scenes", targets="images")
    assert own.targets == "images" and own.channels == 3 and own.name == "scenes"
    with pytest.raises(ValueError, match="Scenes have masks: pass targets='masks'"):
        load("scenes")
    with pytest.raises(ValueError, match="`image_size` must be 40 or more for scenes"):
        load("scenes", targets="masks", image_size=32)


def test_any_grey_originals_do():
    images = np.zeros((2, 10, 6), np.uint8)
    images[0, :, :3], images[1, 2:8] = 255, 200
    scene = Scenes(images, np.array([4, 7]), (40, 50), (1, 2)).draw(9)
    assert scene.image.shape == (40, 50, 3) and set(scene.labels[scene.labels >= 0]) <= {4, 7}
    assert set(np.unique(scene.mask)) <= {0, 5, 8}


def test_scenes_are_never_mirrored(data):
    assert [type(each).__name__ for each in auto(data, 20, "segment").transforms] == [
        "Zoom",
        "Shift",
        "Brightness",
        "Contrast",
    ]
    assert [type(each).__name__ for each in auto(data, 20, "denoise").transforms] == ["Shift"]


def test_boxes_of_scenes_are_those_drawn(data):
    boxes = load("scenes", targets="boxes")
    assert boxes.class_names == tuple("0123456789") and boxes.targets == "boxes"
    image, rows = next(iter(plain_batches(boxes, "validation", 4).unbatch().skip(3).as_numpy_iterator()))
    scene = data.sources["validation"].make.scenes.draw(3)  # the same as with masks
    np.testing.assert_array_equal(image, scene.image)
    assert rows.dtype == np.float32 and rows.shape == (5, 5)
    np.testing.assert_array_equal(rows[:, :4], scene.boxes)
    np.testing.assert_array_equal(rows[:, 4], scene.labels)


def test_scenes_of_one_object():
    single = load("scenes", targets="box", image_size=48)
    assert single.train.element_spec[1].shape == (5,) and single.image_shape == (48, 48, 3)
    for scene in drawn(single, "train", 40):
        assert scene.labels.shape == (1,) and scene.labels[0] >= 0
        rows, columns = np.nonzero(scene.mask)
        assert scene.boxes[0].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    images = np.zeros((3, 10, 10), np.uint8)
    images[2, 2:8, 2:8] = 255  # the others show nothing
    assert {int(Scenes(images, np.arange(3), most=1).draw(i).labels[0]) for i in range(20)} == {2}


def test_boxes_of_scenes_move_without_a_mirror():
    boxes = load("scenes", targets="boxes")
    pipeline = auto(boxes, 20, "detect")
    assert [type(each).__name__ for each in pipeline.transforms] == ["Zoom", "Shift", "Brightness", "Contrast"]
    assert pipeline.border == "zero" and auto(boxes, 20, "localize").min_visible == 0.5
