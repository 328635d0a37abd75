"""What every block must do: name its nodes, keep to Keras' own layers and ours, pass gradients, survive a file."""

import inspect

import keras
import numpy as np
import pytest

from kerascnn import blocks
from kerascnn.layers import BatchNormalization, CellBoxes, GaussianCode, SparseCode

# Each block with an input shape and its arguments. A key may add a note after its name.
BLOCKS = {
    "anchor_free_head": ((8, 8, 4), (3,), {"channels": 4}),
    "anchor_free_head dense": ((8, 8, 4), (3,), {"channels": 4, "separable": False, "normalization": None}),
    "attention_gate": ((8, 8, 4), (), {"filters": 3}),
    "attention_gate sequence": ((8, 4), (), {}),
    "auxiliary": ((8, 8, 4), (3,), {"filters": 4, "units": 8}),
    "box_head": ((8, 8, 4), (), {"stride": 4, "channels": 4}),
    "bottleneck": ((8, 8, 4), (4,), {"strides": 2, "drop_path": 0.1}),
    "classifier": ((4, 4, 4), (3,), {"units": (8, 8), "dropout": 0.2}),
    "conv": ((8, 8, 4), (6,), {"groups": 2}),
    "conv sequence": ((8, 4), (6, 3), {"padding": "causal"}),
    "conv volume": ((6, 6, 6, 2), (4,), {"strides": 2}),
    "decoder_block": ((8, 8, 4), (6,), {"attention": True}),
    "decoder_block resize": ((8, 8, 4), (6,), {"up": "resize", "block": "residual", "depth": 1}),
    "decoder_block sequence": ((8, 4), (6,), {"up": "resize", "attention": True}),
    "decoder_block volume": ((4, 4, 4, 2), (3,), {"depth": 1}),
    "dense_code": ((8,), (4,), {}),
    "embedding": ((4, 4, 4), (6,), {}),
    "encoder_block": ((8, 8, 4), (6,), {"dropout": 0.2}),
    "encoder_block volume": ((4, 4, 4, 2), (3,), {"depth": 1}),
    "enlarge": ((4, 4, 4), (6, (7, 8)), {}),
    "enlarge resize": ((4, 4, 4), (6, (7, 8)), {"up": "resize"}),
    "enlarge sequence": ((4, 4), (6, (7,)), {}),
    "gaussian_code": ((8,), (4,), {}),
    "inception": ((8, 8, 4), ((2, (2, 3), (1, 2), 2),), {}),
    "inception_residual a": ((8, 8, 4), ("a",), {}),
    "inception_residual b": ((8, 8, 4), ("b",), {}),
    "inception_residual own": ((8, 8, 4), ([[(2, 1)], [(2, 1), (3, 3)]],), {}),
    "leaky_conv": ((8, 8, 4), (6,), {"strides": 2}),
    "map_head": ((8, 8, 4), (3,), {}),
    "map_head image": ((8, 4), (3,), {"head": "image", "kernel_size": 3}),
    "map_head sigmoid": ((4, 4, 4, 2), (3,), {"head": "sigmoid"}),
    "naive_inception": ((8, 8, 4), ((2, 3, 4),), {}),
    "preactivation": ((8, 8, 4), (8,), {"strides": 2}),
    "pyramid": ((8, 8, 4), (6,), {}),
    "pyramid dense": ((8, 8, 4), (6,), {"separable": False, "depth": 2}),
    "residual": ((8, 8, 4), (8,), {"strides": 2, "drop_path": 0.1}),
    "residual identity": ((8, 8, 4), (8,), {"strides": 2, "shortcut": "identity"}),
    "residual sequence": ((8, 4), (8,), {"strides": 2, "shortcut": "identity", "rank": 1}),
    "residual volume": ((4, 4, 4, 2), (6,), {"strides": 2, "shortcut": "identity", "rank": 3}),
    "sparse_code": ((8,), (4,), {}),
    "squeeze_excite": ((8, 8, 4), (2,), {}),
    "stack": ((8, 8, 4), (6,), {"padding": "valid", "depth": 1}),
    "yolo_head": ((8, 8, 4), (3,), {"grid": 4, "channels": 6}),
    "yolo_head paper": ((4, 4, 4), (3,), {"grid": 4, "channels": 6, "units": (8,), "dropout": 0.2}),
}
OURS = (BatchNormalization, CellBoxes, GaussianCode, SparseCode)
HEADS = {"auxiliary", "classifier", "embedding", "map_head", "anchor_free_head", "box_head", "yolo_head"}
HEADS |= {"dense_code", "sparse_code", "gaussian_code"}
HELPERS = {"activate", "normalize", "global_pool", "layer_of_rank", "rank_of"}  # one node or none
TWO_MAPS = {  # take a second map, of half or twice the size
    "attention_gate": lambda x: (x, half(x)),
    "decoder_block": lambda x: (half(x), x),
    "anchor_free_head": lambda x: ({4: x, 8: half(x)},),
    "pyramid": lambda x: ({4: x, 8: half(x)},),
}
LAST = {"encoder_block": 1, "pyramid": 8}  # of several outputs the one that depends on all weights
every_block = pytest.mark.parametrize("case", BLOCKS)


def build(case, dtype="float32", name="block"):
    shape, arguments, options = BLOCKS[case]
    inputs = keras.Input(shape, name="image")
    keras.config.set_dtype_policy(dtype)  # tests/conftest.py sets it back
    block = case.split()[0]
    tensors = TWO_MAPS.get(block, lambda x: (x,))(inputs)
    outputs = getattr(blocks, block)(*tensors, *arguments, **options, name=name)
    return keras.Model(inputs, outputs[LAST[block]] if block in LAST else outputs)


def half(x):
    return blocks.layer_of_rank("MaxPooling", x)(2, name="image_half")(x)


def draw(model, seed=0):
    return np.random.default_rng(seed).normal(size=(4, *model.input_shape[1:])).astype("float32")


def test_every_block_is_listed():
    functions = {name for name, value in vars(blocks).items() if inspect.isfunction(value)}
    assert functions == {case.split()[0] for case in BLOCKS} | HELPERS


@pytest.mark.parametrize("block", sorted({case.split()[0] for case in BLOCKS} | {"activate", "normalize"}))
def test_name_is_required_and_keyword_only(block):
    name = inspect.signature(getattr(blocks, block)).parameters["name"]
    assert (name.kind, name.default) == (name.KEYWORD_ONLY, name.empty)


@every_block
def test_every_node_is_named_after_the_block(case):
    names = [layer.name for layer in build(case, name="stage1").layers if not layer.name.startswith("image")]
    assert names and all(name == "stage1" or name.startswith("stage1_") for name in names), names


@every_block
def test_nodes_are_keras_own_layers_and_the_fused_norm(case):
    for layer in build(case).layers:
        assert type(layer) in OURS or type(layer).__module__.startswith("keras."), layer
        assert not isinstance(layer, keras.layers.Lambda)


@pytest.mark.backend
@every_block
def test_keras_file_round_trip(case, tmp_path):
    model = build(case)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(draw(model)), model(draw(model)))


@pytest.mark.backend
@every_block
def test_mixed_precision(case):
    model = build(case, "mixed_bfloat16")
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == ("float32" if case.split()[0] in HEADS else "bfloat16")
    assert np.isfinite(np.asarray(keras.ops.cast(model(draw(model), training=True), "float32"))).all()


@every_block
def test_gradients_reach_every_weight(case):
    tf = pytest.importorskip("tensorflow")
    model = build(case)
    with tf.GradientTape() as tape:
        outputs = model(draw(model), training=True)
        loss = tf.reduce_sum(outputs * np.random.default_rng(1).normal(size=outputs.shape))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_variables), strict=True):
        assert gradient is not None and np.isfinite(gradient).all() and np.any(gradient), weight.path


@every_block
def test_gradients_run_inside_a_graph(case):
    model = build(case)
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(draw(model), np.ones((4, *model.output_shape[1:])), verbose=0)
    assert any(np.any(old != new) for old, new in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("block", ["conv", "residual", "bottleneck", "preactivation", "inception"])
def test_normalization_can_be_none_or_any_layer(block):
    filters = (2, (2, 3), (1, 2), 2) if block == "inception" else 8

    def kinds(normalization):
        inputs = keras.Input((8, 8, 4))
        outputs = getattr(blocks, block)(inputs, filters, normalization=normalization, name="block")
        return [type(layer) for layer in keras.Model(inputs, outputs).layers]

    def unit(name):
        return keras.layers.LayerNormalization(name=name)

    norms = kinds("batch").count(BatchNormalization)
    assert norms > 0
    assert BatchNormalization not in kinds(None)
    assert kinds(unit).count(keras.layers.LayerNormalization) == norms
