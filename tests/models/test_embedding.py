"""Towers, and the networks that train them."""

import keras
import numpy as np
import pytest

from kerascnn import losses
from kerascnn.backbones import embedder, encoder_stages
from kerascnn.layers import LearntThreshold
from kerascnn.losses.metric import between
from kerascnn.models import lenet5, pair_model, siamese, triplet_model, with_centres

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)).astype("uint8")
SMALL = "lenet5(filters=(2, 4))"


@pytest.fixture(scope="module")
def tower():
    keras.utils.set_random_seed(0)
    return embedder(SMALL, (28, 28, 1), dimensions=8)


def test_a_tower_gives_points_on_the_unit_sphere(tower):
    points = np.asarray(tower(IMAGES))
    assert points.shape == (6, 8) and points.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-5)
    free = embedder(SMALL, (28, 28, 1), dimensions=8, normalize=False)
    assert not np.allclose(np.linalg.norm(np.asarray(free(IMAGES)), axis=1), 1, rtol=1e-2)
    assert free.layers[-1].name == tower.layers[-1].name == "embedding"


@pytest.mark.parametrize(
    ("options", "inputs"), [({}, 4), ({"pooling": "flatten"}, 100), ({"keep": "all but output"}, 84)]
)
def test_what_the_head_stands_on(options, inputs):
    model = embedder(SMALL, (28, 28, 1), dimensions=3, **options)
    assert model.get_layer("embedding_dense").kernel.shape == (inputs, 3)


def test_towers_of_networks_and_backbones():
    network = lenet5((28, 28, 1), 10)
    model = embedder(network, (28, 28, 1), dimensions=4)
    kernels = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert model.name == network.name and all(kernel in model.layers for kernel in kernels)
    pretrained = embedder("mobilenet_v2", (96, 96, 3), dimensions=4, weights=None, name="tower")
    assert pretrained.output_shape == (None, 4) and pretrained.name == "tower"


def test_a_tower_is_saved_as_plain_keras(tower, tmp_path):
    tower.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(IMAGES), tower(IMAGES))
    assert all(type(layer).__module__.startswith("keras") for layer in again.layers)


@pytest.mark.parametrize("distance", ["squared", "euclidean", "cosine"])
def test_siamese_is_sure_of_the_same_image_and_symmetric(tower, distance, tmp_path):
    model = siamese(tower, distance=distance)
    left, right = IMAGES[:3], IMAGES[3:]
    np.testing.assert_allclose(model([left, right]), model([right, left]), rtol=1e-5)
    same = model.get_layer("same")
    expected = keras.ops.sigmoid(same.slope * (same.tau - between(tower(left), tower(right), distance)))
    np.testing.assert_allclose(model([left, right]), expected, rtol=1e-5)
    assert (np.asarray(model([left, left])) > np.asarray(model([left, right]))).all()
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        keras.saving.load_model(tmp_path / "model.keras")([left, right]), model([left, right])
    )


def test_pairs_and_triplets_share_the_tower(tower):
    stacked = np.asarray(triplet_model(tower)([IMAGES[:2], IMAGES[2:4], IMAGES[4:]]))
    np.testing.assert_allclose(stacked.transpose(1, 0, 2).reshape(6, 8), tower(IMAGES), rtol=1e-5)
    assert pair_model(tower).output_shape == (None, 2, 8)
    assert triplet_model(tower).count_params() == tower.count_params()


def test_a_siamese_network_learns_with_the_same_image_on_both_sides():
    tower = embedder(SMALL, (28, 28, 1), dimensions=8)
    model = siamese(tower)
    model.compile("adam", "binary_crossentropy", run_eagerly=True)
    pairs = [np.concatenate([IMAGES, IMAGES]), np.concatenate([IMAGES, IMAGES[::-1]])]
    first = model.fit(pairs, np.repeat([1, 0], 6), batch_size=12, epochs=8, verbose=0).history["loss"]
    assert np.isfinite(first).all() and first[-1] < first[0]
    assert np.isfinite(model.get_layer("same").tau.numpy())


def test_centres_train_the_tower():
    tower = embedder(SMALL, (28, 28, 1), dimensions=8)
    model = with_centres(tower, 3)
    before = np.asarray(tower(IMAGES))
    for loss in (losses.ArcFace(scale=8.0), losses.CosFace(scale=8.0), losses.ProxyAnchor()):
        model.compile("adam", loss, run_eagerly=True)
        history = model.fit(IMAGES, np.arange(6) % 3, epochs=3, verbose=0).history["loss"]
        assert history[-1] < history[0]
    cosines = np.asarray(model(IMAGES))
    assert cosines.shape == (6, 3) and np.abs(cosines).max() <= 1 + 1e-6
    assert not np.allclose(before, tower(IMAGES))


def test_a_tower_of_a_builder_is_that_of_its_network():
    def build(image_shape, classes):
        return lenet5(image_shape, classes, filters=(2, 4))

    tower = embedder(build, (28, 28, 1), dimensions=8)
    assert tower.output_shape == (None, 8)
    assert [layer.name for layer in tower.layers] == [
        layer.name for layer in embedder(SMALL, (28, 28, 1), dimensions=8).layers
    ]


def test_what_of_a_tower_was_there_before_its_head(tower):
    names = {name for names in encoder_stages(tower) for name in names}
    learned = {layer.name for layer in tower.layers if layer.weights and not layer.name.startswith("embedding")}
    assert len(learned) == 2 and learned <= names
    assert not any(name.startswith("embedding") for name in names)


def test_precision_of_a_whole_step_in_half():
    keras.config.set_dtype_policy("mixed_bfloat16")  # tests/conftest.py sets it back
    tower = embedder(SMALL, (28, 28, 1), dimensions=8)
    assert tower.output.dtype == siamese(tower).output.dtype == with_centres(tower, 3).output.dtype == "float32"
    tower.compile("adam", losses.Triplet(distance="euclidean"), run_eagerly=True)
    assert np.isfinite(tower.train_on_batch(np.repeat(IMAGES[:3], 2, axis=0), np.arange(6) // 2))


def test_the_threshold_is_learned():
    tf = pytest.importorskip("tensorflow")
    layer, optimizer = LearntThreshold(1.0), keras.optimizers.SGD(0.5)
    distances = np.linspace(0, 2, 64).astype("float32")
    same = (distances < 0.5).astype("float32")
    for _ in range(40):
        with tf.GradientTape() as tape:
            loss = keras.losses.binary_crossentropy(same, layer(distances))
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
    assert float(layer.tau) == pytest.approx(0.5, abs=0.1)


def maps():
    return keras.Sequential([keras.Input((4, 4, 1)), keras.layers.ReLU()])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: embedder("lenet6", (28, 28, 1)), ValueError, "`model` must be one of .* Did you mean 'lenet5'"),
        (lambda: embedder(3, (28, 28, 1)), TypeError, "`model` must be a name, a builder f"),
        (lambda: embedder("lenet5", (28, 28, 1), dimensions=0), ValueError, "`dimensions` must be an integer"),
        (lambda: embedder("lenet5", (28, 28, 1), pooling="mean"), ValueError, "`pooling` must be one of"),
        (lambda: embedder(lenet5((28, 28, 1), 2), (32, 32, 1)), ValueError, r"`model` must take images of shape \(32"),
        (lambda: siamese("tower"), ValueError, "`tower` must be a keras.Model of one image"),
        (lambda: triplet_model(maps()), ValueError, "`tower` must give vectors"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
