"""The networks of the paper of 2016 to the parameter."""

import keras
import pytest

from kerascnn.models import fast_yolo, yolo

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("no_memory")]


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def parameters(steps, dense):
    """Of (kernel size, filters) in a row from three channels on, and of layers of so many numbers in a row."""
    total, before = 0, 3
    for kernel, filters in steps:
        total, before = total + (kernel * kernel * before + 1) * filters, filters
    return total + sum((a + 1) * b for a, b in zip(dense, dense[1:], strict=False))


def test_24_convolutions_and_two_dense_layers():
    model = yolo()
    steps = [(7, 64), (3, 192), (1, 128), (3, 256), (1, 256), (3, 512)]
    steps += [(1, 256), (3, 512)] * 4 + [(1, 512), (3, 1024)] + [(1, 512), (3, 1024)] * 2 + [(3, 1024)] * 4
    assert [(layer.kernel_size[0], layer.filters) for layer in convolutions(model)] == steps and len(steps) == 24
    assert model.count_params() == parameters(steps, [7 * 7 * 1024, 4096, 7 * 7 * 30]) == 271_703_550
    assert model.input_shape == (None, 448, 448, 3) and model.output_shape == (None, 7, 7, 30)
    sizes = [model.get_layer(f"conv{n}_act").output.shape[1] for n in (1, 2, 6, 16, 20, 22, 24)]
    assert sizes == [224, 112, 56, 28, 14, 7, 7]
    assert model.get_layer("conv1_act").negative_slope == pytest.approx(0.1)
    assert model.get_layer("head_dropout").rate == 0.5


def test_the_fast_one_has_nine():
    model = fast_yolo()
    steps = [(3, filters) for filters in (16, 32, 64, 128, 256, 512, 1024, 1024, 1024)]
    assert len(convolutions(model)) == 9 and model.output_shape == (None, 7, 7, 30)
    assert model.count_params() == parameters(steps, [7 * 7 * 1024, 256, 4096, 1470])


@pytest.mark.parametrize(("side", "grid", "first"), [(64, 8, 64), (64, 1, 32), (96, 6, 96)])
def test_other_sizes_leave_out_the_first_halvings(side, grid, first):
    model = yolo((side, side, 3), 4, grid=grid, units=(8,))
    assert model.output_shape == (None, grid, grid, 14)
    assert model.get_layer("conv1_act").output.shape[1] == first
    assert len(convolutions(model)) == 24


@pytest.mark.parametrize("shape", [(448, 320, 3), (100, 100, 3), (896, 896, 3)])
def test_sizes_that_no_halving_brings_to_the_grid(shape):
    with pytest.raises(ValueError, match=r"sides of 7 times a power of two .* Sides that fit: 7, 14, .* 448"):
        yolo(shape)
