import functools

import numpy as np
import pytest
import tensorflow as tf

from kerascnn.augmentation import CutMix, MixUp, Mosaic, Pipeline, RandomFlip
from kerascnn.data import (
    ClassBatches,
    Data,
    ViewBatches,
    batches,
    load,
    plain_batches,
    sample,
    steps_per_epoch,
    suited_batch_size,
)


def numbered(n, split=3):
    """Images that say their own number in their first pixel, with label number % 2."""
    x = np.zeros((n, 4, 4, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(n)
    y = np.arange(n) % 2
    return load(((x, y), (x[:split], y[:split])))


def streamed(n):
    data = numbered(n)
    return Data(data.train, data.validation, class_names=("even", "odd"))


def numbers(dataset):
    return [images[:, 0, 0, 0].tolist() for images, _ in dataset.as_numpy_iterator()]


@pytest.mark.parametrize("make", [numbered, streamed])
def test_an_epoch_is_a_permutation_without_the_remainder_and_the_next_is_another(make):
    seen = numbers(batches(make(50), "train", 8, epochs=(0, 2)))
    assert [len(batch) for batch in seen] == [8] * 12
    first, second = sum(seen[:6], []), sum(seen[6:], [])
    assert len(set(first)) == len(set(second)) == 48
    assert first != second and first != sorted(first)


@pytest.mark.parametrize("make", [numbered, streamed])
def test_a_later_start_gives_what_would_have_come(make):
    whole = numbers(batches(make(30), "train", 4, seed=5, epochs=(0, 6)))
    assert numbers(batches(make(30), "train", 4, seed=5, epochs=(4, 6))) == whole[4 * 7 :]


@pytest.mark.parametrize("make", [numbered, streamed])
def test_the_seed_chooses_the_order(make):
    data = make(30)
    assert numbers(batches(data, "train", 8, seed=1)) == numbers(batches(data, "train", 8, seed=1))
    assert numbers(batches(data, "train", 8, seed=1)) != numbers(batches(data, "train", 8, seed=2))


def test_over_many_epochs_every_image_comes_equally_often():
    counts = np.bincount(np.ravel(numbers(batches(numbered(10), "train", 8, epochs=(0, 500)))), minlength=10)
    assert counts.sum() == 4000  # 500 epochs of one batch; the standard deviation of each count is 9
    assert abs(counts - 400).max() < 45


@pytest.mark.parametrize("make", [numbered, streamed])
def test_targets_stay_with_their_images_and_types_are_kept(make):
    for images, targets in batches(make(20), "train", 8):
        assert images.dtype == tf.uint8 and targets.dtype == tf.int32
        assert (images[:, 0, 0, 0].numpy() % 2 == targets.numpy()).all()


def test_shapes_are_static_and_the_number_of_batches_known():
    dataset = batches(numbered(20), "train", 8, epochs=(2, 5))
    assert dataset.element_spec[0].shape == (8, 4, 4, 1)
    assert dataset.cardinality() == 6
    assert batches(streamed(20), "train", 8, epochs=(2, 5)).cardinality() == 6


def test_a_batch_is_never_larger_than_the_split():
    data = numbered(5)
    assert steps_per_epoch(data, 64) == 1
    assert [sorted(batch) for batch in numbers(batches(data, "train", 64))] == [[0, 1, 2, 3, 4]]


def test_steps_per_epoch_counts_whole_batches():
    assert steps_per_epoch(numbered(50), 8) == 6
    with pytest.raises(ValueError, match="`batch_size` must be an integer of at least 1. Received: batch_size=0."):
        steps_per_epoch(numbered(50), 0)


@pytest.mark.parametrize("make", [numbered, streamed])
def test_plain_batches_keep_the_order_and_the_remainder(make):
    assert numbers(plain_batches(make(10), "train", 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert numbers(plain_batches(make(10), "validation", 4)) == [[0, 1, 2]]


@pytest.mark.parametrize("make", [numbered, streamed])
def test_augment_gets_index_epoch_and_seed_of_each_example(make):
    calls = []

    def augment(images, indices, epoch, seed):
        assert type(images) is type(indices) is np.ndarray
        calls.append((indices.tolist(), epoch, seed))
        return images

    seen = numbers(batches(make(9), "train", 3, seed=7, augment=augment, epochs=(1, 3)))
    assert calls[0] == ([0, 0, 0], 0, 7)  # of zeros
    assert sorted(calls[1:]) == sorted((batch, 1 + i // 3, 7) for i, batch in enumerate(seen))


@pytest.mark.parametrize("make", [numbered, streamed])
def test_an_augmentation_may_give_tensors_of_another_shape_and_type(make):
    def halved(images, indices, epoch, seed):
        return tf.image.resize(images, (2, 2))

    dataset = batches(make(9), "train", 3, augment=halved)
    assert dataset.element_spec[0] == tf.TensorSpec((3, 2, 2, 1), tf.float32)
    assert [images.shape for images, _ in dataset] == [(3, 2, 2, 1)] * 3


def test_a_missing_split_is_named():
    with pytest.raises(ValueError, match=r"`split` must be one of \['train', 'validation'\].*split='test'"):
        plain_batches(numbered(4), "test", 2)


def test_a_split_of_one_image_trains_on_it():
    assert numbers(batches(numbered(4, split=1), "validation", 8, epochs=(0, 2))) == [[0], [0]]


@pytest.mark.parametrize("count", [1, 8, 20, 99])
def test_a_sample_is_what_the_first_epoch_begins_with(count):
    data = numbered(20)
    drawn = sample(data, count, seed=3)
    assert isinstance(drawn, np.ndarray) and drawn.shape == (min(count, 20), 4, 4, 1)
    assert drawn[:, 0, 0, 0].tolist() == numbers(batches(data, "train", count, seed=3))[0]
    with pytest.raises(ValueError, match="`count` must be an integer of at least 1"):
        sample(data, 0)


def test_a_sample_of_plain_datasets_is_their_beginning():
    assert sample(streamed(100), 70)[:, 0, 0, 0].tolist() == list(range(70))
    assert len(sample(streamed(5), 70)) == 5


def test_a_sample_reads_no_image_more():
    class Counting:
        size, labels, read = 1000, np.zeros(1000, np.int32), 0

        def fetch(self, indices):
            Counting.read += len(indices)
            return np.zeros((len(indices), 2, 2, 1), np.uint8), indices

    one = tf.data.Dataset.from_tensors((np.zeros((2, 2, 1), np.uint8), np.int32(0)))
    data = Data(one.repeat(1000), one, class_names=("a",), sources={"train": Counting()})
    assert len(sample(data, 100)) == Counting.read == 100


@pytest.mark.parametrize(
    ("images", "expected"),
    [(1, 8), (180, 8), (319, 8), (320, 16), (1259, 32), (1279, 32), (1280, 64), (2559, 64), (2560, 128), (50_000, 128)],
)
def test_small_sets_get_small_batches(images, expected):
    one = tf.data.Dataset.from_tensors((np.zeros((2, 2, 1), np.uint8), np.int32(0)))
    data = Data(one, one, class_names=("a",), train_size=images)
    assert suited_batch_size(data) == expected
    left_out = images - steps_per_epoch(data, expected) * expected
    assert left_out < max(images / 20, 8)


def test_signals_and_volumes_pass_through_a_data():
    x = np.arange(24, dtype=np.float32).reshape(6, 4, 1)
    signals = tf.data.Dataset.from_tensor_slices((x, np.arange(6, dtype=np.int32) % 2))
    data = Data(signals, signals, class_names=("a", "b"))
    assert data.image_shape == (4, 1)
    assert batches(data, "train", 2).element_spec[0].shape == (2, 4, 1)


def all_of(dataset):
    """Images and targets of all batches, one after the other."""
    images, targets = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(targets)


def noise(n=24, classes=3):
    x = np.random.default_rng(0).integers(0, 256, (n, 6, 6, 1), "uint8")
    return load(((x, np.arange(n) % classes), (x[:classes], np.arange(classes))))


@pytest.mark.parametrize("transform", [MixUp(1.0), CutMix(), Mosaic()])
def test_mixed_examples_depend_on_no_batch_and_no_earlier_epoch(transform):
    data = noise()
    augment = Pipeline(RandomFlip("horizontal"), transform).prepared(data.class_names)
    one, other = (all_of(batches(data, "train", size, seed=3, augment=augment, epochs=(0, 3))) for size in (4, 12))
    later = all_of(batches(data, "train", 12, seed=3, augment=augment, epochs=(2, 3)))
    for whole, parts, last in zip(one, other, later, strict=True):
        np.testing.assert_array_equal(whole, parts)
        np.testing.assert_array_equal(whole[48:], last)
    assert one[1].shape == (72, 3) and one[1].dtype == np.float32
    np.testing.assert_allclose(one[1].sum(axis=1), 1, atol=1e-6)
    assert (one[1].max(axis=1) < 0.99).mean() > 0.3  # of the pairs a third is of one class


def test_a_mixed_image_is_the_mixture_its_labels_say():
    """Every image is one level, its class: the mixture's level is the mean of the classes by its labels."""
    levels = np.tile(np.arange(0, 200, 10, dtype="float32"), 2)
    x, y = np.broadcast_to(levels[:, None, None, None], (40, 4, 4, 1)), np.tile(np.arange(20), 2)
    data = load(((x, y), (x, y)))
    augment = Pipeline(MixUp(1.0)).prepared(data.class_names)
    images, targets = all_of(batches(data, "train", 5, augment=augment))
    np.testing.assert_allclose(images[:, 0, 0, 0], targets @ np.arange(0, 200, 10), rtol=1e-4, atol=1e-3)
    assert len(np.unique(targets.argmax(axis=1))) > 10 and ((targets > 0).sum(axis=1) == 2).mean() > 0.8


def test_without_random_access_partners_come_from_the_batch():
    data = streamed(12)
    augment = Pipeline(MixUp(1.0)).prepared(data.class_names)
    dataset = batches(data, "train", 4, augment=augment)
    assert dataset.element_spec[0].shape[1:] == (4, 4, 1) and dataset.element_spec[1].shape[1:] == (2,)
    plain = numbers(batches(data, "train", 4))
    for (images, targets), batch in zip(dataset.as_numpy_iterator(), plain, strict=True):
        assert images.shape == (4, 4, 4, 1) and targets.shape == (4, 2)
        assert min(batch) <= images[:, 0, 0, 0].min() and images[:, 0, 0, 0].max() <= max(batch)


def test_labels_pass_a_pipeline_that_does_not_change_them():
    images, targets = batches(noise(), "train", 8, augment=Pipeline(RandomFlip("horizontal"))).element_spec
    assert (images.shape, targets.shape, targets.dtype) == ((8, 6, 6, 1), (8,), tf.int32)


def test_labels_change_with_a_flip():
    data = noise(12, classes=3)
    augment = Pipeline(RandomFlip("horizontal", swap={"0": "2"})).prepared(data.class_names)
    plain, swapped = (all_of(batches(data, "train", 6, augment=each)) for each in (None, augment))
    flipped = np.array([(a[:, ::-1] == b).all() for a, b in zip(plain[0], swapped[0], strict=True)])
    assert 0 < flipped.sum() < 12
    np.testing.assert_array_equal(swapped[1], np.where(flipped, [[2, 1, 0][k] for k in plain[1]], plain[1]))


@pytest.mark.parametrize("as_dict", [True, False])
def test_masks_move_with_their_images(as_dict):
    x = np.random.default_rng(0).integers(0, 256, (8, 5, 5, 1), "uint8")
    masks = x[..., 0].astype("int32")
    elements = tf.data.Dataset.from_tensor_slices((x, {"segmentation_masks": masks} if as_dict else masks))
    data = Data(elements, elements, class_names=("a", "b"))
    for images, targets in batches(data, "train", 4, augment=Pipeline(RandomFlip("horizontal"), CutMix())):
        found = targets["segmentation_masks"] if as_dict else targets
        np.testing.assert_array_equal(found, images[..., 0])


def test_class_weights_follow_the_shares_of_a_label():
    data = noise()
    weights = {0: 1.0, 2: 5.0}  # 1 for the class that is not there
    for _, targets, found in batches(data, "train", 8, class_weight=weights):
        np.testing.assert_array_equal(found, np.array([1, 1, 5], "float32")[targets])
    augment = Pipeline(CutMix()).prepared(data.class_names)
    for _, targets, found in batches(data, "train", 8, class_weight=weights, augment=augment):
        np.testing.assert_allclose(found, targets.numpy() @ np.array([1, 1, 5], "float32"), rtol=1e-6)


def shares_of(make, **options):
    """The batches, and those that are put together from the shares of three hosts."""
    shares = [make(**options, share=(index, 3)).as_numpy_iterator() for index in range(3)]
    whole = list(make(**options).as_numpy_iterator())
    joined = [[np.concatenate(parts) for parts in zip(*each, strict=True)] for each in zip(*shares, strict=True)]
    return whole, joined


@pytest.mark.parametrize("data", [numbered(50), streamed(50)], ids=["numbered", "streamed"])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 12, "augment": Pipeline(RandomFlip(), MixUp(0.4, classes=2))},
        {"batch_size": 12, "class_weight": {0: 2.0}},
        {"batch_size": None, "sampler": ClassBatches(2, 6)},
        {"batch_size": None, "sampler": ViewBatches(6, 2)},
    ],
    ids=["mixed", "weighted", "classes", "views"],
)
def test_shares_of_hosts_make_up_the_batches_of_one(data, options):
    whole, joined = shares_of(functools.partial(batches, data, "train"), seed=3, epochs=(1, 3), **options)
    assert len(whole) == len(joined) > 3
    for expected, found in zip(whole, joined, strict=True):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(other, one)


@pytest.mark.parametrize("make", [numbered, streamed])
def test_shares_of_plain_batches_make_them_up_with_the_last(make):
    whole, joined = shares_of(functools.partial(plain_batches, make(21), "train"), batch_size=9)
    assert [len(images) for images, _ in joined] == [9, 9, 3]
    for (images, targets), (others, other_targets) in zip(whole, joined, strict=True):
        np.testing.assert_array_equal(others, images)
        np.testing.assert_array_equal(other_targets, targets)


def test_a_share_reads_its_own_examples_alone(monkeypatch):
    data, read = numbered(30), []
    source = data.sources["train"]
    fetch = source.fetch
    monkeypatch.setattr(source, "fetch", lambda indices: (read.append(indices.shape[0]), fetch(indices))[1])
    for _ in batches(data, "train", 10, share=(1, 5)):
        pass
    assert set(read) == {2}


def test_a_batch_that_shares_do_not_divide():
    with pytest.raises(ValueError, match="`share` must divide batches of 10. Received: share=\\(0, 3\\)"):
        batches(numbered(30), "train", 10, share=(0, 3))


@pytest.mark.parametrize("sampler", [None, ClassBatches(2, 2)])
@pytest.mark.parametrize("make", [numbered, streamed])
def test_a_start_in_an_epoch_gives_what_would_have_come_and_no_fewer_batches(make, sampler):
    size = None if sampler else 4
    whole = numbers(batches(make(30), "train", size, seed=5, epochs=(1, 3), sampler=sampler))
    later = batches(make(30), "train", size, seed=5, epochs=(1, 3), sampler=sampler, start=3)
    assert numbers(later.take(len(whole)))[: len(whole) - 3] == whole[3:]
    assert later.cardinality() in (len(whole), tf.data.INFINITE_CARDINALITY)
