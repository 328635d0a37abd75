import numpy as np
import pytest

from kerascnn.data import load, plain_batches


def images(n=20, shape=(6, 6, 3), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(np.uint8)


Y = np.arange(20) % 4


def stored(data, split="train"):
    return np.concatenate([x for x, _ in plain_batches(data, split, 7).as_numpy_iterator()])


def test_two_pairs_stay_what_they_are():
    x = images()
    data = load(((x, Y), (x[:5], Y[:5])))
    assert (data.image_shape, data.train_size, data.validation_size, data.test) == ((6, 6, 3), 20, 5, None)
    assert data.class_names == ("0", "1", "2", "3") and data.class_counts == (5, 5, 5, 5)
    assert (stored(data) == x).all() and (data.labels("train") == Y).all()
    assert data.report["in_memory"] and data.report["bytes"] == 25 * 108


def test_three_pairs_have_a_test_split_and_one_pair_is_split():
    x = images()
    assert load(((x, Y), (x[:5], Y[:5]), (x[:3], Y[:3]))).test_size == 3
    data = load((x, Y), validation=0.2)
    assert (data.train_size, data.validation_size) == (16, 4)
    assert sorted(data.labels("validation").tolist()) == [0, 1, 2, 3]
    together = np.concatenate([stored(data), stored(data, "validation")])
    assert sorted(map(bytes, together)) == sorted(map(bytes, x))


def test_the_split_is_that_of_the_seed():
    x = images()
    assert (stored(load((x, Y))) == stored(load((x, Y)))).all()
    assert (stored(load((x, Y), seed=1), "validation") != stored(load((x, Y), seed=2), "validation")).any()


def test_channels_first_are_turned_and_a_missing_channel_is_added():
    x = images()
    assert (stored(load(((x.transpose(0, 3, 1, 2), Y),) * 2, channels="first")) == x).all()
    assert load(((x[..., 0], Y),) * 2).image_shape == (6, 6, 1)


def test_columns_of_labels_and_wide_integers_are_taken():
    x = images()
    data = load(((x.astype(np.int64), Y[:, None]),) * 2)
    assert (stored(data) == x).all() and stored(data).dtype == np.uint8


def test_floats_in_0_to_255_become_float32():
    x = images().astype(np.float64) / 2
    assert stored(load(((x, Y),) * 2)).dtype == np.float32
    assert (stored(load(((x, Y),) * 2)) == x).all()


def test_color_and_size_are_changed():
    x = np.full((20, 4, 8, 3), (255, 0, 0), np.uint8)
    grey = load(((x, Y),) * 2, color="grey")
    assert grey.image_shape == (4, 8, 1) and stored(grey).max() == stored(grey).min() == 76  # 0.299 * 255
    rgb = load(((x[..., :1], Y),) * 2, color="rgb")
    assert rgb.image_shape == (4, 8, 3) and (stored(rgb) == 255).all()
    boxed = load(((x, Y),) * 2, image_size=4, resize="letterbox")
    assert boxed.report["resize"] == "letterbox"
    assert stored(boxed)[0, :, 0, 0].tolist() == [0, 255, 255, 0]
    assert (stored(load(((x, Y),) * 2, image_size=(2, 4)))[0] == (255, 0, 0)).all()


def test_shrinking_averages_instead_of_picking():
    board = np.indices((8, 8)).sum(0) % 2 * 200.0
    x = np.tile(board.astype(np.float32)[..., None], (20, 1, 1, 1))
    small = stored(load(((x, Y),) * 2, image_size=2))
    np.testing.assert_allclose(small, 100, atol=12)  # every pixel 0 or 200 without anti-aliasing


X = images()
WRONG = {
    "x and y differ": (((X, Y[:-1]),) * 2, "`x` and `y` must have one entry an example. Received: 20 and 19"),
    "one-hot": (((X, np.eye(4)[Y]),) * 2, r"`y.shape` must be \(n,\).*y.argmax\(-1\)"),
    "floats": (((X, Y / 2),) * 2, "`y.dtype` must be an integer type. Received: y.dtype='float64'"),
    "words": (((X, np.array(["a", "b"] * 10)),) * 2, "return_inverse"),
    "negative": (((X, Y - 1),) * 2, r"`y.min\(\)` must be 0 or more. Received: y.min\(\)=-1"),
    "beyond": (((X, Y), (X, Y + 1)), r"`y_val.max\(\)` must be below 4, the number of classes in y.*=4"),
    "huge": (((X, Y * 1000),) * 2, r"`y.max\(\)` must be below the number of images.*3000"),
    "NaN": (((np.where(np.arange(20) == 3, np.nan, 9.0)[:, None, None, None] * np.ones((6, 6, 1)), Y),) * 2, "index 3"),
    "above 255": (((X.astype(int) * 2, Y),) * 2, r"`x` must be in 0..255. Received: x='\d+ to \d+'"),
    "negative pixels": (((X / -255.0, Y),) * 2, "`x` must be in 0..255"),
    "objects": (((X.astype(object), Y),) * 2, "`x.dtype` must be a number type"),
    "flat": (((X.reshape(20, -1), Y),) * 2, "`x.shape` must be"),
    "no images": (((X[:0], Y[:0]),) * 2, "`x.shape` must be"),
    "shapes": (((X, Y), (X[:, :5], Y)), "one image shape in all splits.*Pass image_size="),
    "four pairs": (((X, Y),) * 4, "be one to three"),
    "single images": (((X[:4], Y[:4]),), "two images or more"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arrays_are_named(data, message):
    with pytest.raises(ValueError, match=message):
        load(data)


def test_class_names_limit_the_labels():
    names = ("a", "b", "c", "d")
    assert load(((X, Y),) * 2, class_names=names).class_names == names
    with pytest.raises(ValueError, match="below 3, the number of class names"):
        load(((X, Y),) * 2, class_names=names[:3])


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (X / 255.0, Y, "`x` is in 0..1, and models take 0..255: multiply it by 255."),
        (X, Y * 0, "one class only, '0'"),
        (X, Y * 2, "3 of 7 classes with no training image: '1', '3', '5'"),
        (X, np.where(np.arange(20) == 7, 9, Y % 9), "1 of 10 classes with one training image only: '9'"),
        (np.moveaxis(X, -1, 1), Y, "pass channels='first'"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_doubtful_arrays_warn_and_are_reported(x, y, text):
    with pytest.warns(UserWarning, match=text):
        data = load(((x, y),) * 2)
    assert any(text[:20] in warning for warning in data.report["warnings"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"resize": "strech"}, "Did you mean 'stretch'"),
        ({"channels": "middle"}, "`channels` must be one of"),
        ({"color": "gray"}, "Did you mean 'grey'"),
        ({"validation": -0.1}, r"`validation` must be in \[0, 0.5\]"),
        ({"memory": 2}, "`memory` must be in"),
        ({"seed": -1}, "`seed` must be"),
        ({"image_size": 0}, "`image_size` must be an integer of at least 1"),
        ({"image_size": (1, 2, 3)}, "`image_size` must be one or two integers"),
    ],
)
def test_wrong_options_are_named(option, message):
    with pytest.raises(ValueError, match=message):
        load((X, Y), **option)


def test_one_image_a_class_is_trained_on_with_nothing_held_out():
    with pytest.warns(UserWarning, match="4 of 4 classes with one training image only"):
        with pytest.warns(UserWarning, match="With validation=0 no image is held out"):
            data = load((X[:4], Y[:4]), validation=0)
    assert (data.train_size, data.validation_size) == (4, 4)
    np.testing.assert_array_equal(stored(data), stored(data, "validation"))
    assert any("no image is held out" in warning for warning in data.report["warnings"])


def test_a_class_of_one_image_has_none_in_validation():
    with pytest.warns(UserWarning, match="1 of 4 classes with one training image only: '3'"):
        data = load((X[:19], np.append(np.arange(18) % 3, 3)))
    assert data.labels("train").tolist().count(3) == 1 and 3 not in data.labels("validation")


def test_a_validation_split_that_is_given_is_taken_without_a_warning():
    data = load(((X, Y), (X[:3], Y[:3])), validation=0)
    assert (data.validation_size, data.report["warnings"]) == (3, [])


def test_volumes_are_not_resized():
    volumes = np.zeros((20, 4, 4, 4, 1), np.uint8)
    assert load(((volumes, Y),) * 2).image_shape == (4, 4, 4, 1)
    with pytest.raises(
        ValueError, match=r"`image_size` must be None for `x` of volumes. Received: image_size=\(2, 2\)"
    ):
        load(((volumes, Y),) * 2, image_size=2)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="`data` must be a folder, a name, .* Received: data='dict'"):
        load({"x": X})
