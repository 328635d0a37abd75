"""Weights by name into another network, and networks without their heads."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import models
from kerascnn.backbones.transfer import Transferred, transfer
from kerascnn.backbones.trunk import trunk
from kerascnn.layers import fuse


def network(classes=3, channels=3, prefix="", name="network"):
    """A convolution, a norm and two dense layers; its weights are random, its statistics too."""
    inputs = keras.Input((8, 8, channels), name="image")
    x = layers.Conv2D(4, 3, name=f"{prefix}stem")(inputs)
    x = layers.BatchNormalization(name=f"{prefix}norm")(x)
    x = layers.Dense(5, name=f"{prefix}hidden")(layers.GlobalAveragePooling2D(name=f"{prefix}pool")(x))
    model = keras.Model(inputs, layers.Dense(classes, "softmax", name=f"{prefix}top")(x), name=name)
    return randomized(model)


def randomized(model):
    random = np.random.default_rng(sum(map(ord, model.name)))
    model.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])
    return model


def values(model):
    return {weight.path: np.asarray(weight) for weight in model.weights}


ALL = ("stem/kernel", "stem/bias", "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance")


@pytest.mark.backend
def test_equal_names_and_shapes_go_over_and_the_rest_stays():
    source, target = network(classes=3), network(classes=7, name="other")
    extra = layers.Dense(2, name="extra")(target.get_layer("hidden").output)
    target = keras.Model(target.inputs, [target.output, extra], name="other")
    before, given = values(target), values(source)
    report = transfer(source, target)
    assert report.taken == (*ALL, "hidden/kernel", "hidden/bias")
    assert report.missing == ("extra/kernel", "extra/bias")
    assert report.other_shape == ("top/kernel", "top/bias")
    for path, value in values(target).items():
        expected = given[path] if path in report.taken else before[path]
        np.testing.assert_array_equal(value, expected, err_msg=path)
    assert str(report) == (
        "taken 8 of 12 weights; not in the source: extra/kernel, extra/bias; other shape: top/kernel, top/bias"
    )


@pytest.mark.backend
def test_training_the_target_leaves_the_source_as_it_is():
    """JAX deletes the arrays that a training step begins with: none of them may be the source's."""
    source, target = network(classes=3), network(classes=3, name="other")
    transfer(source, target)
    given = source.get_weights()
    target.compile("sgd", "sparse_categorical_crossentropy")
    target.train_on_batch(np.ones((4, *target.input_shape[1:]), "float32"), np.arange(4) % 3)
    for weight, old in zip(source.get_weights(), given, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_a_grey_stem_does_not_fit_colour():
    report = transfer(network(channels=1), network(channels=3, name="colour"))
    assert report.other_shape == ("stem/kernel",) and not report.missing


def test_an_inserted_layer_shifts_nothing():
    """Where `.weights.h5` with `skip_mismatch` gives the wrong layer the weights, as it goes by order."""
    source = keras.Sequential([keras.Input((8, 8, 3)), *(layers.Conv2D(3, 3, name=name) for name in "ac")])
    target = keras.Sequential([keras.Input((8, 8, 3)), *(layers.Conv2D(3, 3, name=name) for name in "abc")])
    report = transfer(source, target)
    assert report == Transferred(("a/kernel", "a/bias", "c/kernel", "c/bias"), ("b/kernel", "b/bias"), ())
    np.testing.assert_array_equal(target.get_layer("c").kernel, source.get_layer("c").kernel)


@pytest.mark.backend
@pytest.mark.parametrize("nested", ["source", "target", "both"])
def test_nested_models_are_opened(nested):
    def wrapped(model):
        inputs = keras.Input((8, 8, 3))
        return keras.Model(inputs, layers.Activation("linear", name="after")(model(inputs)), name="outer")

    source, target = network(), network(name="other")
    report = transfer(
        wrapped(source) if nested != "target" else source, wrapped(target) if nested != "source" else target
    )
    assert report == Transferred((*ALL, "hidden/kernel", "hidden/bias", "top/kernel", "top/bias"), (), ())
    for given, taken in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(given, taken)


def test_fused_copies_views_and_auxiliary_outputs_are_sources():
    source = randomized(models.googlenet((32, 32, 3), 4, width=0.0625))
    target = models.googlenet((32, 32, 3), 4, width=0.0625).inference()
    for given in (source, fuse(source.inference()), models.averaged(source.inference(), 2)):
        target.set_weights([np.zeros(weight.shape) for weight in target.weights])
        report = transfer(given, target)
        assert len(report.taken) == len(target.weights) and not report.missing and not report.other_shape
        for weight, same in zip(source.inference().get_weights(), target.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, same)


@pytest.mark.backend
def test_layers_of_several_parts_and_adapted_statistics_go_over():
    def build(data):
        norm = layers.Normalization(name="adapted")
        norm.adapt(data)
        inputs = keras.Input((4, 6))
        x = layers.TimeDistributed(layers.Dense(6), name="each")(norm(inputs))
        return keras.Model(inputs, layers.MultiHeadAttention(2, 3, name="attention")(x, x))

    series = np.random.default_rng(0).normal(3, 2, (8, 4, 6)).astype("float32")
    source, target = build(series), build(series * 9)
    report = transfer(source, target)
    assert not report.missing and {"each/kernel", "attention/kernel", "attention/kernel_4"} < set(report.taken)
    np.testing.assert_array_equal(target(series), source(series))


def test_nothing_in_common_is_an_error_with_names_of_both_and_changes_nothing():
    source, target = network(prefix="a_"), network(prefix="b_", name="other")
    before = target.get_weights()
    with pytest.raises(ValueError, match="`source` must have weights in common with .other..*a_stem.*b_stem"):
        transfer(source, target)
    for weight, old in zip(target.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_two_layers_of_one_name_are_an_error():
    inputs = keras.Input((8, 8, 3))
    twins = keras.Model(inputs, [network(name="first")(inputs), network(name="second")(inputs)], name="twins")
    with pytest.raises(ValueError, match="`model` must have one layer of a name.*two called 'stem'.*'twins'"):
        transfer(network(), twins)


def test_a_long_report_is_cut():
    report = Transferred((), tuple(f"layer{number}/kernel" for number in range(9)), ())
    assert str(report).endswith("layer2/kernel, layer3/kernel and 5 more")


TRUNKS = {
    "lenet5": (lambda: models.lenet5((28, 28, 1), 5), "stage2_pool", (5, 5, 16), 84),
    "vgg16": (lambda: models.vgg16((32, 32, 3), 5, filters=(4, 4, 4, 4, 8), units=(6, 7)), "stage5_pool", (1, 1, 8), 7),
    "resnet20": (lambda: models.resnet20((32, 32, 3), 5), "stage3_block3_act", (8, 8, 64), 64),
    "fastnet": (lambda: models.fastnet((32, 32, 3), 5), "stage3_conv2_act", (3, 3, 128), 128),
    "fastnet with dropout": (lambda: models.fastnet((32, 32, 3), 5, dropout=0.5), "stage3_conv2_act", (3, 3, 128), 128),
    "signals": (lambda: models.resnet18((64, 3), 5, filters=4), "stage4_block2_act", (2, 32), 32),
    "mobilenet": (
        lambda: keras.applications.MobileNet((64, 64, 3), 0.25, weights=None, classes=5),
        "conv_pw_13_relu", (2, 2, 256), 256,
    ),
    "mobilenet_v3": (
        lambda: keras.applications.MobileNetV3Small((64, 64, 3), weights=None, classes=5, minimalistic=False),
        "activation", (2, 2, 576), 1024,
    ),
    "sequential": (
        lambda: keras.Sequential(
            [keras.Input((9, 9, 1)), layers.Conv2D(2, 2, name="conv"), layers.Flatten(), layers.Dense(5)], name="line"
        ),
        "conv", (8, 8, 2), 128,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUNKS)
def test_trunk_ends_where_the_head_begins(name):
    build, last, map_shape, features = TRUNKS[name]
    model = build()
    lower = trunk(model)
    assert lower.output_shape[1:] == map_shape and lower.name == model.name
    if name != "mobilenet_v3":  # whose activations have automatic names
        assert lower.layers[-1].name == last
    assert trunk(model, "all but output").output_shape == (None, features)
    assert {id(weight) for weight in lower.weights} <= {id(weight) for weight in model.weights}  # shared


def test_all_but_output_and_the_output_layer_together_are_the_network():
    model = models.vgg11((16, 16, 3), 5, filters=(4, 4, 4, 4, 8), units=(6, 7))
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    rest = trunk(model, "all but output")
    assert rest.layers[-1].name == "probabilities_2_act"  # without the dropout that follows
    answers = model.get_layer("probabilities")(rest(images))
    np.testing.assert_allclose(answers, model(images, training=False), rtol=1e-5)


@pytest.mark.backend
def test_trunk_of_nested_models_is_flat_and_computes_the_same():
    inner = network(name="inner")
    body = keras.Model(inner.inputs, inner.get_layer("norm").output, name="body")
    inputs = keras.Input((8, 8, 3), name="photo")
    x = body(layers.Rescaling(2.0, name="rescale")(inputs), training=False)
    x = keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(2, 1, name="inside"), layers.ReLU(name="last")])(x)
    x = layers.Dense(3, name="dense")(layers.Flatten()(x))
    outer = keras.Model(inputs, layers.Softmax()(x), name="outer")
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    lower = trunk(outer)
    assert [layer.name for layer in lower.layers] == ["photo", "rescale", "stem", "norm", "inside", "last"]
    features = trunk(outer, "all but output")(images)
    np.testing.assert_allclose(keras.ops.softmax(outer.get_layer("dense")(features)), outer(images), rtol=1e-5)


def test_trunk_of_several_views_and_of_auxiliary_outputs():
    model = models.resnet20((32, 32, 3), 5, filters=2)
    seen = trunk(models.averaged(model, 6))
    assert seen.output_shape == (None, 8, 8, 8) and seen.count_params() == trunk(model).count_params()
    google = models.googlenet((32, 32, 3), 5, width=0.0625)
    lower = trunk(google)
    assert (
        lower.layers[-1].name == "inception5b_concat" and lower.output_shape == trunk(google.inference()).output_shape
    )
    assert not [layer.name for layer in lower.layers if "auxiliary" in layer.name]
    whole = trunk(lower)
    assert [layer.name for layer in whole.layers] == [layer.name for layer in lower.layers]


@pytest.mark.backend
def test_the_model_itself_stays_usable(tmp_path):
    model = models.lenet5((28, 28, 1), 5)
    images = np.random.default_rng(0).uniform(0, 255, (2, 28, 28, 1)).astype("float32")
    before = np.asarray(model(images))
    trunk(model, "all but output")
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(images), before)


def test_what_has_no_such_part_is_refused():
    with pytest.raises(ValueError, match="`keep` must be one of 'all but output', 'convolutional'"):
        trunk(network(), "convolution")
    with pytest.raises(ValueError, match="one last map behind weights for keep='convolutional'.*Received: model='mlp'"):
        trunk(models.mlp((8, 8, 1), 2))
    assert trunk(models.mlp((8, 8, 1), 2), "all but output").weights
    headless = trunk(network())
    with pytest.raises(ValueError, match="weights in front of a dense output layer for keep='all but output'"):
        trunk(headless, "all but output")
    inputs = keras.Input((8, 8, 3))
    low = layers.Conv2D(2, 3)(inputs)
    top = layers.Conv2D(2, 3)(low)
    both = layers.Concatenate()([layers.GlobalMaxPooling2D()(x) for x in (low, top)])
    with pytest.raises(ValueError, match="one last map"):
        trunk(keras.Model(inputs, layers.Dense(2)(both)))
    with pytest.raises(ValueError, match="must be a Functional or built Sequential model"):
        trunk(keras.Sequential([layers.Conv2D(2, 3)]))
