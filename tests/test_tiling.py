import tracemalloc

import keras
import numpy as np
import pytest

from kerascnn.models import unet
from kerascnn.tiling import predict_tiled

pytestmark = pytest.mark.backend


def network(padding="same", size=(None, None), channels=1, maps=2, final="sigmoid"):
    """Sees two pixels to either side."""
    x = image = keras.Input((*size, channels))
    x = keras.layers.Rescaling(1 / 255)(x)
    x = keras.layers.Conv2D(6, 3, padding=padding, activation="tanh", bias_initializer="random_normal")(x)
    return keras.Model(image, keras.layers.Conv2D(maps, 3, padding=padding, activation=final)(x))


def coarse(pool=4):
    """Sees eight pixels to either side at most, by way of a map of a quarter of the resolution."""
    x = image = keras.Input((None, None, 1))
    x = keras.layers.AveragePooling2D(pool)(x)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(x)
    x = keras.layers.UpSampling2D(pool)(x)
    return keras.Model(image, keras.layers.Conv2D(2, 3, padding="same")(x))


def picture(height, width, channels=1, dtype="uint8"):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels)).astype(dtype)


def whole(model, image):
    return np.asarray(model.predict_on_batch(image[None]))[0]


class Watched:
    """An image on some disk, of which only windows can be had; notes their pixels."""

    def __init__(self, height, width, broken=None):
        self.shape, self.dtype, self.broken, self.read = (height, width), np.dtype("uint8"), broken, []

    def __getitem__(self, key):
        rows, columns = (range(size)[part] for size, part in zip(self.shape, key, strict=True))
        if self.broken in rows:
            raise OSError("a bad sector")
        self.read.append(len(rows) * len(columns))
        return np.add.outer(np.array(rows), 3 * np.array(columns)).astype("uint8")

    def all(self):
        return self[:, :][..., None]


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_inside_the_answers_are_those_of_the_whole_image(dtype):
    model, image = network(channels=3), picture(150, 97, 3, dtype)
    tiled = predict_tiled(model, image, tile=64, overlap=16)
    assert tiled.shape == (150, 97, 2) and tiled.dtype == np.float32
    expected = whole(model, image)
    np.testing.assert_allclose(tiled[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-5)
    assert np.abs(tiled - expected).max() > 1e-3  # the whole image has zeros around it, its tiles are mirrored


def test_strides_that_divide_tile_and_margin_change_nothing():
    model, image = coarse(), picture(200, 120)
    tiled = predict_tiled(model, image, tile=(96, 64), overlap=32)  # a margin of 8
    np.testing.assert_allclose(tiled[16:-16, 16:-16], whole(model, image)[16:-16, 16:-16], atol=1e-4)


def test_a_unet_answers_as_for_the_whole_image():
    model, image = unet((None, None, 1), 2, filters=4, depth=1), picture(180, 150)
    tiled = predict_tiled(model, image, tile=96, overlap=48)  # a margin of 12
    np.testing.assert_allclose(tiled[12:-12, 12:-12], whole(model, image)[12:-12, 12:-12], atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (1, 90), (60, 60), (61, 200), (64, 64), (120, 121)])
@pytest.mark.parametrize("overlap", [None, 12, 33])
def test_a_network_without_padding_answers_for_every_pixel_of_any_image(size, overlap):
    model, image = network("valid"), picture(*size)
    tiled = predict_tiled(model, image, tile=64, overlap=overlap)
    expected = whole(model, np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect"))
    np.testing.assert_allclose(tiled, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 64), (65, 200), (131, 97)])
@pytest.mark.parametrize("overlap", [0, 1, 5, 16, 31, 32, None])
def test_weights_sum_to_one(size, overlap):
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Rescaling(0, offset=3.0)(image))
    np.testing.assert_allclose(predict_tiled(model, np.zeros(size), tile=64, overlap=overlap), 3, atol=1e-6)


def test_one_answer_fades_into_the_next():
    class Left(keras.layers.Layer):
        """A tile is 1 in the left half and 0 in the right."""

        def call(self, x):
            return x * 0 + keras.ops.cast(keras.ops.arange(32) < 16, x.dtype)[None, None, :, None]

    image = keras.Input((32, 32, 1))
    model = keras.Model(image, Left()(image))
    tiled = predict_tiled(model, np.zeros((32, 70)), tile=32, overlap=16)[16, :, 0]
    # margins of 4: cores at 0, 16, 32, 48 of 24 pixels each, which share 8; a core is 1 on its first 12
    rise = np.sin(np.pi / 2 * (np.arange(8) + 0.5) / 8) ** 2
    np.testing.assert_allclose(tiled[:16], [1] * 12 + [0] * 4, atol=1e-6)
    np.testing.assert_allclose(tiled[16:24], rise, atol=1e-6)
    np.testing.assert_allclose(tiled[24:40], [1] * 4 + [0] * 4 + rise.tolist(), atol=1e-6)


def test_mirror_is_the_mean_over_all_symmetries():
    model, image = network("valid"), picture(70, 50)
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    expected = []
    for turns in range(4):
        expected.append(np.rot90(whole(model, np.rot90(padded, turns)), -turns))
        expected.append(np.rot90(whole(model, np.rot90(padded[:, ::-1], turns)), -turns)[:, ::-1])
    tiled = predict_tiled(model, image, tile=32, mirror=True)
    np.testing.assert_allclose(tiled, np.mean(expected, axis=0), atol=1e-5)
    tiled = predict_tiled(model, image, tile=(32, 48), mirror=True)
    np.testing.assert_allclose(tiled, np.mean(expected[:2] + expected[4:6], axis=0), atol=1e-5)
    assert np.abs(tiled - expected[0]).max() > 1e-3


def test_the_model_sees_one_shape_and_type(monkeypatch):
    model, seen = network(), []

    def noted(self, x, of=keras.Model.predict_on_batch):
        seen.append((x.shape, x.dtype))
        return of(self, x)

    monkeypatch.setattr(keras.Model, "predict_on_batch", noted)
    predict_tiled(model, picture(100, 130), tile=64, overlap=16, batch_size=4, mirror=True)
    # cores of 56 that share 8: 2 x 3 tiles, in two batches, in eight ways
    assert len(seen) == 16 and set(seen) == {((4, 64, 64, 1), np.dtype("uint8"))}


@pytest.mark.parametrize("batch_size", [1, 3, 50])
def test_the_batch_size_changes_nothing(batch_size):
    model, image = network(), picture(100, 130)
    expected = predict_tiled(model, image, tile=32)
    np.testing.assert_allclose(predict_tiled(model, image, tile=32, batch_size=batch_size), expected, atol=1e-6)


def test_an_image_is_read_by_windows():
    model, image = network(), Watched(300, 200)
    tiled = predict_tiled(model, image, tile=64, overlap=16)
    assert max(image.read) <= 64 * 64 and sum(image.read) < 2 * 300 * 200
    np.testing.assert_array_equal(tiled, predict_tiled(model, image.all(), tile=64, overlap=16))
    np.testing.assert_array_equal(tiled, predict_tiled(model, image.all()[..., 0], tile=64, overlap=16))


def test_images_and_answers_may_lie_on_the_disk(tmp_path):
    model, image = network(), picture(130, 90)
    expected = predict_tiled(model, image, tile=64)
    mapped = np.memmap(tmp_path / "image.raw", "uint8", "w+", shape=image.shape)
    mapped[:] = image
    out = np.memmap(tmp_path / "out.raw", "float32", "w+", shape=expected.shape)
    assert predict_tiled(model, mapped, tile=64, out=out) is out
    np.testing.assert_array_equal(out, expected)
    found = predict_tiled(model, mapped, tile=64, out=tmp_path / "new" / "out.npy")
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "out.npy"), expected)


def test_a_file_appears_when_it_is_complete(tmp_path):
    with pytest.raises(OSError, match="a bad sector"):
        predict_tiled(network(), Watched(300, 200, broken=250), tile=64, out=tmp_path / "out.npy")
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_height(tmp_path):
    model = network()

    def peak(height):
        image = Watched(height, 200)
        tracemalloc.start()
        predict_tiled(model, image, tile=32, out=tmp_path / "out.npy")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(100)  # compiles
    low, high = peak(200), peak(1600)
    assert high < low + 300_000  # the answers take 2.5 MB


def test_classes_are_the_largest_map_or_above_one_half(tmp_path):
    model, image = network(maps=5), picture(100, 90)
    classes = predict_tiled(model, image, tile=64, result="classes")
    assert classes.shape == (100, 90) and classes.dtype == np.uint8 and len(np.unique(classes)) > 1
    np.testing.assert_array_equal(classes, predict_tiled(model, image, tile=64).argmax(-1))
    single = network(maps=1)
    found = predict_tiled(single, image, tile=64, result="classes", out=tmp_path / "a.npy")
    np.testing.assert_array_equal(found, predict_tiled(single, image, tile=64)[..., 0] > 0.5)
    assert found.dtype == np.uint8


def test_mixed_precision_gives_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert predict_tiled(network(), picture(20, 20), tile=32).dtype == np.float32


def test_nothing_is_printed_where_there_is_no_terminal(capsys):
    predict_tiled(network(), picture(20, 20), tile=32, progress=True)
    assert capsys.readouterr() == ("", "")


def strided():
    image = keras.Input((None, None, 1))
    return keras.Model(image, keras.layers.Conv2D(2, 3, 2, padding="same")(image))


def classifier():
    image = keras.Input((None, None, 1))
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))


@pytest.mark.parametrize(
    ("model", "options", "part"),
    [
        (network, {"tile": 0}, "`tile` must be an integer of at least 1"),
        (network, {"tile": (8, 8, 8)}, "`tile` must fit"),
        (lambda: network(size=(64, 48)), {"tile": 64}, r"`tile` must fit .*\(64, 48\)"),
        (network, {"tile": 64, "overlap": 33}, r"`overlap` must be in \[0, 32\]"),
        (lambda: network("valid"), {"tile": 64, "overlap": 3}, "`overlap` must be an integer of at least 4"),
        (network, {"image": picture(9, 9, 3)}, r"`image` must be one image \(height, width, 1\)"),
        (network, {"image": picture(9, 9)[None]}, "`image` must be one image"),
        (network, {"image": np.zeros((0, 4))}, "`image` must be one image"),
        (network, {"image": np.zeros((9, 9), "uint16")}, "`image` must be uint8 or float, in 0..255"),
        (network, {"result": "labels"}, "`result` must be one of"),
        (lambda: network(maps=300), {"result": "classes"}, "`result` must be 'probabilities' for more than 256"),
        (network, {"batch_size": 0}, "`batch_size` must be"),
        (network, {"progress": "loud"}, "`progress` must be one of"),
        (network, {"out": "map.tif"}, "`out` must be an array or the path of a .npy file"),
        (network, {"out": np.zeros((9, 9))}, r"`out` must be an array \(9, 9, 2\) of float32"),
        (strided, {}, "`model` must give maps of the size of a tile"),
        (classifier, {}, "`model` must give maps of the size of a tile"),
        (lambda: keras.Sequential([keras.layers.Conv2D(1, 3)]), {}, "`model` must be a Functional or built"),
        (lambda: keras.Sequential([keras.Input((8, 1)), keras.layers.Conv1D(1, 3)]), {}, "`model` must take one batch"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named_before_any_work(model, options, part, monkeypatch):
    monkeypatch.setattr(keras.Model, "predict_on_batch", None)
    with pytest.raises(ValueError, match=part):
        predict_tiled(model(), **{"image": picture(9, 9), **options})


def test_the_tiles_of_a_unet_are_seen_as_in_the_whole_of_any_size():
    model, image = unet((None, None, 1), 2, filters=4, depth=1, convolutions=1), picture(101, 75)
    inner = (slice(8, -8), slice(8, -8))  # what a border does is another thing
    tiled = predict_tiled(model, image, tile=64, overlap=32)
    np.testing.assert_allclose(tiled[inner], whole(model, image)[inner], atol=1e-5)
