"""Autoencoders: exact sizes, the hourglass's layers, and what a user may pass."""

import keras
import numpy as np
import pytest

from kerascnn import blocks, layers, losses
from kerascnn.models import AUTOENCODERS, build, build_autoencoder, conv_autoencoder, dense_autoencoder, describe

pytestmark = pytest.mark.backend


@pytest.mark.parametrize("shape", [(28, 28, 1), (33, 20, 3), (7, 1, 2), (21, 2), (5, 6, 7, 1)])
@pytest.mark.parametrize("up", ["transposed", "resize"])
def test_any_size_comes_back_exactly(shape, up):
    model = conv_autoencoder(shape, 5, filters=(4, 6, 8), up=up)
    assert model.output_shape == (None, *shape) and model.get_layer("code").output.shape == (None, 5)
    assert dense_autoencoder(shape, 5, units=(6,)).output_shape == (None, *shape)


def test_the_hourglass_of_the_paper():
    model = dense_autoencoder((28, 28, 1), 30)
    kernels = [layer.kernel.shape for layer in model.layers if hasattr(layer, "kernel")]
    down = [(784, 1000), (1000, 500), (500, 250), (250, 30)]
    assert [tuple(kernel) for kernel in kernels] == [*down, *(pair[::-1] for pair in reversed(down))]
    tied = dense_autoencoder((28, 28, 1), 30, tied=True)
    assert tied.count_params() == sum(a * b + a for a, b in down)


def test_maps_halve_and_double():
    model = conv_autoencoder((28, 28, 1), 16, filters=(4, 6, 8), convolutions=2, units=(32,), up="resize")
    shapes = [model.get_layer(f"encoder{level}_2_act").output.shape[1:] for level in (1, 2, 3)]
    assert shapes == [(14, 14, 4), (7, 7, 6), (4, 4, 8)]
    shapes = [model.get_layer(f"decoder{level}_2_act").output.shape[1:] for level in (3, 2, 1)]
    assert shapes == [(7, 7, 6), (14, 14, 4), (28, 28, 4)]
    assert model.get_layer("encoder_dense1").units == model.get_layer("decoder_dense1").units == 32


@pytest.mark.parametrize("block", ["plain", "residual", blocks.preactivation])
def test_any_block(block):
    model = conv_autoencoder((12, 12, 1), 4, filters=(4, 4), block=block, up="resize", kernel_size=5)
    assert model.output_shape == (None, 12, 12, 1)


@pytest.mark.parametrize("name", AUTOENCODERS)
@pytest.mark.parametrize("code", [blocks.dense_code, blocks.sparse_code, blocks.gaussian_code])
def test_each_trains_with_each_code_and_is_saved(name, code, tmp_path):
    sizes = {"filters": (4, 8)} if name.startswith("conv") else {"units": (16,)}
    model = AUTOENCODERS[name]((9, 10, 1), 3, code=code, **sizes)
    images = np.random.default_rng(0).integers(0, 256, (8, 9, 10, 1), "uint8")
    model.compile("adam", losses.ImageMSE(), run_eagerly=keras.config.backend() == "tensorflow")  # to compile is slow
    assert np.isfinite(model.train_on_batch(images, images))
    values = np.asarray(model(images))
    assert values.dtype == np.float32 and values.min() >= 0 and values.max() <= 255
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(again(images), values, 1e-5, 1e-3)
    encoder, decoder = layers.halves(again)
    np.testing.assert_allclose(decoder(encoder(images)), values, 1e-4, 1e-3)


def test_under_mixed_precision_codes_and_images_are_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    for model in (conv_autoencoder((8, 8, 1), 3, filters=(4,)), dense_autoencoder((8, 8, 1), 3, tied=True)):
        dtypes = [model.get_layer("code").output.dtype, model.output.dtype]
        assert [keras.backend.standardize_dtype(dtype) for dtype in dtypes] == ["float32", "float32"]


def own(image_shape, code_size, *, name="code"):
    image = keras.Input(image_shape)
    code = keras.layers.Dense(code_size, name=name)(keras.layers.Flatten()(image))
    x = keras.layers.Dense(int(np.prod(image_shape)))(code)
    return keras.Model(image, keras.layers.Reshape(image_shape)(x), name="own")


def test_names_builders_and_models_are_accepted():
    text = "conv_autoencoder(filters=(4, 8), up='resize')"
    assert build_autoencoder(text, (8, 8, 1), 3).name == "conv_autoencoder" and describe(text) == text
    assert build_autoencoder(own, (8, 8, 1), 3).name == "own"
    model = own((8, 8, 1), 3)
    assert build_autoencoder(model, (8, 8, 1), 3) is model
    sparse = build_autoencoder("dense_autoencoder(units=(8,))", (8, 8, 1), 3, code=blocks.sparse_code)
    assert isinstance(sparse.get_layer("code"), layers.SparseCode)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("unet", "`model` must be one of 'conv_autoencoder', 'dense_autoencoder'.*each pixel"),
        ("conv_autoencoder(code_size=3)", "`model` must have arguments among activation, block"),
        (lambda: own((8, 8, 1), 4), r"`model` must have a code of 3 numbers.*\(4,\)"),
        (lambda: own((8, 8, 1), 3, name="middle"), "`model` must have a layer 'code'"),
        (lambda: keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()]), "give images of shape"),
        (lambda: conv_autoencoder((8, 8, 1), 3, up="sideways"), "`up` must be one of 'resize', 'transposed'"),
        (lambda: conv_autoencoder((8, 8, 1), 3, head="tanh"), "`head` must be one of 'linear', 'sigmoid'"),
        (lambda: conv_autoencoder((8, 8, 1), 3, block="dense"), "`block` must be one of"),
        (lambda: dense_autoencoder((8, 8, 1), 3, tied=True, code=blocks.sparse_code), "`tied` must be False"),
    ],
)
def test_what_is_wrong_is_said(model, message):
    with pytest.raises(ValueError, match=message):
        build_autoencoder(model if isinstance(model, str) else model(), (8, 8, 1), 3)


def test_the_tables_name_the_right_job():
    with pytest.raises(ValueError, match="It gives back its image through a code: that is for autoencode"):
        build("conv_autoencoder", (8, 8, 1), 3)
