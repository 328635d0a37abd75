import keras
import numpy as np
import pytest

from kerascnn.training import begin_with_nearest_mean, nearest_mean

RNG = np.random.default_rng(0)


def dense(units, features, **options):
    layer = keras.layers.Dense(units, "softmax", **options)
    layer.build((None, features))
    return layer


def test_the_softmax_is_over_the_distances_to_the_class_means():
    features, labels = RNG.normal(size=(30, 5)), np.arange(30) % 4
    kernel, bias = nearest_mean(features, labels, 4, temperature=3.0)
    assert (kernel.dtype, kernel.shape, bias.shape) == (np.float32, (5, 4), (4,))
    means = np.stack([features[labels == c].mean(axis=0) for c in range(4)])
    points = RNG.normal(size=(7, 5))
    logits = -((points[:, None] - means) ** 2).sum(axis=2) / 3
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = keras.ops.softmax(points.astype(np.float32) @ kernel + bias)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_layer_answers_with_the_nearest_mean_from_one_image_a_class():
    features = RNG.normal(5, 1, (3, 40)).astype(np.float32)
    layer = dense(3, 40)
    begin_with_nearest_mean(layer, features, [2, 0, 1])
    answers = np.asarray(layer(features))
    assert answers.argmax(axis=1).tolist() == [2, 0, 1]
    for noise in RNG.normal(0, 0.3, (5, 3, 40)).astype(np.float32):
        assert np.asarray(layer(features + noise)).argmax(axis=1).tolist() == [2, 0, 1]


def test_answers_are_those_of_the_distances_of_directions():
    features = RNG.normal(1, 1, (60, 6))
    features *= 7 / np.linalg.norm(features, axis=1, keepdims=True)
    labels = RNG.permutation(np.arange(60) % 3)
    layer = dense(3, 6)
    begin_with_nearest_mean(layer, features, labels)
    means = np.stack([features[labels == c].mean(axis=0) for c in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    apart = ((means[:, None] - means) ** 2).sum(axis=2)
    temperature = apart.sum() / 6 / np.log(2 * 0.9 / 0.1)
    logits = -((features[:, None] / 7 - means) ** 2).sum(axis=2) / temperature
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(layer(features.astype(np.float32)), expected, atol=1e-4)


def test_the_length_of_a_feature_does_not_change_which_class_it_is():
    features, labels = RNG.normal(1, 1, (20, 6)), np.arange(20) % 3
    layer = dense(3, 6)
    begin_with_nearest_mean(layer, features * RNG.uniform(0.1, 10, (20, 1)), labels)
    alike = dense(3, 6)
    begin_with_nearest_mean(alike, features, labels)
    points = RNG.normal(1, 1, (50, 6)).astype(np.float32)
    answers = [np.asarray(each(factor * points)).argmax(axis=1) for each in (layer, alike) for factor in (0.1, 1, 10)]
    for other in answers[1:]:
        np.testing.assert_array_equal(answers[0], other)
    assert set(answers[0]) == {0, 1, 2}


@pytest.mark.parametrize("classes", [2, 5])
def test_the_mean_of_a_class_is_answered_with_a_sureness_of_nine_tenths(classes):
    """Means of equal distances, so that every one is a mean distance away."""
    features = np.eye(classes)
    layer = dense(classes, classes, use_bias=classes == 2)
    begin_with_nearest_mean(layer, features, np.arange(classes))
    np.testing.assert_allclose(np.diag(np.asarray(layer(features.astype(np.float32)))), 0.9, rtol=1e-5)


def test_the_size_of_the_features_changes_no_answer():
    features, labels = RNG.normal(2, 1, (20, 8)), np.arange(20) % 2
    answers = []
    for factor in (1, 1000):
        layer = dense(2, 8)
        begin_with_nearest_mean(layer, factor * features, labels)
        answers.append(np.asarray(layer((factor * features).astype(np.float32))))
    np.testing.assert_allclose(*answers, atol=1e-4)


@pytest.mark.parametrize("features", [np.ones((2, 4)), np.zeros((2, 4))])
def test_features_that_are_all_alike_give_no_nan(features):
    layer = dense(2, 4)
    begin_with_nearest_mean(layer, features, [0, 1])
    np.testing.assert_allclose(layer(features.astype(np.float32)), 0.5, atol=1e-6)


def test_one_class_only_gives_no_nan():
    layer = dense(1, 3)
    begin_with_nearest_mean(layer, np.eye(3), [0, 0, 0])
    assert np.isfinite(np.asarray(layer.kernel)).all() and np.isfinite(np.asarray(layer.bias)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nearest_mean(np.eye(2), [0, 0], 2, temperature=1), r"`labels` must hold each of the classes 0\.\.1 "),
        (lambda: nearest_mean(np.eye(3), [0, 1, 2], 2, temperature=1), r"Received: labels='counts \[1, 1, 1\]'"),
        (lambda: nearest_mean(np.eye(2), [0, 1], 2, temperature=0), r"`temperature` must be in \(0, inf\)"),
        (lambda: nearest_mean(np.eye(2), [0], 1, temperature=1), "one entry an example"),
        (
            lambda: begin_with_nearest_mean(dense(2, 3), np.eye(2), [0, 1]),
            "`layer` must take the 2 features. Received: layer=.3, 2.",
        ),
        (lambda: begin_with_nearest_mean(dense(3, 2), np.eye(2), [0, 1]), r"hold each of the classes 0\.\.2 "),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
