"""What must hold for each model of the registry, tried on narrow ones."""

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.layers import unfuse
from kerascnn.models import MODELS, build

NARROW = {
    "mlp": "(units=(16,))",
    "convnet": "(filters=(4, 8, 8))",
    "alexnet": "(filters=(8, 16, 16, 16, 16), units=(32, 32))",
    "zfnet": "(filters=(8, 16, 16, 16, 16), units=(32, 32))",
    "vgg11": "(filters=(4, 8, 8, 16, 16), units=(32, 32))",
    "vgg13": "(filters=(4, 8, 8, 16, 16), units=(32, 32))",
    "vgg16": "(filters=(4, 8, 8, 16, 16), units=(32, 32))",
    "vgg19": "(filters=(4, 8, 8, 16, 16), units=(32, 32))",
    "googlenet": "(width=0.125)",
    "inception_resnet_v2": "(width=0.125, depths=(1, 1, 1))",
} | {name: "(filters=4)" for name in MODELS if name.startswith("resnet")}
FAMILIES = [name for name in MODELS if not name.startswith(("vgg", "resnet"))]
FAMILIES += ["vgg11", "resnet18", "resnet50", "resnet20"]
QUICK = ("mlp", "lenet5", "resnet20")  # on JAX each shape of each operation is compiled, which takes seconds
FAMILIES_AND_BACKENDS = [pytest.param(name, marks=pytest.mark.backend if name in QUICK else ()) for name in FAMILIES]

# Keras reads TensorFlow variables in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def narrow(name, image_shape=(32, 32, 3), classes=10):
    return build(name + NARROW.get(name, ""), image_shape, classes)


def plain(model):
    return unfuse(model.inference() if hasattr(model, "inference") else model)


def images(count=2, image_shape=(32, 32, 3)):
    return np.random.default_rng(0).integers(0, 256, (count, *image_shape), "uint8")


@pytest.mark.parametrize("name", MODELS)
def test_no_map_is_empty_and_every_node_is_named(name):
    sides = (28, 32, 48, 64, 100) if name in FAMILIES else (28, 64)
    with keras.StatelessScope(initialize_variables=False):
        models = [narrow(name, (side, side, 1), 3) for side in sides]
    keras.utils.clear_session()
    for model in models:
        assert model.name == name
        assert all(size for layer in model.layers for size in ops.shape(layer.output)[1:])
    names = [{layer.name for layer in model.layers} for model in models]
    assert names[0] <= names[-1]  # names made by Keras would count on from model to model


@pytest.mark.parametrize("name", FAMILIES_AND_BACKENDS)
def test_raw_pixels_of_either_type_give_probabilities(name):
    model = narrow(name)
    pixels = images()
    probabilities = np.array(model(pixels))
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model(pixels.astype("float32")), probabilities)


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_reach_every_weight(name):
    model = narrow(name)
    model.compile(keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy", run_eagerly=True)
    before = [weight.numpy() for weight in model.trainable_variables]
    model.train_on_batch(images(8), np.arange(8))
    for old, weight in zip(before, model.trainable_variables, strict=True):
        assert np.any(old != weight.numpy()), weight.path


@pytest.mark.parametrize("name", FAMILIES_AND_BACKENDS)
def test_mixed_precision_ends_in_float32(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = narrow(name)
    inside = {layer.compute_dtype for layer in model.layers if layer.name.endswith(("rescale", "conv", "norm"))}
    assert inside == {"bfloat16"}
    probabilities = model(images())
    assert keras.backend.standardize_dtype(probabilities.dtype) == "float32"
    np.testing.assert_allclose(np.sum(np.array(probabilities), -1), 1, rtol=1e-5)


LOAD = """
import sys, keras, numpy as np
folder = sys.argv[1]
for name in sys.argv[2:]:
    model = keras.saving.load_model(f"{folder}/{name}.keras")
    expected = np.load(f"{folder}/{name}.npy")
    found = model(np.load(f"{folder}/images.npy"))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert model.name == name
assert not [module for module in sys.modules if module.startswith("kerascnn")]
print("loaded", len(sys.argv) - 2)
"""


@pytest.mark.slow
def test_saved_files_load_in_a_fresh_process_without_kerascnn(tmp_path, python):
    pixels = images()
    np.save(tmp_path / "images.npy", pixels)
    for name in FAMILIES:
        model = narrow(name)
        plain(model).save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", model(pixels))
    done = python("-c", LOAD, tmp_path, *FAMILIES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["loaded", str(len(FAMILIES))]
