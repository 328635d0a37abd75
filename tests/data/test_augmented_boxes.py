import numpy as np
import pytest

from kerascnn.augmentation import Brightness, Mosaic, Pipeline, RandomFlip, Shift, named
from kerascnn.data import Data, batches, load


def painted(n=12, size=(16, 24), most=3, targets="boxes"):
    """Images with up to three bright rectangles on black, the levels 100, 150 and 200 their classes."""
    rng = np.random.default_rng(0)
    images, boxes = np.zeros((n, *size, 1), np.uint8), []
    for i in range(n):
        rows = []
        for k in range(most if targets == "boxes" else 1):
            left, top = 8 * k + rng.integers(0, 3), rng.integers(0, 9)
            right, bottom = left + rng.integers(2, 5), top + rng.integers(2, 7)
            label = (i + k) % 3
            images[i, top:bottom, left:right] = 100 + 50 * label
            rows.append([left, top, right, bottom, label])
        boxes.append(rows[: 1 + i % most] if targets == "boxes" else rows)
        for left, top, right, bottom, _ in rows[len(boxes[-1]) :]:
            images[i, top:bottom, left:right] = 0
    pair = images, boxes
    return load((pair, pair), targets=targets)


def check(image, rows):
    """Whether each row's box holds its class' level and nothing else, and all of it is in boxes."""
    rest = image[..., 0].copy()
    for left, top, right, bottom, label in rows[rows[:, 4] >= 0].astype(int):
        assert (image[top:bottom, left:right] == 100 + 50 * label).all()
        rest[top:bottom, left:right] = 0
    assert (rest == 0).all()


def test_boxes_follow_their_pixels_and_stand_first():
    data = painted()
    pipeline = named(Pipeline(RandomFlip("horizontal"), RandomFlip("vertical"), border="zero"), data, job="detect")
    dataset = batches(data, "train", 4, augment=pipeline, epochs=(0, 2))
    assert dataset.element_spec[1].shape == (4, 3, 5) and dataset.element_spec[1].dtype == "float32"
    for images, targets in dataset.as_numpy_iterator():
        for image, rows in zip(images, targets, strict=True):
            check(image, rows)


def test_what_leaves_the_image_is_gone_and_the_others_move_up():
    data = painted()
    moved = Pipeline(Shift((-0.34, -0.34), axes="x"), border="zero", min_visible=0)  # by 8 of 24 pixels to the left
    plain, shifted = (list(batches(data, "train", 5, augment=each).as_numpy_iterator()) for each in (None, moved))
    for (_, before), (_, after) in zip(plain, shifted, strict=True):
        for old, new in zip(before, after, strict=True):
            there = old[old[:, 4] >= 0] - [8, 0, 8, 0, 0]
            there = there[there[:, 2] > 0]
            assert new[: len(there)].tolist() == there.tolist()
            assert new[len(there) :].tolist() == [[0, 0, 0, 0, -1]] * (3 - len(there))


def test_a_mosaic_keeps_twice_the_rows():
    data = painted(24)
    pipeline = named(Pipeline(Mosaic(min_visible=0)), data, job="detect")
    dataset = batches(data, "train", 8, augment=pipeline, epochs=(0, 2))
    assert dataset.element_spec[1].shape == (8, 6, 5)
    counts = []
    for images, targets in dataset.as_numpy_iterator():
        for image, rows in zip(images, targets, strict=True):
            there = rows[:, 4] >= 0
            counts.append(there.sum())
            assert (np.diff(there.astype(int)) <= 0).all()
            if counts[-1] < 6:  # all that it shows
                check(image, rows)
    assert max(counts) > 3


def test_what_counts_neither_way_is_none_after_augmentation():
    x = np.zeros((8, 8, 8, 1), np.uint8)
    boxes = np.tile(np.float32([[[0, 0, 2, 2, -2], [1, 1, 4, 4, 0]]]), (8, 1, 1))
    data = load((x, boxes), targets="boxes")
    (_, plain), (_, changed) = (
        next(iter(batches(data, "train", 4, augment=each))) for each in (None, Pipeline(Brightness(0.1)))
    )
    assert plain.numpy()[:, :, 4].tolist() == [[-2, 0]] * 4
    assert changed.numpy().tolist() == [[[1, 1, 4, 4, 0], [0, 0, 0, 0, -1]]] * 4


def test_a_single_object_never_leaves_its_image():
    data = painted(targets="box")
    pipeline = Pipeline(Shift(0.9), border="zero", min_visible=1.0)
    plain, shifted = (list(batches(data, "train", 5, augment=each).as_numpy_iterator()) for each in (None, pipeline))
    stayed = 0
    for (images, rows), (others, changed) in zip(plain, shifted, strict=True):
        assert others.dtype == np.uint8 and changed.shape == (5, 5)
        for i in range(5):
            check(others[i], changed[i : i + 1])
            stayed += (images[i] == others[i]).all() and (rows[i] == changed[i]).all()
    assert 0 < stayed < 10  # they moved, or stayed as they were
    with pytest.raises(ValueError, match="`augment` must make each image from one, as there is one object in each"):
        batches(data, "train", 5, augment=Pipeline(Mosaic()))


def test_class_weights_are_refused():
    with pytest.raises(ValueError, match="`class_weight` must be None unless each image or pixel is of one class"):
        batches(painted(), "train", 4, class_weight={0: 2.0})


def test_a_stream_without_random_access_works_too():
    data = painted()
    data = Data(data.train, data.validation, class_names=data.class_names, targets="boxes")
    assert data.object_counts == painted().object_counts
    for images, targets in batches(data, "train", 4, augment=Pipeline(RandomFlip())).as_numpy_iterator():
        for image, rows in zip(images, targets, strict=True):
            check(image, rows)
