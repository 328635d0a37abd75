"""Losses of embeddings by their definitions, triplet by triplet in NumPy; what must hold where distances are 0."""

import itertools

import keras
import numpy as np
import pytest

from kerascnn import losses
from kerascnn.losses.metric import EMBEDDING_LOSSES, between, pairwise

LABELS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 3])  # the last class has no positive
X = (0.5 * np.random.default_rng(1).normal(size=(10, 5))).astype("float32")
MARGIN = 0.5
UNIT = X / np.linalg.norm(X, axis=1, keepdims=True)


def distances(kind, x=X):
    if kind == "cosine":
        return 1 - UNIT @ UNIT.T
    squared = ((x[:, None].astype("float64") - x) ** 2).sum(-1)
    return squared if kind == "squared" else np.sqrt(squared)


def triplets(labels=LABELS):
    same = labels[:, None] == labels
    each = itertools.product(range(len(labels)), repeat=3)
    return [(a, p, n) for a, p, n in each if a != p and same[a, p] and not same[a, n]]


def chosen(d, mining):
    """(weight, gap) of each triplet that counts."""
    gaps = {(a, p, n): d[a, n] - d[a, p] for a, p, n in triplets()}
    if mining == "batch-hard":
        worst = {a: min(gap for (i, _, _), gap in gaps.items() if i == a) for a, _, _ in gaps}
        return [(1.0, gap) for gap in worst.values()]
    if mining == "distance-weighted":
        shares = rarity()
        return [(shares[a, n], gap) for (a, _, n), gap in gaps.items()]
    rules = {
        "all": lambda gap: True,
        "easy": lambda gap: gap >= MARGIN,
        "semi-hard": lambda gap: 0 < gap < MARGIN,
        "hard": lambda gap: gap <= 0,
    }
    return [(1.0, gap) for gap in gaps.values() if rules[mining](gap)]


def rarity():
    """Wu et al.: 1 over the density of distances on the sphere of 5 dimensions, cut off at 0.5, none beyond 1.4."""
    d = np.maximum(np.sqrt(np.maximum(2 - 2 * UNIT @ UNIT.T, 0)), 0.5)
    weights = np.where((LABELS[:, None] != LABELS) & (d < 1.4), 1 / (d**3 * (1 - np.minimum(d, 1.9) ** 2 / 4)), 0)
    return weights / weights.sum(1, keepdims=True)


def slow(kind, mining, soft, average):
    pairs = chosen(distances(kind), mining)
    costs = [(w, np.log1p(np.exp(-gap)) if soft else max(MARGIN - gap, 0)) for w, gap in pairs]
    count = sum(w for w, cost in costs if average == "mined" or cost > 0)
    return sum(w * cost for w, cost in costs) / count


CASES = [
    *itertools.product(("squared", "euclidean", "cosine"), ("all", "semi-hard", "hard"), (False,), ("active",)),
    *itertools.product(("euclidean",), ("batch-hard", "distance-weighted"), (False, True), ("active", "mined")),
    ("euclidean", "easy", True, "active"),
    ("squared", "hard", True, "active"),
    ("squared", "all", False, "mined"),
]


@pytest.mark.backend
@pytest.mark.parametrize(("kind", "mining", "soft", "average"), CASES)
def test_triplets_one_by_one(kind, mining, soft, average):
    loss = losses.Triplet(MARGIN, kind, mining, soft=soft, average=average)
    assert float(loss(LABELS, X)) == pytest.approx(slow(kind, mining, soft, average), rel=1e-5)


@pytest.mark.backend
def test_hardest_semi_hard_negative_of_each_pair():
    d = distances("squared")
    costs = []
    for a, p in {(a, p) for a, p, _ in triplets()}:
        gaps = [d[a, n] - d[a, p] for n in range(10) if LABELS[n] != LABELS[a]]
        costs += [MARGIN - min(gap for gap in gaps if gap > 0)] if any(0 < gap < MARGIN for gap in gaps) else []
    loss = losses.Triplet(MARGIN, mining="semi-hard", select="hardest")
    assert 2 < len(costs) and float(loss(LABELS, X)) == pytest.approx(np.mean(costs), rel=1e-5)


@pytest.mark.backend
def test_order_of_the_batch_says_nothing():
    order = np.random.default_rng(0).permutation(10)
    loss = losses.Triplet(MARGIN, mining="all")
    assert float(loss(LABELS[order] * 1000, X[order])) == pytest.approx(float(loss(LABELS, X)), rel=1e-6)


@pytest.mark.backend
@pytest.mark.parametrize("h", [0.0, 0.25, 1.0])
def test_curriculum(h):
    loss = losses.Triplet(MARGIN, mining="curriculum")
    loss.hardness.assign(h)
    pairs = [(1 - h, gap) for _, gap in chosen(distances("squared"), "semi-hard")]
    pairs += [(h, gap) for _, gap in chosen(distances("squared"), "hard")]
    expected = sum(w * (MARGIN - gap) for w, gap in pairs) / sum(w for w, _ in pairs)
    assert float(loss(LABELS, X)) == pytest.approx(expected, rel=1e-5)
    assert losses.Triplet().hardness is None


def gradient(loss, labels, x):
    tf = pytest.importorskip("tensorflow")
    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(x))
        value = tf.cast(loss(labels, x), "float32")
    return np.asarray(tape.gradient(value, x))


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("mining", ["all", "semi-hard", "hard", "batch-hard", "distance-weighted"])
def test_gradient_of_the_loop_is_that_of_the_triplets(mining, soft):
    tf = pytest.importorskip("tensorflow")
    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(X))
        d = tf.reduce_sum((x[:, None] - x) ** 2, axis=-1)
        a, p, n = np.transpose(triplets())
        gap = tf.gather_nd(d, np.stack([a, n], 1)) - tf.gather_nd(d, np.stack([a, p], 1))
        weight = {
            "all": tf.ones_like(gap),
            "semi-hard": tf.cast((gap > 0) & (gap < MARGIN), "float32"),
            "hard": tf.cast(gap <= 0, "float32"),
            "batch-hard": np.array([g == min(gap.numpy()[a == i]) for i, g in zip(a, gap.numpy(), strict=True)], "f"),
            "distance-weighted": rarity()[a, n].astype("float32"),
        }[mining]
        cost = tf.nn.softplus(-gap) if soft else tf.nn.relu(MARGIN - gap)
        value = tf.reduce_sum(weight * cost) / tf.reduce_sum(tf.where(cost > 0, weight, 0))
    expected = tape.gradient(value, x)
    found = gradient(losses.Triplet(MARGIN, mining=mining, soft=soft), LABELS, X)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", sorted(set(EMBEDDING_LOSSES) - {"proxy-anchor", "arcface", "cosface"}))
@pytest.mark.parametrize("kind", ["euclidean", "cosine"])
def test_gradients_at_distance_0_are_numbers(name, kind, dtype):
    tf = pytest.importorskip("tensorflow")
    takes = name not in ("circle",) or kind == "cosine"
    loss = losses.embeddings(name, distance=kind if takes else None)
    collapsed = tf.cast(np.tile(UNIT[:1], (10, 1)), dtype)
    zeros = tf.zeros((10, 5), dtype)
    for x in (collapsed, zeros):
        assert np.isfinite(float(loss(LABELS, x)))
        assert np.isfinite(gradient(loss, LABELS, x).astype("float32")).all()


@pytest.mark.parametrize("name", ["proxy-anchor", "arcface", "cosface"])
def test_gradients_at_angle_0_and_pi_are_numbers(name):
    cosines = np.array([[1, -1, 0], [-1, 1, 0.5]], "float32")
    assert np.isfinite(gradient(losses.embeddings(name), np.array([0, 0]), cosines)).all()


@pytest.mark.backend
@pytest.mark.parametrize("name", sorted(set(EMBEDDING_LOSSES) - {"proxy-anchor", "arcface", "cosface", "circle"}))
@pytest.mark.parametrize("labels", [np.arange(10), np.zeros(10)], ids=["no positive", "no negative"])
def test_batches_without_pairs(name, labels):
    assert np.isfinite(float(losses.embeddings(name)(labels, X)))
    if name == "triplet":
        assert float(losses.Triplet()(labels, X)) == 0


@pytest.mark.backend
def test_half_precision_is_measured_in_float32():
    near = np.stack([np.full(64, 1.0), np.full(64, 1.0) + 1 / 128]).astype("float32")  # both exact in bfloat16
    x = keras.ops.cast(near, "bfloat16")
    assert float(pairwise(x, x, "squared")[0, 1]) == pytest.approx(64 / 128**2, rel=1e-2)
    assert float(between(x[0], x[1], "squared")) == 64 / 128**2


@pytest.mark.backend
@pytest.mark.parametrize("kind", ["squared", "euclidean", "cosine"])
def test_distances(kind):
    np.testing.assert_allclose(
        pairwise(X, X[:4], kind), distances(kind)[:, :4], atol=1e-3 if kind == "euclidean" else 1e-6
    )
    np.testing.assert_allclose(between(X[:9], X[1:], kind), np.diag(distances(kind), 1), atol=1e-6)


@pytest.mark.backend
@pytest.mark.parametrize("kind", ["squared", "euclidean", "cosine"])
def test_shares_are_those_of_all_triplets(kind):
    counts = losses.triplet_counts(LABELS, X, MARGIN, kind)
    d = distances(kind)
    assert counts == tuple(len(chosen(d, mining)) for mining in ("easy", "semi-hard", "hard"))
    shares = losses.triplet_shares(LABELS, X, MARGIN, kind)
    assert sum(shares) == pytest.approx(1) and shares.hard == counts.hard / len(triplets())
    assert np.isnan(losses.triplet_shares([0, 1], X[:2])).all()


@pytest.mark.backend
def test_given_pairs_and_triplets():
    a, p, n = np.transpose(triplets())
    d = distances("euclidean")
    mean = np.maximum(d[a, p] - d[a, n] + MARGIN, 0).mean()
    loss = losses.TripletDistances(MARGIN, "euclidean")
    assert float(loss(np.zeros(len(a)), np.stack([X[a], X[p], X[n]], 1))) == pytest.approx(mean, rel=1e-5)
    same = np.array([1, 1, 0])
    pairs = np.stack([X[[0, 3, 0]], X[[1, 4, 3]]], 1)
    each = np.array([d[0, 1] ** 2, d[3, 4] ** 2, max(3 - d[0, 3], 0) ** 2])
    assert float(losses.PairContrastive(3.0)(same, pairs)) == pytest.approx(each.mean(), rel=1e-5)
    weighted = float(losses.PairContrastive(3.0)(same, pairs, sample_weight=np.array([3.0, 0, 0])))
    assert weighted == pytest.approx(each[0], rel=1e-5)


@pytest.mark.backend
def test_views_of_images_without_labels():
    """NT-Xent by its definition: two views of 5 images, each to tell the other among 9."""
    images = np.arange(10) % 5
    s = np.exp(UNIT @ UNIT.T / 0.2)
    value = np.mean([-np.log(s[i, (i + 5) % 10] / (s[i].sum() - s[i, i])) for i in range(10)])
    assert float(losses.NTXent(0.2)(images, X)) == pytest.approx(value, rel=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("name", EMBEDDING_LOSSES)
def test_config_of_every_loss(name):
    loss = losses.embeddings(name)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is EMBEDDING_LOSSES[name] and again.get_config() == loss.get_config()
    assert losses.needs_centres(loss) == (name in ("proxy-anchor", "arcface", "cosface"))


@pytest.mark.backend
def test_arguments_of_names():
    loss = losses.embeddings("triplet", distance="cosine", margin=0.3, mining="hard")
    assert (loss.distance, loss.margin, loss.mining) == ("cosine", 0.3, "hard")
    assert losses.embeddings(loss) is loss
    assert losses.embeddings("arcface", distance="cosine", margin=0.25).margin == 0.25
    soft = losses.embeddings("triplet", distance="euclidean", margin="soft", mining="all")
    expected = (np.log1p(np.exp(1 - 2.5)) + np.log1p(np.exp(1 - 1.5))) / 2  # of anchors 0 and 1
    assert float(soft([0, 0, 1], [[0.0], [1.0], [2.5]])) == pytest.approx(expected, abs=1e-6)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.embeddings("tripletts"), "`loss` must be one of .* Did you mean 'triplet'"),
        (
            lambda: losses.embeddings("circle", margin="soft"),
            "`loss` must be one of 'triplet'.* Only triplets are soft",
        ),
        (lambda: losses.embeddings("nt-xent", margin="soft"), "`margin` must be None for loss='nt-xent'"),
        (lambda: losses.embeddings("triplet", margin="hard"), r"`margin` must be in \(0, inf\)"),
        (lambda: losses.embeddings("lifted", mining="hard"), "`mining` must be None for loss='lifted'"),
        (lambda: losses.embeddings("cosface", distance="squared"), "`distance` must be None for loss='cosface'"),
        (lambda: losses.embeddings(losses.Lifted(), margin=1), "`margin` must be None where `loss` is not a name"),
        (lambda: losses.Triplet(mining="semihard"), "`mining` must be one of .* Did you mean 'semi-hard'"),
        (lambda: losses.Triplet(mining="easy"), "`soft` must be True for easy triplets"),
        (lambda: losses.Triplet(margin=0), r"`margin` must be in \(0, inf\)"),
        (lambda: losses.Triplet()(LABELS, X, np.ones(10)), "`sample_weight` must be None"),
        (lambda: losses.Triplet()(LABELS, X[None]), r"`y_pred` must be embeddings \(batch, d\)"),
        (lambda: losses.TripletDistances()(LABELS, X[:, None]), r"`y_pred` must be triplets \(batch, 3, d\)"),
        (lambda: losses.PairContrastive()(LABELS, X), r"`y_pred` must be pairs \(batch, 2, d\)"),
        (lambda: pairwise(X, X, "l2"), "`distance` must be one of"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.backend
def test_training_brings_classes_together():
    """From Keras' own fit, compiled, in batches of unknown size."""
    generator = np.random.default_rng(0)
    labels = np.arange(64) % 4
    images = generator.normal(size=(4, 8))[labels] + generator.normal(size=(64, 8))
    layers = [keras.layers.Dense(4), keras.layers.UnitNormalization()]
    model = keras.Sequential([keras.Input((8,)), *layers])
    model.compile(keras.optimizers.Adam(0.03), losses.Triplet(0.5, mining="all"))
    before = losses.triplet_shares(labels, model.predict(images, verbose=0), 0.5)
    model.fit(images, labels, batch_size=24, epochs=8, verbose=0)
    after = losses.triplet_shares(labels, model.predict(images, verbose=0), 0.5)
    assert after.easy > before.easy + 0.1 and after.hard < before.hard / 2
