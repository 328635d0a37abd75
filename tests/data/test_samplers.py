import dataclasses

import numpy as np
import pytest

from kerascnn.augmentation import MixUp, Pipeline
from kerascnn.data import Balanced, ClassBatches, Data, ViewBatches, batches, load, steps_per_epoch

COUNTS = (9, 6, 4, 7, 2, 1)  # images of each class
pytestmark = pytest.mark.filterwarnings("ignore:.* one training image only")
GROUPS = (0, 1, 0, 1, 0, 1)


def numbered(counts=COUNTS, groups=()):
    """Images that say their own number in their first pixel, classes mixed."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    x = np.zeros((len(y), 2, 2, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(len(y))
    data = load(((x, y), (x, y)))
    return dataclasses.replace(data, groups=groups)


def streamed(counts=COUNTS):
    data = numbered(counts)
    return Data(data.train, data.validation, class_names=data.class_names)


def keep_indices(images, indices, epoch, seed):
    """An augmentation that writes the index that it gets into the image."""
    import tensorflow as tf

    return tf.cast(indices[:, None, None, None], tf.int32) + tf.zeros((1, 2, 2, 1), tf.int32)


def drawn(data, sampler, batch_size=None, **options):
    """Numbers, labels and indices of all batches."""
    plain = list(batches(data, "train", batch_size, sampler=sampler, **options).as_numpy_iterator())
    indexed = batches(data, "train", batch_size, sampler=sampler, augment=keep_indices, **options)
    indices = [images[:, 0, 0, 0] for images, _ in indexed.as_numpy_iterator()]
    return [(images[:, 0, 0, 0], labels, found) for (images, labels), found in zip(plain, indices, strict=True)]


@pytest.mark.parametrize("make", [numbered, streamed])
def test_a_batch_has_its_classes_with_their_images(make):
    data = make()
    labels = data.labels("train")
    seen = drawn(data, ClassBatches(4, 3), epochs=(0, 20))
    assert len(seen) == 20 * (29 // 12) == 20 * steps_per_epoch(data, None, ClassBatches(4, 3))
    for numbers, targets, indices in seen:
        assert (labels[numbers] == targets).all() and (indices % 29 == numbers).all()
        assert len(set(indices)) == 12
        rows = targets.reshape(4, 3)
        assert (rows == rows[:, :1]).all() and len(set(rows[:, 0])) == 4
        for label, images in zip(rows[:, 0], numbers.reshape(4, 3), strict=True):
            assert len(set(images)) == min(3, COUNTS[label])  # the same image again only where there are too few


def test_classes_and_images_come_evenly():
    data = numbered((8, 4, 4, 8, 16, 4))
    seen = drawn(data, ClassBatches(3, 4), epochs=(0, 16))  # 3 steps an epoch: 48 steps, 24 times through 6 classes
    targets = np.concatenate([targets for _, targets, _ in seen])
    numbers = np.concatenate([numbers for numbers, _, _ in seen])
    assert np.bincount(targets).tolist() == [24 * 4] * 6
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        assert set(first[1]) | set(second[1]) == set(range(6))
    for label, count in enumerate((8, 4, 4, 8, 16, 4)):
        of_class = numbers[targets == label].reshape(-1, count)  # each row once through the images of the class
        assert all(len(set(row)) == count for row in of_class)
        assert count == 4 or len({tuple(row) for row in of_class.tolist()}) > 1


def test_an_image_never_has_an_index_twice():
    indices = np.concatenate([found for _, _, found in drawn(numbered(), ClassBatches(3, 4), epochs=(0, 40))])
    assert len(set(indices)) == len(indices)
    balanced = np.concatenate([found for _, _, found in drawn(numbered(), Balanced(), 8, epochs=(0, 40))])
    assert len(set(balanced)) == len(balanced)


@pytest.mark.parametrize("make", [numbered, streamed])
@pytest.mark.parametrize("sampler", [ClassBatches(4, 3), Balanced(), ViewBatches(6)])
def test_a_later_start_gives_what_would_have_come_and_the_seed_counts(make, sampler):
    whole = drawn(make(), sampler, 12, seed=4, epochs=(0, 5))
    later = drawn(make(), sampler, 12, seed=4, epochs=(3, 5))
    np.testing.assert_array_equal(later, whole[-len(later) :])
    assert len(later) == 2 * steps_per_epoch(make(), 12, sampler)
    assert not np.array_equal(drawn(make(), sampler, 12, seed=5, epochs=(0, 5)), whole)
    assert not np.array_equal(whole[: len(later)], later)


def test_classes_of_a_batch_are_of_one_group():
    data = numbered((4,) * 7, groups=(0, 1, 0, 1, 0, 1, 0))
    seen = drawn(data, ClassBatches(2, 2, within_groups=True), epochs=(0, 60))
    groups = [{data.groups[label] for label in targets} for _, targets, _ in seen]
    assert all(len(group) == 1 for group in groups)
    assert len(seen) == 420  # groups of 4 and 3 classes fill 2 and 1 batches: 140 times both
    assert sum(group == {0} for group in groups) == 280
    counts = np.bincount(np.concatenate([targets for _, targets, _ in seen]))
    assert counts[::2].tolist() == [280] * 4 and counts[1::2].sum() == 560
    assert abs(counts[1::2] - 560 / 3).max() < 50  # of three classes two each time: standard deviation about 11


def test_balanced_batches_have_every_class_equally_often():
    seen = drawn(numbered(), Balanced(), 6, epochs=(0, 9))
    assert len(seen) == 9 * (29 // 6)
    for _, targets, _ in seen:
        assert sorted(targets) == list(range(6))
    numbers = np.concatenate([numbers for numbers, _, _ in seen])
    labels = numbered().labels("train")
    for label, count in enumerate(COUNTS):
        times = np.bincount(numbers[labels[numbers] == label], minlength=29)[labels == label]
        assert times.max() - times.min() <= 1 and times.sum() == 36 and len(times) == count


def test_classes_of_a_stream_come_evenly_too():
    targets = np.concatenate([targets for _, targets, _ in drawn(streamed(), Balanced(), 6, epochs=(0, 9))])
    assert np.bincount(targets).tolist() == [36] * 6


def test_a_stream_larger_than_the_buffer_goes_by_windows(monkeypatch):
    monkeypatch.setattr("kerascnn.data.streaming.BUFFER_BYTES", 2 * 24 * 4)  # windows of 24 images
    data = streamed((12,) * 5)
    seen = drawn(data, ClassBatches(2, 3), epochs=(0, 8))
    assert len(seen) == 80
    for numbers, targets, indices in seen:
        rows = targets.reshape(2, 3)
        assert (rows == rows[:, :1]).all() and rows[0, 0] != rows[1, 0] and (indices % 60 == numbers).all()
        assert len(set(indices)) == 6
    assert set(np.concatenate([numbers for numbers, _, _ in seen])) == set(range(60))


@pytest.mark.parametrize("make", [numbered, streamed])
def test_views_are_of_the_same_images_under_other_indices(make):
    seen = drawn(make(), ViewBatches(images=5, views=3), epochs=(0, 2))
    assert len(seen) == 2 * (29 // 5)
    for numbers, targets, indices in seen:
        assert targets.tolist() == [0, 1, 2, 3, 4] * 3 and targets.dtype == np.int32
        assert (numbers.reshape(3, 5) == numbers[:5]).all() and len(set(numbers)) == 5
        assert len(set(indices)) == 15 and (indices % 29 == numbers).all()
    first = np.concatenate([numbers[:5] for numbers, _, _ in seen[:5]])
    assert len(set(first)) == 25


def test_views_need_no_labels():
    x = np.arange(12, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 4, 4, 1), np.uint8)
    data = load(x, targets="images", validation=0.25)
    for images, targets in batches(data, "train", None, sampler=ViewBatches(4)).as_numpy_iterator():
        assert images.shape == (8, 4, 4, 1) and targets.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
        assert (images[:4] == images[4:]).all()


def test_augmentation_differs_between_repeats_of_an_image():
    from kerascnn.augmentation import Shift

    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), "uint8")
    data = load(((x, [0, 1]), (x, [0, 1])))
    augment = Pipeline(Shift(0.3))
    (images, targets), *_ = batches(data, "train", None, sampler=ClassBatches(2, 4), augment=augment)
    assert targets.numpy().reshape(2, 4).tolist() in ([[0] * 4, [1] * 4], [[1] * 4, [0] * 4])
    assert len({image.tobytes() for image in images.numpy()}) == 8


def test_shapes_are_static_and_the_number_of_batches_known():
    for data in (numbered(), streamed()):
        for sampler in (ClassBatches(4, 3), Balanced(), ViewBatches(6)):
            dataset = batches(data, "train", 12, sampler=sampler, epochs=(1, 3))
            assert dataset.element_spec[0].shape == (12, 2, 2, 1) and dataset.element_spec[1].shape == (12,)
            assert dataset.cardinality() == 2 * steps_per_epoch(data, 12, sampler)


@pytest.mark.parametrize(
    ("sampler", "options", "words"),
    [
        (ClassBatches(7, 2), {}, "`classes` must be at most 6, the classes with images. Received: classes=7. Pass cl"),
        (ClassBatches(2, 2, within_groups=True), {}, "`within_groups` must be False for data without groups.*nested="),
        (
            ClassBatches(2, 2),
            {"batch_size": 5},
            "`batch_size` must be 4, 2 classes of 2 images.*batch_size=5",
        ),
        (ViewBatches(3), {"batch_size": 3}, "`batch_size` must be 6, 2 views of 3 images"),
        (ViewBatches(30), {}, "`images` must be at most 29, as many as there are. Received: images=30"),
        (Balanced(), {}, "`batch_size` must be an integer of at least 1. Received: batch_size=None"),
        (
            ClassBatches(2, 2),
            {"augment": Pipeline(MixUp())},
            "`augment` must make each image from one for Class",
        ),
        (ViewBatches(4), {"class_weight": {0: 2.0}}, "`class_weight` must be None for ViewBatches"),
    ],
)
def test_what_does_not_do_is_said_at_once(sampler, options, words):
    with pytest.raises(ValueError, match=words):
        batches(numbered(), "train", options.pop("batch_size", None), sampler=sampler, **options)


def test_too_large_a_share_of_a_group_and_unlabelled_data_are_refused():
    with pytest.raises(ValueError, match="`classes` must be at most 3, the classes of the smallest group"):
        batches(numbered(groups=GROUPS), "train", None, sampler=ClassBatches(4, 2, within_groups=True))
    images = load(np.zeros((4, 4, 4, 1), np.uint8), targets="images")
    with pytest.raises(ValueError, match="`sampler` must be None for data without labels.*ViewBatches needs no labels"):
        batches(images, "train", None, sampler=ClassBatches(2, 2))
    for wrong in (lambda: ClassBatches(0, 2), lambda: ViewBatches(4, views=1)):
        with pytest.raises(ValueError, match="must be an integer of at least"):
            wrong()


def test_class_weights_go_with_balanced_batches():
    for _, targets, weights in batches(numbered(), "train", 6, sampler=Balanced(), class_weight={2: 3.0}):
        np.testing.assert_array_equal(weights, np.where(targets == 2, 3.0, 1.0))
