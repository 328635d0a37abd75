"""Frozen means frozen, at every stage, and what is unfrozen trains."""

from itertools import chain

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import models, optimizers
from kerascnn.backbones.freezing import freeze, layer_rates, stages, unfreeze
from kerascnn.layers import BatchNormalization, fuse

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype("float32")
LABELS = np.arange(8) % 2


def flat():
    return models.resnet20((32, 32, 3), 2, filters=4, depths=(1, 1, 1))


def nested():
    """The same network inside another, and the head inside a Sequential."""
    inner = flat()
    inputs = keras.Input((32, 32, 3))
    body = keras.Model(inner.inputs, inner.get_layer("stage3_block1_act").output, name="body")
    pool = layers.GlobalAveragePooling2D(name="pool")
    head = keras.Sequential([keras.Input((8, 8, 16)), pool, layers.Dense(2, "softmax", name="dense")])
    return keras.Model(inputs, head(body(inputs)), name="outer")


class Scaled(layers.Layer):
    """A layer with a weight of its own and a norm inside."""

    def build(self, shape):
        self.factor = self.add_weight(shape=shape[-1:], initializer="ones", name="factor")
        self.norm = layers.BatchNormalization(name="inner_norm")

    def call(self, x, training=None):
        return self.norm(x * self.factor, training=training)


def line():
    """A Sequential with a wrapped norm, a layer made of layers, a norm without statistics."""
    return keras.Sequential([
        keras.Input((32, 32, 3)),
        layers.Conv2D(4, 3, 4, name="stem"),
        layers.TimeDistributed(layers.BatchNormalization(), name="wrapped"),
        layers.Conv2D(4, 3, 2, name="second"),
        Scaled(name="scaled"),
        layers.GroupNormalization(2, name="group"),
        layers.Flatten(name="flatten"),
        layers.Dense(2, "softmax", name="dense"),
    ])  # fmt: skip


def values(model):
    return {weight.path: np.array(weight) for weight in model.weights}


def changed(model, optimizer=None):
    """The paths of the weights that a training with large steps changes, by one bit or more; then they are put back."""
    start, before = model.get_weights(), values(model)
    model.compile(optimizer or keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    model.fit(IMAGES, LABELS, batch_size=4, verbose=0)
    moved = {path for path, value in values(model).items() if not np.array_equal(value, before[path])}
    model.set_weights(start)
    return moved


def has_statistics(layer):
    return isinstance(layer, keras.layers.BatchNormalization)


@pytest.mark.parametrize("build", [flat, nested, pytest.param(line, marks=pytest.mark.backend)])
@pytest.mark.parametrize("norms", ["frozen", "trained"])
def test_at_each_stage_the_frozen_keep_every_bit_and_the_others_move(build, norms):
    model = build()
    norm_weights = {w.path for layer in model._flatten_layers() if has_statistics(layer) for w in layer.weights}
    assert len(norm_weights) % 4 == 0 and norm_weights
    parts = stages(model)
    freeze(model)
    assert model.trainable_weights == [] and not any(layer.trainable for layer in model._flatten_layers())
    for number in range(len(parts) - 1, -1, -1):
        unfreeze(model, parts[number], norms=norms)
        opened = set(chain(*parts[number:]))
        expected = {w.path for layer in model._flatten_layers() if layer.name in opened for w in layer.weights}
        if norms == "frozen":
            expected -= norm_weights
        trained = changed(model)
        assert trained <= expected
        # a bias in front of a norm in training gets no gradient, as the norm takes it away again
        still = {path for path in expected - trained if norms == "frozen" or "bias" not in path}
        assert not still, parts[number]
    assert expected == {weight.path for weight in model.weights} - (norm_weights if norms == "frozen" else set())


@pytest.mark.backend
def test_unfreezing_takes_no_effect_before_compile_and_does_after():
    model = flat()
    freeze(model)
    unfreeze(model, ["probabilities"])
    assert changed(model) == {"probabilities/kernel", "probabilities/bias"}
    unfreeze(model, ["stem_conv"])
    assert "stem_conv/kernel" in changed(model)


@pytest.mark.backend
def test_our_fused_norm_stays_too():
    model = fuse(flat())
    unfreeze(model, chain(*stages(model)))
    norms = [layer for layer in model.layers if isinstance(layer, BatchNormalization)]
    assert norms and not any(layer.trainable for layer in norms)
    assert not {w.path for layer in norms for w in layer.weights} & changed(model)
    unfreeze(model, [norms[0].name], norms="trained")
    assert {w.path for w in norms[0].weights} <= changed(model)


@pytest.mark.backend
def test_a_nested_model_is_opened_and_its_other_layers_stay_closed():
    model = nested()
    freeze(model)
    unfreeze(model, ["stage3_block1_1_conv"])
    assert changed(model) == {"stage3_block1_1_conv/kernel"}
    freeze(model)
    unfreeze(model, ["body"], norms="trained")
    body = model.get_layer("body")
    assert [w.path for w in model.trainable_weights] == [w.path for w in body.trainable_weights]
    assert len(body.weights) - len(body.trainable_weights) == 2 * sum(map(has_statistics, body.layers))


@pytest.mark.backend
def test_flags_that_containers_have_already_do_not_hide_those_inside():
    """On TensorFlow `trainable = x` stops at a container whose own flag is x."""
    model = nested()
    model.trainable = False
    model.get_layer("body").get_layer("stem_conv").trainable = True
    freeze(model)
    assert not any(layer.trainable for layer in model._flatten_layers())
    model.trainable = True
    model.get_layer("body").get_layer("stem_conv").trainable = False
    unfreeze(model, ["body"], norms="trained")
    assert all(layer.trainable for layer in model._flatten_layers())
    made = keras.Sequential([keras.Input((4,)), layers.Dense(2, trainable=False, name="dense")])
    freeze(made)
    assert made.trainable_weights == []
    unfreeze(made, ["dense"])
    assert len(made.trainable_weights) == 2


def test_what_is_not_named_keeps_its_state():
    model = flat()
    model.get_layer("stem_conv").trainable = False
    unfreeze(model, ["probabilities"])
    closed = [layer.name for layer in model.layers if not layer.trainable]
    assert closed == ["stem_conv"]


def test_an_unknown_name_is_an_error():
    with pytest.raises(ValueError, match="`names` must be names of layers of 'resnet20'.*Did you mean 'stem_conv'"):
        unfreeze(flat(), ["stem_con"])
    with pytest.raises(ValueError, match="`norms` must be one of 'frozen', 'trained'"):
        unfreeze(flat(), [], norms="all")


def test_stages_of_a_residual_network():
    parts = stages(models.resnet18((64, 64, 3), 10, filters=4))
    assert [names[0] for names in parts] == [
        "image", "stem_pool", "stage2_block1_1_conv", "stage3_block1_1_conv", "stage4_block1_1_conv",
        "probabilities_pool",
    ]  # fmt: skip
    assert parts[0] == ("image", "rescale", "stem_conv", "stem_norm", "stem_act")
    assert parts[-1] == ("probabilities_pool", "probabilities")


@pytest.mark.parametrize("build", [flat, nested, line])
def test_stages_hold_each_layer_once(build):
    model = build()
    names = list(chain(*stages(model)))
    inside = [layer for layer in model._flatten_layers() if isinstance(layer, keras.Model)]
    expected = {layer.name for each in inside for layer in each.layers if not isinstance(layer, keras.Model)}
    assert set(names) | {"image"} >= expected and len(names) == len(set(names))


def test_stages_of_nested_models_are_those_of_the_flat_one():
    def weighted(model):
        known = {w.path.split("/")[0] for w in flat().weights}
        return [[name for name in names if name in known and name != "probabilities"] for names in stages(model)]

    assert weighted(nested()) == weighted(flat())


def test_unpadded_convolutions_and_layers_without_weights_begin_no_stage():
    parts = stages(models.lenet5((32, 32, 1), 10))  # 28, 14, 10 and 5 pixels: strides 1, 2, 2 and 4
    assert [names[-1] for names in parts] == ["stage2_pool", "probabilities"]


def test_padding_and_unpadded_kernels_on_small_maps_begin_no_stage():
    inputs = keras.Input((16, 16, 1), name="image")
    x = layers.Conv2D(2, 3, 4, padding="same", name="low")(inputs)  # 4 pixels
    x = layers.ZeroPadding2D(1, name="pad")(x)  # 6
    x = layers.Conv2D(2, 3, name="high")(x)  # 4
    x = layers.Conv2D(2, 3, name="higher")(x)  # 2
    x = layers.Conv2DTranspose(2, 2, 2, name="up")(x)  # 4
    assert stages(keras.Model(inputs, x))[-2:] == (("image", "low", "pad", "high", "higher"), ("up",))


def test_squeeze_excite_gates_belong_to_their_map():
    model = keras.applications.EfficientNetB0(weights=None, include_top=False, input_shape=(64, 64, 3))
    parts = stages(model)
    assert len(parts) == 5
    ends = ["block2a_dwconv_pad", "block3a_dwconv_pad", "block4a_dwconv_pad", "block6a_dwconv_pad", "top_activation"]
    assert [names[-1] for names in parts] == ends
    assert {"block5a_se_squeeze", "block5a_se_excite", "block6a_se_reshape"} & set(parts[3]) == {
        "block5a_se_squeeze", "block5a_se_excite",
    }  # fmt: skip


def test_maps_of_unknown_size_are_an_error():
    inputs = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="`model` must have maps of a known size"):
        stages(keras.Model(inputs, layers.ReLU()(layers.Conv2D(2, 3)(inputs))))


def test_layer_rates_fall_from_the_top():
    assert layer_rates((("a", "b"), ("c",), ("d",))) == {"a": 0.125, "b": 0.125, "c": 0.25, "d": 0.5}
    assert layer_rates((("a",), ("b",)), decay=1, head=0.25) == {"a": 0.25, "b": 0.25}
    for name, value in {"decay": 0, "head": 0}.items():
        with pytest.raises(ValueError, match=f"`{name}` must be in"):
            layer_rates([], **{name: value})


@pytest.mark.backend
def test_rates_of_layers_reach_the_layers_in_training():
    model = flat()
    model.get_layer("stage1_block1_1_conv").trainable = False
    factors = {name: 0.0 for name in chain(*stages(model)) if name != "stem_conv"}
    trained = changed(model, optimizers.sgd(0.1, layer_rates=factors))
    assert {path for path in trained if "moving" not in path} == {"stem_conv/kernel"}
