import numpy as np
import pytest

from kerascnn.augmentation import MixUp, Pipeline
from kerascnn.data import Data, load, offline_triplets, pair_batches, triplet_batches

COUNTS = (10, 6, 3, 1)
pytestmark = pytest.mark.filterwarnings("ignore:.* one training image only")


def numbered(counts=COUNTS):
    """Images that say their own number in their first pixel, classes mixed."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    x = np.zeros((len(y), 2, 2, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(len(y))
    return load(((x, y), (x, y)))


def keep_indices(images, indices, epoch, seed):
    import tensorflow as tf

    return tf.cast(indices[:, None, None, None], tf.int32) + tf.zeros((1, 2, 2, 1), tf.int32)


def numbers(dataset):
    """`(n, parts)` numbers and `(n,)` targets of all batches."""
    found = [(np.stack([x[:, 0, 0, 0] for x in parts], 1), y) for parts, y in dataset.as_numpy_iterator()]
    return tuple(np.concatenate(each) for each in zip(*found, strict=True))


@pytest.mark.parametrize("share", [0.5, 0.25, 0.0, 1.0])
def test_pairs_are_what_their_targets_say(share):
    data = numbered()
    labels = data.labels("train")
    pairs, same = numbers(pair_batches(data, "train", 4, same=share, epochs=(0, 40)))
    assert pairs.shape == (800, 2) and same.dtype == np.int32 and same.mean() == share
    assert ((labels[pairs[:, 0]] == labels[pairs[:, 1]]) == same).all()
    alone = np.array(COUNTS)[labels[pairs[:, 0]]] == 1
    assert ((pairs[:, 0] == pairs[:, 1]) == (same * alone)).all()  # itself only where there is no other
    assert (np.sort(pairs[:, 0].reshape(40, 20)) == np.arange(20)).all()
    assert np.bincount(same.reshape(-1, 4).sum(axis=1)).argmax() == 4 * share


def test_partners_are_drawn_evenly():
    data = numbered()
    labels = data.labels("train")
    pairs, same = numbers(pair_batches(data, "train", 20, epochs=(0, 600)))
    mine, others = labels[pairs[:, 0]], labels[pairs[:, 1]]
    for label in range(4):
        seen = np.bincount(others[(mine == label) & (same == 0)], minlength=4)
        expected = seen.sum() / 3
        assert seen[label] == 0 and abs(np.delete(seen, label) - expected).max() < 4.5 * expected**0.5
    fellows = np.bincount(pairs[(pairs[:, 0] == np.argmax(labels == 0)) & (same == 1)][:, 1], minlength=20)
    assert (fellows > 0).sum() == 9  # all others of a class of 10
    expected = fellows.sum() / 9
    assert abs(fellows[fellows > 0] - expected).max() < 4.5 * expected**0.5


@pytest.mark.parametrize("make", [pair_batches, triplet_batches])
def test_batch_size_and_start_do_not_matter_and_the_seed_does(make):
    data = numbered()
    whole = numbers(make(data, "train", 4, seed=2, epochs=(0, 6)))
    np.testing.assert_array_equal(numbers(make(data, "train", 10, seed=2, epochs=(0, 6)))[0], whole[0])
    np.testing.assert_array_equal(numbers(make(data, "train", 4, seed=2, epochs=(4, 6)))[0], whole[0][80:])
    assert not np.array_equal(numbers(make(data, "train", 4, seed=3, epochs=(0, 6)))[0], whole[0])
    assert not np.array_equal(whole[0][:20], whole[0][20:40])


def test_each_place_is_augmented_on_its_own():
    found, _ = numbers(triplet_batches(numbered(), "train", 5, augment=keep_indices, epochs=(0, 2)))
    assert (found // 20 == [0, 1, 2]).all()
    plain, _ = numbers(triplet_batches(numbered(), "train", 5, epochs=(0, 2)))
    np.testing.assert_array_equal(found % 20, plain)


def test_triplets_have_a_positive_and_a_negative():
    data = numbered()
    labels = data.labels("train")
    found, targets = numbers(triplet_batches(data, "train", 5, epochs=(0, 30)))
    assert found.shape == (600, 3)
    classes = labels[found]
    assert (classes[:, 0] == targets).all() and (classes[:, 0] == classes[:, 1]).all()
    assert (classes[:, 0] != classes[:, 2]).all()
    spec = triplet_batches(data, "train", 5).element_spec
    assert [part.shape for part in spec[0]] == [(5, 2, 2, 1)] * 3 and spec[1].shape == (5,)


def test_given_triplets_come_in_another_order_each_epoch():
    triples = np.random.default_rng(0).permutation(18).reshape(6, 3)
    found, _ = numbers(triplet_batches(numbered(), "train", 3, triples=triples, epochs=(0, 3)))
    for epoch in found.reshape(3, 6, 3):
        assert sorted(epoch.tolist()) == sorted(triples.tolist())
    assert not np.array_equal(found[:6], found[6:12])


def test_what_does_not_do_is_said_at_once():
    data = numbered()
    with pytest.raises(ValueError, match="`same` must be in"):
        pair_batches(data, "train", 4, same=1.5)
    with pytest.raises(ValueError, match="`augment` must make each image from one, as pairs and triplets"):
        pair_batches(data, "train", 4, augment=Pipeline(MixUp()))
    stream = Data(data.train, data.validation, class_names=data.class_names)
    with pytest.raises(ValueError, match="`data` must give the examples of train by index.*memory=1"):
        triplet_batches(stream, "train", 4)
    with pytest.raises(ValueError, match="`triples` must be in 0..19, indices of the split.*triples='0 to 20'"):
        triplet_batches(data, "train", 4, triples=[[0, 1, 20]])
    with pytest.raises(ValueError, match=r"`triples` must be integers \(n, 3\)"):
        triplet_batches(data, "train", 4, triples=[[0, 1]])
    with pytest.warns(UserWarning, match="one class only"):
        alone = numbered((8,))
    with pytest.raises(ValueError, match="`data` must have 2 classes or more in train"):
        pair_batches(alone, "train", 4)
    assert numbers(pair_batches(alone, "train", 4, same=1.0))[1].tolist() == [1] * 8


def embedded(n=60, classes=5):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, classes, n)
    return (rng.normal(size=(classes, 3))[labels] + rng.normal(size=(n, 3)) * 0.7).astype("float32"), labels


def measured(points, i, j, distance):
    a, b = points[i].astype("float64"), points[j].astype("float64")
    if distance == "cosine":
        return 1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return ((a - b) ** 2).sum(1) ** (1 if distance == "squared" else 0.5)


@pytest.mark.parametrize("distance", ["squared", "euclidean", "cosine"])
@pytest.mark.parametrize("category", ["easy", "semi-hard", "hard"])
def test_mined_triplets_are_of_their_category(category, distance):
    points, labels = embedded()
    triples = offline_triplets(points, labels, category=category, distance=distance, margin=0.2, count=150, seed=3)
    assert triples.shape == (150, 3)
    a, p, n = triples.T
    assert (labels[a] == labels[p]).all() and (labels[a] != labels[n]).all() and (a != p).all()
    gap = measured(points, a, n, distance) - measured(points, a, p, distance)
    low, high = {"easy": (0.2, np.inf), "semi-hard": (0, 0.2), "hard": (-np.inf, 0)}[category]
    assert (gap > low - 1e-5).all() and (gap < high + 1e-5).all()
    again = offline_triplets(points, labels, category=category, distance=distance, margin=0.2, count=150, seed=3)
    np.testing.assert_array_equal(triples, again)
    other = offline_triplets(points, labels, category=category, distance=distance, margin=0.2, count=150, seed=4)
    assert not np.array_equal(triples, other)


def test_all_triplets_of_a_category_are_found_in_the_end():
    points, labels = np.array([[0.0], [1.0], [1.1], [3.0]]), np.array([0, 0, 1, 1])
    found = offline_triplets(points, labels, category="hard", count=64)
    # by hand: distances 0-1 1, 2-3 3.61; of 1 to 2 0.01; of 2 to 0 1.21, to 1 0.01; of 3 to 1 4, to 0 9; of 0 to 2 1.21
    assert {tuple(each) for each in found.tolist()} == {(1, 0, 2), (2, 3, 0), (2, 3, 1)}


def test_mining_says_what_it_cannot_do():
    points = np.array([[0.0], [0.1], [9.0]])
    with pytest.raises(ValueError, match="`category` must be one of which there are triplets.*category='hard'"):
        offline_triplets(points, np.array([0, 0, 1]), category="hard")
    with pytest.raises(ValueError, match="`labels` must have two classes, one of them with two examples"):
        offline_triplets(points, np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="Did you mean 'semi-hard'"):
        offline_triplets(points, np.array([0, 0, 1]), category="semihard")
    with pytest.raises(ValueError, match="one entry an example. Received: 3 and 2"):
        offline_triplets(points, np.array([0, 1]))
