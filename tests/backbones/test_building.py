"""Backbones on raw images: flat, with their own names, the weights asked for, and errors that say what to do."""

import itertools
import urllib.error

import keras
import numpy as np
import pytest

from kerascnn.backbones.applications import application, fresh_names
from kerascnn.backbones.building import backbone
from kerascnn.backbones.preprocessing import preprocess
from kerascnn.backbones.table import BACKBONES

# The smallest of each family.
SMALLEST = ["vgg16", "resnet50", "resnet50_v2", "inception_v3", "inception_resnet_v2", "xception", "densenet121"]
SMALLEST += ["mobilenet", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_b0"]
SMALLEST += ["efficientnet_v2_s", "convnext_tiny", "nasnet_mobile", "efficientnet_lite0"]

# Keras reads TensorFlow variables in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def dense(*widths):
    return sum((before + 1) * after for before, after in itertools.pairwise(widths))


# Parameters that the top adds, where it is not a single dense layer.
TOPS = {
    "vgg16": dense(7 * 7 * 512, 4096, 4096, 1000),
    "mobilenet_v3_small": dense(576, 1024, 1000),
    "efficientnet_b0": dense(1280, 1000) + 7,  # and the scaling, which is constant here
}


def images(side=64, channels=3):
    return np.random.default_rng(0).integers(0, 256, (2, side, side, channels), "uint8")


def same(found, expected):
    """Equal in units of the deviation, as random networks make their input ever smaller."""
    unit = np.std(expected)
    assert unit > 0
    np.testing.assert_allclose(np.array(found) / unit, np.array(expected) / unit, atol=1e-3)


def without_weights(name, image_shape):
    with keras.StatelessScope(initialize_variables=False):
        model = backbone(name, image_shape, weights=None)
    keras.utils.clear_session()
    return model


@pytest.mark.parametrize("name", SMALLEST)
def test_the_network_is_flat_with_its_taps_at_their_strides(name):
    entry = BACKBONES[name]
    model = without_weights(name, (entry.size, entry.size, 3))
    assert model.name == name and model.input.name == "image"
    assert [layer.name for layer in model.layers][:2] == ["image", "rescale"]
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    scalers = (keras.layers.Rescaling, keras.layers.Normalization)
    assert [layer.name for layer in model.layers if isinstance(layer, scalers)] == ["rescale"]
    for stride, tap in entry.taps.items():
        shape = model.get_layer(tap).output.shape
        assert len(shape) == 4 and stride == 2 ** round(np.log2(entry.size / shape[1])), tap
    assert model.output is model.get_layer(entry.taps[32]).output
    assert model.count_params() + TOPS.get(name, dense(model.output.shape[-1], 1000)) == entry.parameters


def test_names_start_from_nothing_in_every_session():
    keras.layers.Conv2D(1, 1), keras.layers.ReLU()  # counted by Keras
    first, second = (without_weights("inception_v3", (75, 75, 3)) for _ in range(2))
    names = [layer.name for layer in first.layers]
    assert names == [layer.name for layer in second.layers]
    assert {"conv2d", "conv2d_93", "batch_normalization", "mixed10"} <= set(names) and "conv2d_94" not in names
    assert first.get_layer("conv2d_93").kernel.path == "conv2d_93/kernel"


def test_names_given_by_hand_are_kept():
    x = inputs = keras.Input((8,), name="image")
    for name in ("dense_40", "dense_5", "conv2d_3", "top"):
        x = keras.layers.Dense(2, name=name)(x)
    assert fresh_names(keras.Model(inputs, x)) == {"dense_5": "dense", "dense_40": "dense_1"}


@pytest.mark.parametrize("name", ["vgg16", "mobilenet_v3_small"])  # one with the scaling inside the application
def test_the_graph_computes_what_keras_computes(name):
    entry = BACKBONES[name]
    model = backbone(name, (64, 64, 3), weights=None)
    source = getattr(keras.applications, entry.build.keywords["kind"])
    source = source(include_top=False, weights=None, input_shape=(64, 64, 3))
    source.set_weights(model.get_weights())
    x = images().astype("float32")
    expected = source(keras.applications.vgg16.preprocess_input(x.copy()) if name == "vgg16" else x)
    same(model(images()), expected)


@pytest.mark.slow
def test_imagenet_weights_give_what_keras_gives_with_them(tmp_path, monkeypatch):
    kind = keras.applications.EfficientNetB0
    source = kind(include_top=False, weights=None, input_shape=(64, 64, 3))
    rng = np.random.default_rng(0)
    source.set_weights([value * rng.uniform(0.8, 1.2, value.shape) for value in source.get_weights()])
    scaling = source.get_layer(index=2)
    scaling.set_weights([np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]), np.array(0)])
    source.save_weights(tmp_path / "b0.weights.h5")
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *args, **kwargs: str(tmp_path / "b0.weights.h5"))
    expected = kind(include_top=False, weights="imagenet", input_shape=(64, 64, 3))(images())
    found = backbone("efficientnet_b0", (64, 64, 3), weights="imagenet")(images())
    same(found, expected)


@pytest.mark.parametrize(
    ("name", "address", "file"),
    [
        ("vgg16", "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", None),
        ("mobilenet", "mobilenet/mobilenet_1_0_224_tf_no_top.h5", None),
        ("nasnet_mobile", "nasnet/NASNet-mobile-no-top.h5", "nasnet_mobile_no_top.h5"),
    ],
)
def test_a_file_that_is_not_there_is_named_with_its_address_and_place(name, address, file, tmp_path, monkeypatch):
    def unreachable(*_):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", unreachable)
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError) as raised:
        backbone(name, (96, 96, 3))
    text = str(raised.value)
    assert f"from https://storage.googleapis.com/tensorflow/keras-applications/{address} (None -- no network)" in text
    assert f"put it at {tmp_path / 'models' / (file or address.rsplit('/', 1)[-1])};" in text
    assert "backbone='efficientnet_lite0', whose weights come with pip" in text


def test_a_download_cut_off_is_no_bare_timeout(tmp_path, monkeypatch):
    def cut_off(*_):
        raise TimeoutError("timed out")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", cut_off)
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"keras.applications.VGG16 could not be had .*\(timed out\)"):
        application(keras.Input((32, 32, 3)), "VGG16", "imagenet")


def test_weights_come_from_a_model_a_whole_file_or_a_file_of_weights(tmp_path):
    source = backbone("mobilenet", (32, 32, 3), weights=None)
    expected = np.array(source(images(32)))
    head = keras.layers.Dense(2, name="probabilities")(keras.layers.GlobalAveragePooling2D()(source.output))
    whole = keras.Model(source.input, head, name="whole")
    whole.save(tmp_path / "whole.keras")
    source.save_weights(tmp_path / "own.weights.h5")
    for weights in (source, tmp_path / "whole.keras", str(tmp_path / "own.weights.h5")):
        found = backbone("mobilenet", (32, 32, 3), weights=weights)
        np.testing.assert_array_equal(found(images(32)), expected)


def test_weights_of_another_network_are_refused(tmp_path):
    other = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    for file in ("other.weights.h5", "broken.h5"):
        with pytest.raises(ValueError, match=f"weights of mobilenet without its top.*{file}"):
            backbone("mobilenet", (32, 32, 3), weights=tmp_path / file)
    with pytest.raises(ValueError, match="weights in common with 'mobilenet'"):
        backbone("mobilenet", (32, 32, 3), weights=other)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("resnet51", (64, 64, 3)), ValueError, "`backbone` must be one of .*Did you mean 'resnet5"),
        (("vgg16", (31, 64, 3)), ValueError, "`image_size` must be at least 32 for the backbone vgg16.*image_size=224"),
        (("inception_v3", (96, 74, 3)), ValueError, "`image_size` must be at least 75 .*image_size=74.*image_size=299"),
        (("xception", (70, 70, 3)), ValueError, "`image_size` must be at least 71"),
        (("vgg16", (64, 64, 4)), ValueError, "`image_shape` must have 1 or 3 channels"),
        (("vgg16", (64, 64)), ValueError, "`image_shape` must be three positive integers"),
        (("vgg16", (64, None, 3)), ValueError, "`image_shape` must be three positive integers"),
        (("vgg16", (64, 64, 3), "noisy"), ValueError, "`weights` must be 'imagenet', None, a keras.Model, or the path"),
        (("vgg16", (64, 64, 3), 7), ValueError, "`weights` must be .* Received: weights=7"),
        (("vgg16", (64, 64, 3), "no/such.keras"), FileNotFoundError, "`weights` must be a file .*no/such.keras"),
    ],
)
def test_wrong_arguments_are_named_before_any_work(arguments, error, message):
    name, image_shape, *weights = arguments
    with pytest.raises(error, match=message):
        backbone(name, image_shape, **({"weights": weights[0]} if weights else {}))


def test_grey_images_are_colour_ones_with_equal_channels():
    colour = backbone("mobilenet_v3_small", (64, 64, 3), weights=None)
    grey = backbone("mobilenet_v3_small", (64, 64, 1), weights=colour)
    assert grey.get_layer("grey_to_rgb").output.shape == (None, 64, 64, 3)
    x = images(channels=1)
    np.testing.assert_array_equal(grey(x), colour(np.repeat(x, 3, -1)))
    np.testing.assert_array_equal(grey(x.astype("float32")), grey(x))


def test_mixed_precision_reaches_the_layers_but_not_the_preprocessing():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = without_weights("mobilenet_v3_small", (64, 64, 3))
    types = {layer.name: layer.compute_dtype for layer in model.layers}
    assert types["rescale"] == "float32" and types["conv"] == "bfloat16" and types["conv_1_bn"] == "bfloat16"


LOAD = """
import sys, keras, numpy as np
for name in sys.argv[2:]:
    model = keras.saving.load_model(f"{sys.argv[1]}/{name}.keras")
    found = model(np.load(f"{sys.argv[1]}/images.npy"))
    np.testing.assert_allclose(found, np.load(f"{sys.argv[1]}/{name}.npy"), rtol=1e-5, atol=1e-6)
assert not [module for module in sys.modules if module.startswith("kerascnn")]
print("loaded", len(sys.argv) - 2)
"""


@pytest.mark.slow
def test_saved_files_load_in_a_fresh_process_without_kerascnn(tmp_path, python):
    inputs = keras.Input((64, 64, 3))
    caffe = keras.Model(inputs, preprocess(inputs, "caffe"), name="caffe")  # turns the colours round
    names = ("caffe", "mobilenet_v3_small")
    np.save(tmp_path / "images.npy", images())
    for name, model in zip(names, (caffe, backbone(names[1], (64, 64, 3), weights=None)), strict=True):
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", model(images()))
    done = python("-c", LOAD, tmp_path, *names)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["loaded", "2"]
