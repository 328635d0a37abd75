"""Shapes, parameter counts and values of the blocks, by hand or from the literature."""

import keras
import numpy as np
import pytest

from kerascnn import blocks


def model_of(block, shape, *arguments, **options):
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs, *arguments, **options, name="block"))


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def silence(model, *names):
    """Sets the weights of these nodes to zero, so that only the way around them is left."""
    for name in names:
        model.get_layer(name).set_weights([0 * weight for weight in model.get_layer(name).get_weights()])


@pytest.mark.parametrize(
    ("block", "shape", "arguments", "options", "count"),
    [
        # torchvision's resnet18.layer1[0], layer2[0] and resnet50.layer1[0]
        (blocks.residual, (56, 56, 64), (64,), {}, 73_984),
        (blocks.residual, (56, 56, 64), (128,), {"strides": 2}, 230_144),
        (blocks.bottleneck, (56, 56, 64), (64,), {}, 75_008),
        # no weight in the shortcut: two convolutions and two norms
        (blocks.residual, (32, 32, 16), (32,), {"shortcut": "identity", "strides": 2}, 9 * 16 * 32 + 9 * 32 * 32 + 128),
        # the norm of the input, two convolutions, one norm, a 1x1 shortcut without norm
        (blocks.preactivation, (8, 8, 4), (8,), {"strides": 2}, 8 + 288 + 16 + 576 + 32),
        # GoogLeNet's table 1, row 3a: 159 K weights and biases (in units of 1,024)
        (
            blocks.inception,
            (28, 28, 192),
            ((64, (96, 128), (16, 32), 32),),
            {"normalization": None},
            163_696,
        ),
        (blocks.naive_inception, (8, 8, 4), ((2, 3, 5),), {"normalization": None}, 10 + 111 + 505),
        # GoogLeNet's: 1x1 to 128 channels on 4x4, 1,024 units, 1,000 classes
        (blocks.auxiliary, (14, 14, 512), (1000,), {"normalization": None}, 3_188_840),
        (blocks.classifier, (2, 2, 3), (10,), {"pooling": "flatten", "units": (5,)}, 12 * 5 + 5 + 5 * 10 + 10),
        (blocks.squeeze_excite, (8, 8, 64), (), {}, 64 * 4 + 4 + 4 * 64 + 64),
        (blocks.embedding, (4, 4, 8), (16,), {}, 8 * 16 + 16),
    ],
)
def test_trainable_parameters(block, shape, arguments, options, count):
    assert trainable(model_of(block, shape, *arguments, **options)) == count


@pytest.mark.parametrize(
    ("kind", "shape", "count"),
    [("a", (35, 35, 320), 122_928), ("b", (17, 17, 1088), 1_126_112), ("c", (8, 8, 2080), 2_034_560)],
)
def test_inception_residual_is_that_of_keras_applications(kind, shape, count):
    """block35, block17 and block8 of InceptionResNetV2, whose norms have no gamma."""

    def without_gamma(name):
        return keras.layers.BatchNormalization(scale=False, name=name)

    assert trainable(model_of(blocks.inception_residual, shape, kind, normalization=without_gamma)) == count


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(("padding", "size"), [("same", 8), ("valid", 6)])
def test_convolution_shapes(strides, padding, size):
    assert model_of(blocks.conv, (8, 8, 3), 5, strides=strides, padding=padding).output_shape == (
        None,
        size // strides,
        size // strides,
        5,
    )


def test_convolution_has_a_bias_only_without_normalization():
    assert not model_of(blocks.conv, (8, 3), 4).get_layer("block_conv").use_bias
    assert model_of(blocks.conv, (8, 3), 4, normalization=None).get_layer("block_conv").use_bias
    assert model_of(blocks.conv, (8, 3), 4, use_bias=True).get_layer("block_conv").use_bias


@pytest.mark.backend
def test_causal_convolution_does_not_see_the_future():
    model = model_of(blocks.conv, (10, 2), 3, padding="causal")
    series = np.random.default_rng(0).normal(size=(1, 10, 2)).astype("float32")
    later = series.copy()
    later[:, 6:] += 1
    before, after = np.asarray(model(series)), np.asarray(model(later))
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert (before[:, 6] != after[:, 6]).any()


@pytest.mark.backend
def test_identity_shortcut_subsamples_and_fills_with_zeros():
    model = model_of(blocks.residual, (5, 5, 2), 5, strides=2, shortcut="identity")
    silence(model, "block_2_norm")
    image = np.arange(50, dtype="float32").reshape(1, 5, 5, 2)
    expected = np.zeros((1, 3, 3, 5))
    expected[..., 1:3] = image[:, ::2, ::2]
    np.testing.assert_array_equal(model(image), expected)


@pytest.mark.backend
@pytest.mark.parametrize("shape", [(7, 2), (4, 5, 3, 2)])
def test_identity_shortcut_in_other_ranks(shape):
    model = model_of(blocks.residual, shape, 4, strides=2, shortcut="identity")
    silence(model, "block_2_norm")
    series = np.random.default_rng(0).uniform(size=(2, *shape)).astype("float32")
    every_second = series[(slice(None), *(slice(None, None, 2),) * (len(shape) - 1))]
    expected = np.pad(every_second, [(0, 0)] * len(shape) + [(1, 1)])
    np.testing.assert_array_equal(model(series), expected)


@pytest.mark.backend
def test_residual_without_change_of_shape_is_the_input_plus_the_branch():
    model = model_of(blocks.residual, (4, 4, 3), 3)
    silence(model, "block_2_norm")
    image = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    np.testing.assert_array_equal(model(image), np.maximum(image, 0))


@pytest.mark.backend
def test_preactivation_leaves_the_sum_alone():
    model = model_of(blocks.preactivation, (4, 4, 3), 3)
    silence(model, "block_2_conv")
    image = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    np.testing.assert_array_equal(model(image), image)


@pytest.mark.backend
def test_drop_path_skips_the_branch_of_whole_examples():
    model = model_of(blocks.residual, (4, 4, 3), 3, drop_path=0.5)
    image = np.random.default_rng(0).uniform(size=(1, 4, 4, 3)).astype("float32")
    batch = np.repeat(image, 64, axis=0)
    branch = np.asarray(keras.Model(model.input, model.get_layer("block_drop").output)(batch, training=True))
    dropped = [not example.any() for example in branch]
    assert 16 < sum(dropped) < 48  # four standard deviations
    kept = branch[~np.array(dropped)]
    assert (kept == kept[0]).all()


@pytest.mark.backend
@pytest.mark.parametrize(("kind", "scale"), [("a", 0.17), ("b", 0.1), ("c", 0.2)])
def test_inception_residual_adds_a_scaled_branch(kind, scale):
    model = model_of(blocks.inception_residual, (4, 4, 2), kind, activation=None)
    join = model.get_layer("block_join_conv")
    silence(model, "block_join_conv")
    join.set_weights([join.get_weights()[0], np.array([1.0, 2.0])])
    np.testing.assert_allclose(model(np.zeros((1, 4, 4, 2)))[0, 0, 0], [scale, 2 * scale], 1e-6)


@pytest.mark.backend
def test_squeeze_excite_gates_channels():
    model = model_of(blocks.squeeze_excite, (4, 4, 3), 1)
    silence(model, "block_squeeze")
    excite = model.get_layer("block_excite")
    excite.set_weights([excite.get_weights()[0], np.array([0, 100, -100])])
    np.testing.assert_allclose(model(np.full((1, 4, 4, 3), 8.0))[0, 0, 0], [4, 8, 0], atol=1e-6)


@pytest.mark.backend
@pytest.mark.parametrize(("pooling", "expected"), [("average", [[2.5]]), ("max", [[4]]), ("flatten", [[1, 2, 3, 4]])])
def test_global_pool(pooling, expected):
    features = np.array([1, 2, 3, 4], "float32").reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(model_of(blocks.global_pool, (2, 2, 1), pooling)(features), expected)


@pytest.mark.backend
def test_classifier_gives_probabilities_and_carries_the_name():
    model = model_of(blocks.classifier, (2, 2, 3), 4, dropout=0.5)
    probabilities = np.asarray(model(np.random.default_rng(0).normal(size=(5, 2, 2, 3))))
    np.testing.assert_allclose(probabilities.sum(axis=1), np.ones(5), 1e-6)
    assert model.output_names == ["block"]
    assert [layer.name for layer in model.layers[1:]] == ["block_pool", "block_dropout", "block"]


def test_heads_take_features_without_a_map():
    assert model_of(blocks.classifier, (12,), 3).output_shape == (None, 3)
    assert model_of(blocks.embedding, (12,), 3).output_shape == (None, 3)


@pytest.mark.backend
def test_embedding_has_length_one():
    points = np.asarray(model_of(blocks.embedding, (3, 3, 2), 5)(np.random.default_rng(0).normal(size=(6, 3, 3, 2))))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), np.ones(6), 1e-5)


@pytest.mark.parametrize(("size", "window"), [(14, (4, 4)), (5, (1, 1)), (3, (1, 1)), (1, (1, 1))])
def test_auxiliary_fits_small_maps(size, window):
    model = model_of(blocks.auxiliary, (size, size, 8), 3)
    assert model.get_layer("block_conv").output.shape[1:3] == window


@pytest.mark.parametrize(
    ("block", "shape", "arguments", "options", "message"),
    [
        (blocks.conv, (8, 8, 3), (4,), {"padding": "causal"}, "^`padding` must be one of 'same', 'valid'"),
        (blocks.conv, (8, 8, 3), (4,), {"rank": 1}, r"^`rank` must be 2 for a tensor of shape \(None, 8, 8, 3\)"),
        (blocks.conv, (8,), (4,), {}, r"^`x` must have the shape \(batch, length, channels\)"),
        (blocks.conv, (8, 8, 3), (4,), {"normalization": "layer"}, "^`normalization` must be one of 'batch'"),
        (blocks.residual, (8, 8, 3), (4,), {"shortcut": "identiy"}, "Did you mean 'identity'"),
        (blocks.residual, (8, 8, 3), (3,), {"shortcut": "none"}, "^`shortcut` must be one of"),
        (blocks.residual, (8, 8, 8), (4,), {"shortcut": "identity"}, "^`filters` must be at least the 8 channels"),
        (blocks.residual, (8, 8, 3), (4,), {"drop_path": 1}, r"^`drop_path` must be in \[0, 1\)"),
        (blocks.inception_residual, (8, 8, 3), ("d",), {}, "^`branches` must be one of 'a', 'b', 'c'"),
        (blocks.naive_inception, (8, 8, 3), ((1, 2),), {}, "^`filters` and `kernel_sizes` must have one entry"),
        (blocks.inception, (8, 8, 3), ((1, (2, 3), 4),), {}, r"^`filters\[1:-1\]` and `kernel_sizes` must have"),
        (blocks.classifier, (8, 8, 3), (4,), {"pooling": "mean"}, "^`pooling` must be one of"),
        (blocks.classifier, (8, 8, 3), (4,), {"dropout": 1.0}, r"^`dropout` must be in \[0, 1\)"),
    ],
)
def test_errors(block, shape, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        model_of(block, shape, *arguments, **options)
