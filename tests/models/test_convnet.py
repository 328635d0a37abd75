import keras
import pytest

from kerascnn.models import build, convnet

SHAPE = (32, 32, 3)
pytestmark = pytest.mark.usefixtures("no_memory")


def maps(model):
    """What each convolution, pooling and concatenation gives, without the batch."""
    kinds = (keras.layers.Conv2D, keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.Concatenate)
    return {layer.name: layer.output.shape[1:] for layer in model.layers if isinstance(layer, kinds)}


def kernels(model):
    return {layer.name: layer.kernel_size for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}


def test_each_stage_has_its_own_depth_kernel_and_stride():
    model = build("convnet(filters=(4, 6, 8), depths=(1, 2, 1), kernel_sizes=(7, 5, 1), strides=(1, 2, 3))", SHAPE, 10)
    assert maps(model) == {
        "stage1_block1_conv": (32, 32, 4),
        "stage2_block1_conv": (16, 16, 6),
        "stage2_block2_conv": (16, 16, 6),
        "stage3_block1_conv": (6, 6, 8),
    }
    assert list(kernels(model).values()) == [(7, 7), (5, 5), (5, 5), (1, 1)]


@pytest.mark.parametrize(("pooling", "kind"), [("max", "MaxPooling2D"), ("average", "AveragePooling2D")])
def test_pooling_shrinks_after_the_first_block_and_only_where_there_is_a_stride(pooling, kind):
    model = convnet(SHAPE, 10, filters=(4, 6), depths=2, strides=(1, 2), pooling=pooling)
    assert list(maps(model)) == [
        *("stage1_block1_conv", "stage1_block2_conv"),
        *("stage2_block1_conv", "stage2_pool", "stage2_block2_conv"),
    ]
    assert maps(model)["stage2_block1_conv"] == (32, 32, 6)
    assert maps(model)["stage2_pool"] == maps(model)["stage2_block2_conv"] == (16, 16, 6)
    assert type(model.get_layer("stage2_pool")).__name__ == kind


def test_residual_blocks_by_stride_and_by_pooling():
    by_stride = maps(convnet(SHAPE, 10, filters=(4,), block="residual", kernel_sizes=5))
    assert by_stride == {f"stage1_block1_{part}_conv": (16, 16, 4) for part in ("1", "2", "shortcut")}
    pooled = maps(convnet(SHAPE, 10, filters=(4,), block="residual", pooling="max"))
    assert pooled["stage1_block1_2_conv"] == (32, 32, 4) and pooled["stage1_pool"] == (16, 16, 4)


def test_an_inception_block_shares_out_the_filters_as_googlenets_first_one():
    found = maps(convnet(SHAPE, 10, filters=(256,), block="inception", kernel_sizes=5, strides=1))
    assert {name.removeprefix("stage1_block1_"): shape[-1] for name, shape in found.items()} == {
        "branch1_conv": 64,
        "branch2_reduce_conv": 96,
        "branch2_conv": 128,
        "branch3_reduce_conv": 16,
        "branch3_conv": 32,
        "pool": 3,
        "project_conv": 32,
        "concat": 256,
    }


@pytest.mark.parametrize(("kernel_size", "inner", "outer"), [(1, 1, 1), (3, 1, 3), (5, 3, 5), (7, 5, 7)])
def test_the_kernels_of_an_inception_block(kernel_size, inner, outer):
    model = convnet(SHAPE, 10, filters=(8,), depths=2, kernel_sizes=kernel_size, block="inception")
    sizes = {name: size[0] for name, size in kernels(model).items()}
    assert sizes["stage1_block1_down_conv"] == outer  # an inception block has no stride
    assert (sizes["stage1_block2_branch2_conv"], sizes["stage1_block2_branch3_conv"]) == (inner, outer)
    assert "stage1_block2_down_conv" not in sizes
    assert maps(model)["stage1_block1_concat"] == maps(model)["stage1_block2_concat"] == (16, 16, 8)


def test_no_number_of_stages_leaves_less_than_a_pixel():
    for options in ({}, {"pooling": "max"}, {"block": "residual"}, {"block": "inception"}):
        shapes = maps(convnet((5, 3, 1), 2, filters=(8,) * 6, **options))
        assert min(size for shape in shapes.values() for size in shape) >= 1
        assert [*shapes.values()][-1] == (1, 1, 8)


@pytest.mark.parametrize(("head", "inputs"), [("average", 6), ("max", 6), ("flatten", 8 * 8 * 6)])
def test_head_units_and_dropout(head, inputs):
    model = convnet(SHAPE, 10, filters=(4, 6), head=head, units=(20, 12), dropout=0.25, activation="gelu")
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [tuple(layer.kernel.shape) for layer in dense] == [(inputs, 20), (20, 12), (12, 10)]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.25, 0.25]
    activations = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    assert {layer.activation for layer in activations} == {keras.activations.gelu} and len(activations) == 4


def test_without_normalization_convolutions_have_biases():
    model = convnet(SHAPE, 10, filters=(4,), normalization=False)
    assert model.count_params() == 3 * 9 * 4 + 4 + 4 * 10 + 10
    assert convnet(SHAPE, 10, filters=(4,)).count_params() == 3 * 9 * 4 + 4 * 4 + 4 * 10 + 10


def test_signals_and_volumes():
    for shape in ((64, 2), (8, 8, 8, 1)):
        for block in ("plain", "residual", "inception"):
            assert convnet(shape, 3, filters=(8, 8), block=block, pooling="average").output_shape == (None, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("depths=(1, 2)", r"`depths` must be one integer, or one for each of the 3 stages .* depths=\(1, 2\)"),
        ("kernel_sizes=(3,)", "`kernel_sizes` must be one integer, or one for each of the 3 stages"),
        ("strides=(2, 2, 2, 2)", "`strides` must be one integer"),
        ("strides=0", "`strides` must be an integer of at least 1"),
        ("depths=1.5", "`depths` must be an integer of at least 1"),
        ("filters=32", r"`filters` must be a tuple of integers.*Pass filters=\(32,\)"),
        ("filters=()", "`filters` must have an entry for each stage"),
        ("filters=(8, 0)", "`filters` must be an integer of at least 1"),
        ("filters=(4,), block='inception'", "`filters` must be an integer of at least 8"),
        ("units=64", r"Pass units=\(64,\)"),
        ("block='resdual'", "`block` must be one of .* Did you mean 'residual'"),
        ("pooling='mean'", "`pooling` must be one of 'average', 'max', 'none'"),
        ("head='none'", "`head` must be one of"),
        ("dropout=1", r"`dropout` must be in \[0, 1\)"),
    ],
)
def test_errors_name_the_argument_and_the_rule(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(f"convnet({arguments})", SHAPE, 10)
