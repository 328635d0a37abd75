"""What `backbone=` and `weights=` may be, and what becomes of them before anything is trained."""

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from kerascnn import backbones, blocks, models, training
from kerascnn import data as datasets
from kerascnn.backbones import BACKBONES
from kerascnn.models.auxiliary import Auxiliary
from kerascnn.training import Result
from recipes import _pretrained, detect
from recipes._arguments import resizing
from recipes.tune import _reading


def small(size=8, channels=3, name="small"):
    """Two resolutions with norms, and a head of the usual name with a hidden layer."""
    keras.utils.set_random_seed(1)
    x = image = keras.Input((size, size, channels), name="image")
    x = blocks.conv(keras.layers.Rescaling(1 / 255, name="rescale")(x), 4, strides=2, name="low")
    x = blocks.conv(x, 6, strides=2, name="high")
    return keras.Model(image, blocks.classifier(x, 3, units=(5,), name="probabilities"), name=name)


def arrays(size=8, channels=3, count=12):
    images = np.random.default_rng(0).integers(0, 256, (count, size, size, channels), "uint8")
    labels = (np.arange(count) % 3).astype("int32")
    return (images, labels), (images, labels)


@pytest.fixture
def saved(tmp_path):
    """A .keras file, a file of weights, and a folder that is no run."""
    small().save(tmp_path / "net.keras")
    small().save_weights(tmp_path / "net.weights.h5")
    (tmp_path / "empty").mkdir()
    return tmp_path


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "vgg16", "efficientnet_v2_s"])
@pytest.mark.parametrize("weights", ["imagenet", None, "digits-resnet20", small()])
def test_a_backbone_of_the_table_takes_all_kinds_of_weights(backbone, weights):
    _pretrained.check(backbone, weights)


def test_files_and_networks_of_ones_own(saved):
    keras_file, weights_file = str(saved / "net.keras"), str(saved / "net.weights.h5")
    for backbone in ("digits-resnet20", keras_file, small()):
        _pretrained.check(backbone, "imagenet")  # the default, which says nothing of them
    _pretrained.check("resnet20(filters=4)", keras_file)
    _pretrained.check("efficientnet_lite0", weights_file)


@pytest.mark.parametrize(
    ("backbone", "weights", "error", "text"),
    [
        ("efficientnet_lite", None, ValueError, "Did you mean 'efficientnet_lite"),
        ("resnet21", None, ValueError, "`backbone` must be one of .*Did you mean .*resnet20"),
        ("quite another", None, ValueError, "Or pass the folder of a run, a name in the zoo or a .keras file"),
        ("{}/net.weights.h5", None, ValueError, "`backbone` must be one of"),
        ("{}/absent.keras", None, ValueError, "`backbone` must be one of"),
        ("resnet20(filter=4)", None, ValueError, "Did you mean 'filters'"),
        (5, None, TypeError, "`backbone` must be a name, the folder of a run"),
        ("resnet20", "imagenet", ValueError, "`weights` must be others for resnet20, which has none there"),
        ("resnet20", "{}/absent.keras", ValueError, "`weights` must be the folder of a run, .* or a .keras file for"),
        ("resnet20", "{}/net.weights.h5", ValueError, "`weights` must be the folder of a run, .* a .keras file for"),
        (
            "vgg16",
            "{}/absent.h5",
            ValueError,
            "`weights` must be .* a .keras or .h5 file for vgg16. Received",
        ),
        ("vgg16", "imagnet", ValueError, "`weights` must be the folder of a run, a name in the zoo"),
        ("vgg16", 5, TypeError, "`weights` must be 'imagenet', None, the folder of a run"),
        ("digits-resnet20", "{}/net.keras", ValueError, "`weights` must not be given for a network that has its own"),
        (small(), "digits-resnet20", ValueError, "`weights` must not be given for a network that has its own"),
    ],
)
def test_what_cannot_be_is_named(saved, backbone, weights, error, text):
    values = [each.format(saved) if isinstance(each, str) else each for each in (backbone, weights)]
    with pytest.raises(error, match=text):
        _pretrained.check(*values)


def test_the_record_of_a_call_has_the_network_of_a_result():
    network = small()
    assert _pretrained.plain(Result(network, {}, {})) is network
    assert _pretrained.plain(Path("photos") / "run") == str(Path("photos", "run"))
    assert _pretrained.plain(None) is None and _pretrained.plain("vgg16") == "vgg16"


def test_a_network_is_copied_and_a_name_stays(saved):
    network = small()
    copy = _pretrained.network(network)
    assert copy is not network and same(copy, network)
    copy.set_weights([weight + 1 for weight in copy.get_weights()])
    assert same(network, small())
    assert same(_pretrained.network(str(saved / "net.keras")), network)
    assert same(_pretrained.network("digits-resnet20"), training.load("digits-resnet20").model)
    assert [_pretrained.network(name) for name in ("imagenet", "vgg16", None)] == ["imagenet", "vgg16", None]
    with pytest.raises(ValueError, match="be the folder of a run that has ended"):
        _pretrained.network(str(saved / "empty"))


def test_of_a_network_with_auxiliary_outputs_the_main_way_is_copied():
    image = keras.Input((8, 8, 1))
    x = blocks.conv(image, 4, strides=2, name="one")
    network = Auxiliary(image, [blocks.classifier(x, 3, name=name) for name in ("probabilities", "side")])
    copy = _pretrained.network(network)
    assert copy.output_shape == (None, 3) and "side" not in {layer.name for layer in copy.layers}
    kernels = [each.get_layer("one_conv").kernel for each in (copy, network)]
    assert kernels[0] is not kernels[1]
    np.testing.assert_array_equal(*kernels)


def test_size_and_colours_of_what_is_there_and_of_what_is_built():
    assert _pretrained.native_size("efficientnet_lite0") == BACKBONES["efficientnet_lite0"].size == 224
    assert _pretrained.native_size("resnet20") is None and _pretrained.color("resnet20") is None
    assert _pretrained.native_size(small(12)) == (12, 12)
    any_size = keras.Model(image := keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3)(image))
    assert _pretrained.native_size(any_size) is None and _pretrained.color(any_size) == "grey"
    assert _pretrained.color(small()) == "rgb"


def test_images_come_as_the_backbone_takes_them():
    read = _pretrained.images(arrays(10, 1), small(8, 3), image_size=None, resize="crop")
    assert read.image_shape == (8, 8, 3)
    assert _pretrained.images(arrays(10, 1), "resnet20", image_size=None, resize="crop").image_shape == (10, 10, 1)
    assert _pretrained.images(arrays(10, 1), "vgg16", image_size=6, resize="crop").image_shape == (6, 6, 1)
    assert _pretrained.images(arrays(10, 1), "vgg16", image_size=None, resize="crop").image_shape == (224, 224, 1)
    with pytest.raises(ValueError, match=r"`image_size` must lead to images that the backbone takes, \(8, 8, 3\)"):
        _pretrained.images(arrays(10), small(8), image_size=10, resize="crop")


def test_a_data_is_taken_as_it_is():
    made = datasets.load(arrays(10))
    for backbone in ("vgg16", small(10)):  # neither the default resize nor the native size is asked of it
        assert _pretrained.images(made, backbone, image_size=None, resize="crop").image_shape == (10, 10, 3)
    with pytest.raises(ValueError, match="`image_size` must lead to .* images"):
        _pretrained.images(made, small(8), image_size=None, resize="crop")
    with pytest.raises(ValueError, match="`resize` must be 'stretch' when `data` is a Data"):
        _pretrained.images(made, "vgg16", image_size=None, resize="letterbox")
    with pytest.raises(ValueError, match="`resize` must be 'stretch' when `data` is a Data"):  # not the default there
        _pretrained.images(made, None, image_size=None, resize="crop", default="stretch")


def test_the_default_of_a_recipe_does_not_resize_a_data():
    made = datasets.load(arrays(10))
    assert resizing(made, "letterbox", default="letterbox") == "stretch"
    assert resizing(made, "crop", default="letterbox") == "crop"
    assert resizing("photos", "letterbox", default="letterbox") == "letterbox"
    assert _reading(detect, made, {"validation": 0.1})["resize"] == "stretch"
    assert _reading(detect, "scenes", {})["resize"] == "letterbox"
    assert _reading(detect, made, {"resize": "crop"})["resize"] == "crop"
    assert _reading(lambda data, *, epochs=3, seed=0: None, made, {"epochs": 2}) == {"seed": 0}


def test_an_encoder_is_a_name_or_a_network_or_none():
    for backbone in (None, "vgg16", small()):
        _pretrained.check_encoder(backbone, "imagenet")
    _pretrained.check_encoder(None, "imagenet", networks=False)
    for backbone, options in (("resnet20", {}), ("digits-resnet20", {}), (small(), {"networks": False})):
        with pytest.raises(ValueError, match="`backbone` must be one of"):
            _pretrained.check_encoder(backbone, None, **options)
    with pytest.raises(ValueError, match="`weights` must be the folder of a run"):
        _pretrained.check_encoder("vgg16", "missing.h5")


def test_only_what_has_learned_trains_at_a_lower_rate():
    network = backbones.unet_on(small(32), (32, 32, 3), 2)
    assert _pretrained.rates(network, None, "imagenet", 0.1) is None
    assert _pretrained.rates(network, "vgg16", None, 0.1) is None
    rates = _pretrained.rates(network, small(32), None, 0.25)
    assert rates == _pretrained.rates(network, "vgg16", "imagenet", 0.25)
    weighted = {layer.name for layer in network.layers if layer.weights}
    assert weighted & set(rates) == {"low_conv", "low_norm", "high_conv", "high_norm"} and set(rates.values()) == {0.25}


def test_a_trunk_has_the_weights_and_says_what_went_over():
    given = small()
    lower, moved = _pretrained.trunk(given, "imagenet", "convolutional", (8, 8, 3), 2)
    assert moved is None and lower.output_shape == (None, 2, 2, 6)
    lower, moved = _pretrained.trunk(given, None, "all but output", (8, 8, 3), 2)
    assert moved is None and lower.output_shape == (None, 5)
    source = models.build("resnet20(filters=4)", (16, 16, 3), 7)
    lower, moved = _pretrained.trunk("resnet20(filters=4)", source, "convolutional", (16, 16, 3), 2)
    assert len(moved.taken) == len(lower.weights) and not moved.missing and not moved.other_shape
    lower, moved = _pretrained.trunk("resnet20(filters=4)", source, "convolutional", (16, 16, 1), 2)
    assert moved.other_shape == ("stem_conv/kernel",)  # of colour, for grey
    _, moved = _pretrained.trunk("resnet20(filters=4)", None, "convolutional", (16, 16, 1), 2)
    assert moved is None
    with pytest.raises(ValueError, match="have weights in common"):
        _pretrained.trunk("resnet20(filters=4)", small(), "convolutional", (16, 16, 3), 2)


def test_a_head_never_has_the_name_of_a_layer_that_is_kept():
    kept, _ = _pretrained.trunk(small(), None, "all but output", (8, 8, 3), 2)
    assert {"probabilities_1_dense", "probabilities_1_act"} <= {layer.name for layer in kept.layers}
    assert _pretrained.head_name(kept) == "probabilities2"
    bare, _ = _pretrained.trunk(small(), None, "convolutional", (8, 8, 3), 2)
    assert _pretrained.head_name(bare) == "probabilities"
    network = keras.Model(kept.input, blocks.classifier(kept.output, 2, units=(4,), name="probabilities2"))
    head = ["probabilities2_1_dense", "probabilities2_1_act", "probabilities2"]
    assert _pretrained.head_layers(network) == head


def built(units=(), pooling="average"):
    image = keras.Input((8, 8, 3))
    x = blocks.conv(image, 4, strides=2, name="one")
    return keras.Model(image, blocks.classifier(x, 3, pooling=pooling, units=units, dropout=0.5, name="probabilities"))


@pytest.mark.parametrize(("pooling", "width"), [("average", 4), ("flatten", 64)])
def test_the_head_on_features_answers_as_the_network(pooling, width):
    network, data = built(pooling=pooling), datasets.load(arrays())
    head, found = _pretrained.head_on_features(network, data, verbose=0)
    assert found.image_shape == (width,) and head.input_shape == (None, width)
    expected = network.predict_on_batch(arrays()[0][0])
    answers = head.predict_on_batch(training.vectors(found, "train"))
    np.testing.assert_allclose(answers, expected, atol=1e-6)


def test_a_head_of_one_layer_begins_at_the_means_of_the_classes():
    data = datasets.load(arrays())
    network, hidden = built(), built(units=(5,))
    before = hidden.get_weights()
    _, found = _pretrained.head_on_features(network, data, verbose=0)
    x, y = training.vectors(found, "train"), data.labels("train")
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    means = np.stack([unit[y == label].mean(axis=0) for label in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    kernel = network.get_layer("probabilities").kernel.numpy()
    np.testing.assert_allclose(kernel / np.linalg.norm(kernel, axis=0), means.T, atol=1e-5)
    _pretrained.head_on_features(hidden, data, verbose=0)
    for one, two in zip(before, hidden.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_how_many_stages_are_opened():
    parts = ("low", "mid", "high")
    assert _pretrained.openings(0, True, parts, 99) == _pretrained.openings(None, True, parts, 99) == []
    assert _pretrained.openings("all", False, parts, 99) == [3]
    assert _pretrained.openings(2, True, parts, 99) == [1, 2]
    with pytest.raises(ValueError, match=r"`unfreeze` must be in \[0, 3\]. Received: unfreeze=4. Pass 'all'"):
        _pretrained.openings(4, True, parts, 99)


def test_a_network_keeps_the_precision_that_it_has():
    assert _pretrained.precision(small(), "auto", None, None, 8, 1)["why"] == "the model's own"
    with pytest.raises(ValueError, match="`precision` must be 'auto' or the model's own, 'float32'"):
        _pretrained.precision(small(), "mixed_bfloat16", None, None, 8, 1)


def test_notes_are_told_once_and_kept(capsys):
    note = "grey images are repeated to the three channels of vgg16"
    assert _pretrained.notes("vgg16", None, (8, 8, 1), 0) == [note]
    assert capsys.readouterr().err == ""
    assert _pretrained.notes("vgg16", None, (8, 8, 1), "auto") == [note]
    assert capsys.readouterr().err == note + "\n"
    for backbone, channels in (("vgg16", 3), ("resnet20", 1), (small(), 1)):
        assert _pretrained.notes(backbone, None, (8, 8, channels), 0) == []


def test_for_a_few_images_no_network_is_built_to_time_it():
    def build():
        raise NotImplementedError

    few, many = SimpleNamespace(train_size=999), SimpleNamespace(train_size=1000)
    chosen = _pretrained.precision("efficientnet_lite0", "auto", build, few, 8, 10)
    assert chosen["chosen"] == "float32" and "too few" in chosen["why"]
    with pytest.raises((NotImplementedError, AttributeError)):
        _pretrained.precision("efficientnet_lite0", "auto", build, many, 8, 10)


def test_few_images_train_the_head_alone():
    assert _pretrained.openings("auto", False, "abcd", 999) == []
    assert _pretrained.openings("auto", False, "abcd", 1000) == [1]
