"""The U-Net of the paper to the parameter, and what holds for every network of the table of maps."""

import math

import keras
import numpy as np
import pytest

from kerascnn.layers import BatchNormalization, PadToMultiple, fuse, nested
from kerascnn.models import MAP_MODELS, build_map, dncnn, fcn, unet

SMALL = {
    "unet": "unet(filters=4, depth=2)",
    "residual_unet": "residual_unet(filters=4, depth=2, up='resize')",
    "attention_unet": "attention_unet(filters=4, depth=2)",
    "fcn": "fcn(filters=4, dilations=(1, 2))",
    "dncnn": "dncnn(filters=4, depth=3)",
}
every_map = pytest.mark.parametrize("name", MAP_MODELS)

# Keras reads TensorFlow variables in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def small(name, channels=3, classes=3):
    return build_map(SMALL[name], (None, None, channels), classes)


def images(*sizes, channels=3, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, *sizes, channels), "uint8")


def trainable(model):
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


@pytest.mark.usefixtures("no_memory")
@pytest.mark.backend
def test_the_network_of_the_paper_has_its_sizes_and_parameters():
    model = build_map("unet(padding='valid', filters=64, normalization=None)", (572, 572, 1), 2)
    assert model.count_params() == trainable(model) == 31_030_658
    assert model.input_shape == (None, 572, 572, 1) and model.output_shape == (None, 388, 388, 2)
    sizes = {name: model.get_layer(name).output.shape[1:] for name in ("encoder4_2_conv", "bottom_2_conv")}
    assert sizes == {"encoder4_2_conv": (64, 64, 512), "bottom_2_conv": (28, 28, 1024)}
    assert [model.get_layer(f"decoder{level}_crop").output.shape[1] for level in (4, 3, 2, 1)] == [56, 104, 200, 392]


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize(
    ("name", "channels", "classes", "count"),
    [("dncnn", 1, 1, 556_097), ("dncnn", 3, 3, 640 + 1152 + 15 * 36_992 + 3 * 577)],
)
def test_counts_of_other_papers(name, channels, classes, count):
    assert trainable(build_map(name, (None, None, channels), classes)) == count


@pytest.mark.usefixtures("no_memory")
def test_widths_double_or_are_given():
    def kernels(model):
        names = ("encoder1_1_conv", "encoder2_1_conv", "bottom_1_conv", "decoder1_1_conv")
        return [model.get_layer(name).kernel.shape[-1] for name in names]

    assert kernels(unet((None, None, 1), 2, filters=3, depth=2)) == [3, 6, 12, 3]
    assert kernels(unet((None, None, 1), 2, filters=(5, 7, 9), depth=2)) == [5, 7, 9, 5]


@pytest.mark.parametrize("shape", [(37, 53, 1), pytest.param((45, 2), marks=pytest.mark.backend), (9, 6, 5, 1)])
def test_any_size_and_rank_comes_back_as_it_went_in(shape):
    model = unet(shape, 3, filters=4, depth=2)
    assert model.input_shape == (None, *(None for _ in shape[:-1]), shape[-1])
    pixels = images(*shape[:-1], channels=shape[-1])
    answer = model.predict(pixels, verbose=0)
    assert answer.shape == (2, *shape[:-1], 3)
    padded = np.asarray(PadToMultiple(4, dtype="float32")(pixels.astype("float32")))
    start = (slice(None), *map(slice, shape[:-1]))
    np.testing.assert_allclose(answer, model.predict(padded, verbose=0)[start], 1e-5, 1e-6)


@every_map
@pytest.mark.parametrize("sizes", [(1, 1), (5, 16), (33, 18)])
def test_every_map_has_the_size_of_its_image(name, sizes):
    pixels = images(*sizes)
    model = small(name)
    answer = np.asarray(model(pixels))
    assert answer.shape == (2, *sizes, 3) and answer.dtype == np.float32
    np.testing.assert_array_equal(model(pixels.astype("float32")), answer)
    if name == "dncnn":  # which begins as the identity
        np.testing.assert_array_equal(answer, pixels)
    else:
        np.testing.assert_allclose(answer.sum(-1), 1, 1e-5)


@every_map
def test_gradients_reach_every_weight(name):
    model = small(name)
    if name == "dncnn":  # behind a kernel of zeros there is no gradient in the first step
        kernel = model.get_layer("output_conv").kernel
        kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    model.compile(keras.optimizers.SGD(1e-2), "mse")
    before = [weight.numpy() for weight in model.trainable_variables]
    model.fit(images(18, 21), np.random.default_rng(1).uniform(0, 9, (2, 18, 21, 3)), verbose=0)
    for old, weight in zip(before, model.trainable_variables, strict=True):
        assert np.any(old != weight.numpy()) and np.isfinite(weight.numpy()).all(), weight.path


@every_map
def test_mixed_precision_ends_in_float32(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = small(name)
    inside = {layer.compute_dtype for layer in model.layers if layer.name.endswith(("rescale", "_norm", "_act"))}
    assert inside == {"bfloat16"}
    assert keras.backend.standardize_dtype(model(images(8, 8)).dtype) == "float32"
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(images(10, 9), np.zeros((2, 10, 9, 3)), verbose=0).history["loss"]).all()


def test_in_bfloat16_the_residual_leaves_every_bit_of_the_image():
    keras.config.set_dtype_policy("mixed_bfloat16")
    pixels = np.random.default_rng(0).normal(128, 99, (1, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(unet((None, None, 1), 1, filters=4, depth=1, head="residual")(pixels), pixels)


def test_the_residual_of_unpadded_convolutions_is_that_of_the_middle():
    model = unet((20, 20, 1), 1, filters=4, depth=1, padding="valid", head="residual")
    assert model.output_shape == (None, 4, 4, 1)
    pixels = images(20, 20, channels=1)
    np.testing.assert_array_equal(model(pixels), pixels[:, 8:12, 8:12])


def test_the_fused_norm_and_use_outside_training():
    model = small("residual_unet")
    assert {type(layer) for layer in model.layers if layer.name.endswith("_norm")} == {BatchNormalization}
    assert nested.for_use(model) is model
    np.testing.assert_array_equal(fuse(model)(images(9, 8)), model(images(9, 8)))


LOAD = """
import sys, keras, numpy as np
import kerascnn.layers
folder = sys.argv[1]
for name in sys.argv[2:]:
    model = keras.saving.load_model(f"{folder}/{name}.keras")
    np.testing.assert_allclose(model(np.load(f"{folder}/images.npy")), np.load(f"{folder}/{name}.npy"), 1e-5, 1e-6)
    assert model.name == name
print("loaded", len(sys.argv) - 2)
"""


@pytest.mark.slow
def test_saved_files_load_in_a_fresh_process(tmp_path, python):
    pixels = images(19, 22)
    np.save(tmp_path / "images.npy", pixels)
    for name in MAP_MODELS:
        model = small(name)
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", model(pixels))
    done = python("-c", LOAD, tmp_path, *MAP_MODELS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["loaded", str(len(MAP_MODELS))]


@pytest.mark.usefixtures("no_memory")
def test_the_fcn_sees_67_pixels():
    model = fcn((None, None, 1), 2)
    reach = sum(
        layer.dilation_rate[0] * (layer.kernel_size[0] - 1) for layer in model.layers if "conv" in layer.name[-5:]
    )
    assert 1 + reach == 67


@pytest.mark.usefixtures("no_memory")
def test_dropout_is_at_the_two_coarsest_levels():
    model = unet((None, None, 1), 2, filters=4, depth=3, dropout=0.5)
    rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    assert rates == {"encoder3_dropout": 0.5, "bottom_dropout": 0.5}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: unet((570, 572, 1), 2, padding="valid"),
            r"halved 4 times .*\(570, 572\). The next .* is 572",
        ),
        (lambda: unet((20, 20, 1), 2, padding="valid"), "The next size that fits is 188"),
        (lambda: unet((None, None, 1), 2, padding="valid"), "`image_shape` must be 1 or 2 or 3 sizes"),
        (
            lambda: unet((64, 64, 1), 2, filters=(4, 8)),
            "`filters` must be one integer, or one for each of the 5",
        ),
        (lambda: unet((64, 64, 1), 2, depth=0), "`depth` must be an integer of at least 1"),
        (lambda: unet((64, 64, 3), 2, head="residual"), "`classes` must be the 3 channels of the image"),
        (lambda: unet((64, 0, 3), 2), "`image_shape` must be"),
        (lambda: fcn((64, 64, 3), 2, filters=(4, 4)), "`filters` and `dilations` must have one entry"),
        (lambda: dncnn((64, 64, 3), 3, depth=1), "`depth` must be an integer of at least 2"),
    ],
)
def test_errors_name_the_argument_and_the_rule(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.usefixtures("no_memory")
def test_a_rank_is_checked():
    assert unet((None, 2), 3, filters=2, depth=1, rank=1).output_shape == (None, None, 3)
    with pytest.raises(ValueError, match="`rank` must be 2"):
        unet((None, None, 1), 3, filters=2, depth=1, rank=3)
