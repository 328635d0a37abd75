import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.inspect import KERNELS, apply, kernel, output_size
from kerascnn.layers import FixedConv2D

LECTURE = [[2, 9, 11, 22, 42], [12, 43, 2, 0, 65], [9, 87, 65, 2, 90], [21, 21, 44, 7, 2], [45, 2, 21, 2, 0]]
THREE = [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
VALID = [[88, 67, 134], [55, 94, 132], [107, 25, 134]]
SAME = [
    [43, 4, 9, 76, 22],
    [96, 88, 67, 134, 0],
    [64, 55, 94, 132, 2],
    [89, 107, 25, 134, 7],
    [21, 89, 9, 23, 2],
]


def test_the_example_of_the_lecture_is_a_cross_correlation():
    assert apply(LECTURE, THREE).tolist() == VALID
    assert apply(LECTURE, THREE, padding="same").tolist() == SAME
    assert apply(LECTURE, THREE, padding="same", stride=2).tolist() == [row[::2] for row in SAME[::2]]
    assert apply(LECTURE, THREE, stride=2).tolist() == [[88, 134], [107, 134]]
    assert apply(LECTURE, THREE, padding=1).tolist() == SAME


def test_convolution_turns_the_kernel_by_180_degrees():
    turned = np.rot90(THREE, 2)
    assert turned.tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert apply(LECTURE, turned, kind="convolution").tolist() == VALID
    assert apply(LECTURE, THREE, kind="convolution")[0, 0] == 2 + 2 + 9  # where they differ
    impulse = np.zeros((5, 5))
    impulse[2, 2] = 1
    numbers = np.arange(9).reshape(3, 3)
    assert apply(impulse, numbers, kind="convolution").tolist() == numbers.tolist()


@pytest.mark.backend
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_it_is_what_the_layers_compute(padding, stride):
    images = np.random.default_rng(0).normal(size=(2, 9, 12, 3)).astype("float32")
    matrix = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
    depthwise = np.tile(matrix[:, :, None, None], (1, 1, 3, 1))
    expected = ops.convert_to_numpy(ops.depthwise_conv(images, depthwise, stride, padding, "channels_last"))
    found = apply(images, matrix, padding=padding, stride=stride)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.shape[1:3] == (output_size(9, 4, padding, stride), output_size(12, 3, padding, stride))


def test_axes_and_dtypes():
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 7, 3)).astype("uint8")
    all_at_once = apply(images, "sobel_left", padding="same")
    np.testing.assert_array_equal(apply(images[1], "sobel_left", padding="same"), all_at_once[1])
    np.testing.assert_array_equal(apply(images[1, ..., 2], "sobel_left", padding="same"), all_at_once[1, ..., 2])
    assert all_at_once.min() < 0 and all_at_once.max() > 255 and all_at_once.dtype == np.float64
    assert apply(images, kernel("box")).dtype == np.float32


@pytest.mark.parametrize("name", ["identity", "lighten", "darken", "box", "gaussian", "sharpen", "emboss"])
def test_these_keep_level_parts_and_change_their_brightness_alone(name):
    expected = {"lighten": 150, "darken": 50}.get(name, 100)
    np.testing.assert_allclose(apply(np.full((4, 4), 100.0), name), expected, rtol=1e-6)


def test_the_others_answer_to_changes_alone():
    keeping = {"identity", "lighten", "darken", "box", "gaussian", "sharpen", "emboss"}
    assert all(abs(kernel(name).sum()) < 1e-6 for name in set(KERNELS) - keeping) and len(KERNELS) == 22


@pytest.mark.parametrize(
    ("name", "line"), [("horizontal", [3, 4, 5]), ("vertical", [1, 4, 7]), ("+45", [2, 4, 6]), ("-45", [0, 4, 8])]
)
def test_lines_answer_most_to_their_own_direction(name, line):
    image = np.zeros(9)
    image[line] = 1
    answers = {other: apply(image.reshape(3, 3), other).item() for other in ("horizontal", "vertical", "+45", "-45")}
    assert answers.pop(name) == 6 and set(answers.values()) == {0}


@pytest.mark.parametrize("family", ["sobel", "prewitt"])
def test_edges_answer_to_the_side_that_is_bright(family):
    left = np.zeros((3, 3))
    left[:, 0] = 1
    sides = {"left": left, "top": left.T, "right": left[:, ::-1], "bottom": left.T[::-1]}
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
    most = {"sobel": 4, "prewitt": 3}[family]
    for side, image in sides.items():
        answers = {other: apply(image, f"{family}_{other}").item() for other in sides}
        assert answers == {**dict.fromkeys(sides, 0), side: most, opposite[side]: -most}


def test_what_the_kernels_are_made_of():
    identity, box = kernel("identity"), kernel("box")
    np.testing.assert_allclose(kernel("high_pass"), identity - kernel("gaussian"), atol=1e-7)
    np.testing.assert_array_equal(kernel("sharpen"), identity - kernel("laplacian"))
    np.testing.assert_allclose(kernel("outline"), 9 * (identity - box), atol=1e-6)
    np.testing.assert_array_equal(kernel("sobel_right"), np.outer([1, 2, 1], [-1, 0, 1]))
    image = np.random.default_rng(0).uniform(size=(1, 8, 8, 1)).astype("float32")
    np.testing.assert_allclose(apply(image, "gaussian", padding="same"), FixedConv2D("gauss")(image), atol=1e-6)


def test_a_kernel_is_a_copy():
    kernel("box")[:] = 0
    assert kernel("box").sum() == pytest.approx(1)


def test_bad_input():
    image = np.zeros((4, 6))
    with pytest.raises(ValueError, match="`kernel` must reach over at most 4. Received: kernel=5. Pass a smaller"):
        apply(image, np.ones((5, 5)))
    assert apply(image, np.ones((6, 6)), padding=1).shape == (1, 3)
    with pytest.raises(ValueError, match="`kernel` must be one of .* Did you mean 'sobel_left'"):
        apply(image, "sobel_lef")
    with pytest.raises(ValueError, match="`name` must be one of .* Did you mean 'laplacian'"):
        kernel("laplace")
    with pytest.raises(ValueError, match="`kernel` must be a name or a matrix"):
        apply(image, [1, 2])
    with pytest.raises(ValueError, match="`image` must be \\(height, width\\)"):
        apply(np.zeros(4), "box")
    with pytest.raises(ValueError, match="`kind` must be one of 'convolution', 'cross-correlation'"):
        apply(image, "box", kind="correlation")
    for options in ({"stride": 0}, {"padding": -1}, {"padding": "full"}):
        with pytest.raises(ValueError, match=f"`{next(iter(options))}` must be"):
            apply(image, "box", **options)


@pytest.mark.parametrize("padding", ["valid", "same", 0, 1, 2, 5])
def test_the_formula_and_the_layers_agree(padding):
    for size, length, stride, dilation in [(28, 5, 1, 1), (11, 3, 2, 1), (12, 3, 2, 1), (9, 2, 3, 1), (10, 3, 1, 3)]:
        layer = keras.layers.Conv1D(1, length, stride, padding if isinstance(padding, str) else "valid")
        layer.dilation_rate = (dilation,)
        zeros = 0 if isinstance(padding, str) else padding
        expected = layer.compute_output_shape((1, size + 2 * zeros, 1))[1]
        assert output_size(size, length, padding, stride, dilation) == expected
        if padding != "same":
            assert expected == (size - ((length - 1) * dilation + 1) + 2 * zeros) // stride + 1


def test_sizes_of_the_lectures():
    assert output_size(28, 5) == 24
    assert output_size(227, 11, stride=4) == 55  # AlexNet's first
    assert output_size(7, 3, padding=1) == 7
    with pytest.raises(ValueError, match="`kernel` must reach over at most 4. Received: kernel=5"):
        output_size(4, 3, dilation=2)
    with pytest.raises(ValueError, match="`size` must be an integer of at least 1"):
        output_size(0, 1)
