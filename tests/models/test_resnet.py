from functools import partial

import keras
import numpy as np
import pytest

from kerascnn.blocks import bottleneck, preactivation, residual
from kerascnn.models import resnet, resnet18, resnet20, resnet50, small_stem


@pytest.fixture
def only_shapes():
    """Variables without values, which cost nothing."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()


@pytest.mark.backend
@pytest.mark.parametrize("image_shape", [(100, 2), (24, 24, 3), (8, 12, 12, 1)])
def test_signals_images_and_volumes(image_shape):
    model = resnet20(image_shape, 5, filters=4, depths=(1, 1))
    assert model(np.zeros((2, *image_shape))).shape == (2, 5)
    kind = f"Conv{len(image_shape) - 1}D"
    assert {type(layer).__name__ for layer in model.layers if "Conv" in type(layer).__name__} == {kind}


def test_the_stem_for_photographs_divides_by_four_and_the_small_one_keeps_the_map(only_shapes):
    last = "stage4_block2_act"
    assert resnet18((224, 224, 3), 2, filters=2).get_layer(last).output.shape == (None, 7, 7, 16)
    assert resnet18((64, 64, 3), 2, filters=2).get_layer(last).output.shape == (None, 2, 2, 16)
    assert resnet18((63, 63, 3), 2, filters=2).get_layer(last).output.shape == (None, 8, 8, 16)
    assert resnet18((64, 64, 3), 2, filters=2, stem=small_stem).get_layer(last).output.shape == (None, 8, 8, 16)


def test_sizes_are_arguments(only_shapes):
    model = resnet20((32, 32, 3), 10, filters=8, kernel_size=5, strides=4)
    assert model.get_layer("stage3_block3_2_conv").kernel.shape == (5, 5, 32, 32)
    assert model.get_layer("stage3_block3_act").output.shape == (None, 2, 2, 32)


def test_resnet50_expands_by_four_and_strides_on_the_3x3(only_shapes):
    model = resnet50((64, 64, 3), 2, filters=2)
    assert model.get_layer("stage2_block1_2_conv").strides == (2, 2)
    assert model.get_layer("stage4_block3_act").output.shape[-1] == 4 * 16


def test_preactivation_ends_in_norm_and_activation(only_shapes):
    model = resnet((16, 16, 1), 2, depths=(1, 1), filters=4, block=partial(preactivation, drop_path=0.5))
    assert [layer.name for layer in model.layers[-4:]] == ["top_norm", "top_act", "probabilities_pool", "probabilities"]


@pytest.mark.parametrize("block", [residual, bottleneck])
def test_other_blocks_end_in_their_activation(block, only_shapes):
    model = resnet((16, 16, 1), 2, depths=(1,), filters=4, block=block)
    assert [layer.name for layer in model.layers[-3:]] == ["stage1_block1_act", "probabilities_pool", "probabilities"]


def test_identity_shortcuts_have_no_weights(only_shapes):
    model = resnet20((32, 32, 3), 10, filters=2)
    shortcuts = [layer for layer in model.layers if "shortcut" in layer.name]
    assert len(shortcuts) == 4  # subsample and fill, at the start of two stages
    assert not any(layer.weights for layer in shortcuts)
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)
