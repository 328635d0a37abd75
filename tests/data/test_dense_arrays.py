import numpy as np
import pytest
import tensorflow as tf

from kerascnn.augmentation import Brightness, Pipeline, QuarterTurn, RandomFlip, Rotate
from kerascnn.data import Data, batches, load, plain_batches, repeated

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (12, 6, 6, 3), "uint8")
MASKS = RNG.integers(0, 3, (12, 6, 6), "uint8")
LABELS = np.arange(12) % 2


def arrays(data, split="train"):
    images, targets = zip(*plain_batches(data, split, 5).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(targets)


@pytest.mark.parametrize("masks", [MASKS, MASKS[..., None], MASKS.astype("int64")], ids=["plain", "channel", "int64"])
def test_masks_of_indices(masks):
    data = load(((X, masks), (X[:4], masks[:4])), targets="masks")
    assert (data.class_names, data.multi_label, data.classes) == (("0", "1", "2"), False, 3)
    images, found = arrays(data)
    np.testing.assert_array_equal(images, X)
    np.testing.assert_array_equal(found, MASKS)
    assert found.dtype == np.uint8 and data.class_pixels == tuple(np.bincount(MASKS.ravel()))


def test_one_pair_is_split_at_random_with_one_image_at_least():
    data = load((X, MASKS), targets="masks", validation=0.01, seed=1)
    assert (data.train_size, data.validation_size) == (11, 1)
    whole = np.concatenate([arrays(data)[1], arrays(data, "validation")[1]])
    assert sorted(map(bytes, whole)) == sorted(map(bytes, MASKS))
    other = load((X, MASKS), targets="masks", validation=0.01, seed=2)
    assert bytes(arrays(other, "validation")[1]) != bytes(arrays(data, "validation")[1])
    with pytest.raises(ValueError, match="two images or more, to hold one out"):
        load((X[:1], MASKS[:1]), targets="masks")


def test_bool_and_255_masks_are_two_classes():
    for masks in (MASKS > 0, np.uint8(255) * (MASKS > 0)):
        data = load(((X, masks), (X, masks)), targets="masks")
        np.testing.assert_array_equal(arrays(data)[1], MASKS > 0)


def test_multi_label_masks_keep_what_counts_nowhere():
    masks = RNG.integers(0, 2, (12, 6, 6, 4), "uint8")
    masks[0, 0] = 255
    data = load(((X, masks), (X, masks)), targets="masks", class_names=("a", "b", "c", "d"))
    assert data.multi_label and data.class_pixels == tuple((masks == 1).sum(axis=(0, 1, 2)))
    np.testing.assert_array_equal(arrays(data)[1], masks)


def test_a_size_is_given_to_both():
    data = load(((X, MASKS), (X, MASKS)), targets="masks", image_size=(3, 6))
    images, masks = arrays(data)
    assert images.shape == (12, 3, 6, 3) and masks.shape == (12, 3, 6)
    np.testing.assert_array_equal(masks, MASKS[:, 1::2])  # the nearest row of two, the later one


def test_volumes_have_masks_too():
    x, masks = RNG.integers(0, 256, (4, 3, 5, 5, 1), "uint8"), np.tile(np.eye(5, dtype=int), (4, 3, 1, 1))
    data = load(((x, masks), (x, masks)), targets="masks")
    assert data.image_shape == (3, 5, 5, 1) and data.train.element_spec[1].shape == (3, 5, 5) and not data.multi_label


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (MASKS[:, :5], r"`y.shape` must be \(12, 6, 6\), as the images. Received: y.shape=\(12, 5, 6\)"),
        (MASKS[:11], r"`y.shape` must be \(12, 6, 6\)"),
        (LABELS, r"`y.shape` must be \(12, 6, 6\)"),
        (MASKS / 2, "`y.dtype` must be an integer type or bool.*astype"),
        (MASKS.astype(int) - 1, "`y` must be in 0..65535.*-1 to 1.*255"),
        (MASKS * 9, r"0, 9, 18, 9 for one in y\[0\]'. Pass class_values=\(0, 9, 18\)"),
        (RNG.integers(0, 4, (12, 6, 6, 3)), "have multi-label masks of 0, 1 and 255.*\\[0, 1, 2, 3\\]"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, message):
    with pytest.raises(ValueError, match=message):
        load((X, masks), targets="masks")


def test_pairs_of_images():
    y = RNG.random((12, 6, 6, 1), np.float32) * 255
    data = load(((X, y), (X[:3], y[:3])), targets="images")
    assert (data.targets, data.class_names, data.classes, data.channels) == ("images", (), 0, 1)
    assert data.facts == ["arrays", [6, 6, 3], [], [12], 3]
    images, found = arrays(data)
    np.testing.assert_array_equal(images, X)
    np.testing.assert_array_equal(found, y)
    with pytest.raises(ValueError, match=r"`y.shape` must have the number and size of x, \(12, 6, 6\)"):
        load(((X, y[:, :5]), (X, y)), targets="images")
    for read in (lambda: data.class_counts, lambda: data.class_pixels):
        with pytest.raises(ValueError, match="for this. Received: targets='images'. These data have images"):
            read()


@pytest.mark.parametrize(("given", "kept"), [(X, 11), ((X, LABELS), 10), (((X, LABELS), (X, LABELS)), 12)])
def test_images_that_are_their_own_targets(given, kept):
    data = load(given, targets="images")
    assert data.targets == "images" and data.class_names == ()
    images, targets = arrays(data)
    np.testing.assert_array_equal(images, targets)
    assert len(images) == data.train_size == kept


def test_a_labelled_name_gives_its_images():
    data, labelled = load("digits", targets="images"), load("digits")
    assert (data.train_size, data.test_size, data.channels) == (1259, 359, 1)
    np.testing.assert_array_equal(arrays(data, "test")[1], arrays(labelled, "test")[0])
    with pytest.raises(ValueError, match="`data` must have masks. Received: data='digits'. 'scenes' are these digits"):
        load("digits", targets="masks")


def test_a_data_is_taken_with_the_targets_that_it_has():
    labelled, masked = load((X, LABELS)), load((X, MASKS), targets="masks")
    assert load(masked, targets="masks") is masked
    for data in (labelled, masked):
        own = load(data, targets="images")
        np.testing.assert_array_equal(*arrays(own))
        assert own.train_size == data.train_size and not own.class_names
    with pytest.raises(ValueError, match="`data` must have labels as targets. Received: data='masks'"):
        load(masked)
    with pytest.raises(ValueError, match="`data` must have masks as targets. Received: data='labels'"):
        load(labelled, targets="masks")


def own(masks, **fields):
    elements = tf.data.Dataset.from_tensor_slices((X, masks))
    return Data(elements, elements.take(3), **{"targets": "masks", "class_names": ("a", "b", "c"), **fields})


def test_a_data_of_ones_own_is_checked():
    data = own(MASKS)
    assert load(data, targets="masks") is data and data.class_pixels == tuple(np.bincount(MASKS.ravel()))
    with pytest.raises(ValueError, match=r"`masks of train` must be in 0..2 or 255.*\[7\]"):
        load(own(np.where(MASKS == 1, 7, MASKS)), targets="masks")
    with pytest.raises(ValueError, match=r"`masks of train.shape` must be \(12, 6, 6\), as the images"):
        load(own(MASKS[:, :4]), targets="masks")
    with pytest.raises(ValueError, match="`images of train` must be in 0..255"):
        load(own(X * np.float32(2), targets="images", class_names=()), targets="images")


def test_streamed_masks_come_in_a_new_order_each_epoch():
    data = own(MASKS)
    seen = [np.concatenate([masks for _, masks in batches(data, "train", 4, epochs=(e, e + 1))]) for e in range(2)]
    assert sorted(map(bytes, seen[0])) == sorted(map(bytes, MASKS)) and (seen[0] != seen[1]).any()


def test_repeated_examples_differ_by_their_index():
    data = load(((X[:3], MASKS[:3]), (X, MASKS)), targets="masks")
    more = repeated(data, 4)
    assert repeated(data, 1) is data
    assert (more.train_size, more.validation_size, more.class_pixels) == (
        12,
        12,
        tuple(4 * np.array(data.class_pixels)),
    )
    pipeline = Pipeline(RandomFlip(), QuarterTurn()).checked(data, ("segmentation_masks",))
    images, masks = (np.concatenate(part) for part in zip(*batches(more, "train", 12, augment=pipeline), strict=True))
    assert len({bytes(image) for image in images}) > 6
    for image, mask in zip(images, masks, strict=True):
        turned = [(np.rot90(a, k)[:, ::s], np.rot90(b, k)[:, ::s]) for a, b in zip(X[:3], MASKS[:3], strict=True)
                  for k in range(4) for s in (1, -1)]  # fmt: skip
        assert sum((image == a).all() and (mask == b).all() for a, b in turned) == 1
    first = [targets for _, targets in batches(more, "train", 4, seed=2, epochs=(0, 4))]
    rest = [targets for _, targets in batches(more, "train", 4, seed=2, epochs=(2, 4))]
    np.testing.assert_array_equal(first[6:], rest)
    labelled = repeated(load((X, LABELS)), 2)
    assert labelled.class_counts == (10, 10) and len(labelled.labels("train")) == 20
    with pytest.raises(ValueError, match="give its training examples by index"):
        repeated(own(MASKS), 2)


def test_target_images_move_with_their_images_and_keep_their_colours():
    data = load(((X, X), (X, X)), targets="images")
    turns = Pipeline(RandomFlip(), QuarterTurn(), Brightness((1.5, 1.5))).checked(data, ("target_images",))
    for images, targets in batches(data, "train", 6, augment=turns):
        np.testing.assert_array_equal(images, np.minimum(np.rint(np.float32(targets) * 1.5), 255))
    turned = Pipeline(Rotate(40)).checked(data, ("target_images",))
    for images, targets in batches(data, "train", 6, augment=turned):
        np.testing.assert_array_equal(images, targets)
        assert sum(np.array_equal(image, x) for image in images for x in X) < 3


def test_weights_of_classes_become_maps():
    masks = MASKS.copy()
    masks[0, 0] = 255
    data = load(((X, masks), (X, masks)), targets="masks")
    for _, found, weights in batches(data, "train", 6, class_weight={0: 2.0, 2: 5.0}):
        np.testing.assert_array_equal(weights, np.select([found == k for k in range(3)], [2.0, 1.0, 5.0], 0.0))
    with pytest.raises(ValueError, match="`class_weight` must be None unless each image or pixel is of one class"):
        batches(load(X, targets="images"), "train", 6, class_weight={0: 2.0})
