"""The small detection network, and the Detector around any: sizes, files, what it finds in painted images."""

import keras
import numpy as np
import pytest

from kerascnn.boxes import AnchorFree, YoloGrid, cell_centres
from kerascnn.inspect import cost
from kerascnn.layers import BatchNormalization, nested, unfuse
from kerascnn.models import Detector, small_detector

NAMES = ["bar", "dot"]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def thin(**options):
    return small_detector((64, 64, 3), 2, filters=4, blocks=1, channels=4, depth=1, **options)


def seeing():
    """A network by hand: each cell of 8 pixels that is bright is a "dot", exactly its own square."""
    inputs = keras.Input((32, 48, 1))
    light = keras.layers.AveragePooling2D(8)(inputs)
    centres = cell_centres((32, 48), (8,))
    boxes = np.concatenate([centres - 4, centres + 4], -1)
    logits = keras.layers.Reshape((24, 1))(light) / 10 - 10  # 200: a logit of 10
    fixed = keras.ops.zeros_like(logits) + boxes[None]
    outputs = keras.layers.Concatenate()([fixed, keras.ops.zeros_like(logits) - 20, logits])
    return keras.Model(inputs, outputs)


def detector(**options):
    return Detector(seeing(), AnchorFree(), NAMES, (32, 48), most=5, **options)


def painted(height, width, *boxes):
    image = np.zeros((height, width, 1), "uint8")
    for left, top, right, bottom in boxes:
        image[top:bottom, left:right] = 200
    return image


def test_small_detector_is_small_and_takes_any_size():
    network = small_detector((64, 64, 3), 4)
    assert cost(network, (64, 64, 3)).flops < 60e6
    assert network(np.zeros((2, 50, 64, 3), "uint8")).shape == (2, 16 * 14 + 8 * 7, 8)
    assert np.isclose(np.asarray(keras.ops.sigmoid(network(np.zeros((1, 64, 64, 3)))[..., 4:])), 0.01, atol=0.01).all()
    wide = small_detector((None, None, 1), 3, filters=4, strides=(16, 4, 2))
    assert wide(np.zeros((1, 32, 32, 1))).shape == (1, 256 + 64 + 4, 7)


def test_small_detector_with_the_head_of_2016():
    network = thin(head="yolo", grid=5)
    assert network.output_shape == (None, 5, 5, 12)
    with pytest.raises(ValueError, match="sizes in pixels"):
        small_detector((None, None, 3), 2, head="yolo")


@pytest.mark.parametrize("strides", [(3, 6), (4, 4), (1, 2), (), 8])
def test_strides_are_checked(strides):
    with pytest.raises(ValueError, match="`strides` must be different powers of two"):
        small_detector((64, 64, 3), 2, strides=strides)


@pytest.mark.backend
def test_what_is_painted_is_found_in_its_own_pixels():
    images = np.stack([painted(32, 48, (8, 16, 16, 24), (40, 0, 48, 8)), painted(32, 48)])
    found = detector().predict(images)
    assert {key: value.shape for key, value in found.items()} == {
        "boxes": (2, 5, 4), "scores": (2, 5), "classes": (2, 5), "count": (2,), "names": (2, 5)
    }  # fmt: skip
    assert found["count"].tolist() == [2, 0]
    assert sorted(found["boxes"][0, :2].round(3).tolist()) == [[8, 16, 16, 24], [40, 0, 48, 8]]
    np.testing.assert_allclose(found["scores"][0], [1 / (1 + np.exp(-10))] * 2 + [0] * 3, atol=1e-5)
    assert found["names"].tolist() == [["dot", "dot", "", "", ""], [""] * 5]
    assert found["classes"].dtype == np.int32 and found["classes"][1].tolist() == [-1] * 5


@pytest.mark.backend
def test_images_of_other_sizes_get_boxes_in_their_pixels():
    large = painted(64, 96, (16, 32, 32, 48))
    tall = painted(64, 32, (8, 8, 16, 16))  # letterboxed to 16 x 32 with margins of 16: half a cell
    found = detector(score=0.4).predict([large, painted(32, 48), tall], batch_size=2)
    assert [len(each["boxes"]) for each in found] == [1, 0, 0]
    np.testing.assert_allclose(found[0]["boxes"], [[16, 32, 32, 48]], atol=1e-3)
    assert found[0]["names"].tolist() == ["dot"] and set(found[0]) == {"boxes", "scores", "classes", "names"}
    whole = detector().predict(large[None])
    np.testing.assert_allclose(whole["boxes"][0, 0], [16, 32, 32, 48], atol=1e-3)


@pytest.mark.backend
def test_calling_is_predicting():
    model = detector()
    images = np.stack([painted(64, 64, (24, 24, 40, 40)), painted(64, 64, (0, 0, 64, 64))])
    called, found = model(images), model.predict(images)
    for key in ("boxes", "scores", "classes", "count"):
        np.testing.assert_allclose(np.asarray(called[key]), found[key], atol=1e-3)
    assert (found["boxes"] >= 0).all() and (found["boxes"] <= 64).all() and found["count"][1] > 3


def test_a_view_has_other_options_and_the_same_network():
    model = detector()
    view = model.with_(score=0.9999, most=2)
    assert view.network is model.network and view.image_size == (32, 48) and (view.score, view.most) == (0.9999, 2)
    assert model.most == 5
    dim = painted(32, 48, (8, 16, 16, 24))
    dim[dim > 0] = 120  # a logit of 2
    assert model.predict(dim[None])["count"].tolist() == [1] and view.predict(dim[None])["count"].tolist() == [0]
    np.testing.assert_array_equal(model.raw(dim[None]), model.network(dim[None]))


def test_nothing_in_nothing_out():
    assert detector().predict([]) == []
    assert detector().predict(np.zeros((0, 32, 48, 1)))["names"].shape == (0, 5)


@pytest.mark.parametrize(("images", "rule"), [(np.zeros((1, 8, 8, 3)), "width, 1"), (np.zeros((8, 8)), "be images")])
def test_other_channels_and_axes_are_refused(images, rule):
    with pytest.raises(ValueError, match=f"`images` must.*{rule}"):
        detector().predict(images)


@pytest.mark.backend
@pytest.mark.parametrize("head", ["anchor-free", "yolo"])
def test_a_file_brings_it_back(head, tmp_path):
    decoder = AnchorFree() if head == "anchor-free" else YoloGrid((64, 64), 2, 2)
    network = thin(head=head)
    network.compile("sgd", "mse")
    model = Detector(network, decoder, NAMES, (64, 64), resize="stretch", score=0.0, iou=0.3, most=7, soft=0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is Detector and loaded.decoder == decoder and not loaded.network.compiled
    assert loaded.get_config() == model.get_config() | {"network": loaded.get_config()["network"]}
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 90, 3), "uint8")
    found, again = model(images), loaded(images)
    for key, value in found.items():
        np.testing.assert_array_equal(again[key], value)


def test_unfusing_reaches_the_network_inside():
    model = Detector(thin(), AnchorFree(), NAMES, (64, 64), score=0.0)
    copy = unfuse(model)
    assert any(isinstance(layer, BatchNormalization) for layer in model.network.layers)
    assert type(copy) is Detector and not any(isinstance(layer, BatchNormalization) for layer in copy.network.layers)
    assert nested.for_use(copy) is copy and copy.count_params() == model.network.count_params()
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), "uint8")
    np.testing.assert_allclose(copy.raw(images), model.raw(images), rtol=1e-4, atol=1e-4)
