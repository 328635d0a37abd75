"""What every loss of maps must do; then the numbers of those that are means over pixels or compare regions."""

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.losses import Boundary, Focal, Lovasz, MapCrossentropy, SoftDice, Sum, Tversky, maps

pytestmark = pytest.mark.backend

LOSSES = [MapCrossentropy(), Focal(), SoftDice(), Tversky(), Lovasz(), Boundary(radius=3), maps("auto")]
ALL = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)


def example(seed=0, shape=(2, 5, 6), classes=3):
    generator = np.random.default_rng(seed)
    masks = generator.integers(0, classes, shape).astype("uint8")
    logits = generator.normal(size=(*shape, classes))
    return masks, (np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)).astype("float32")


def multi_label(loss):
    config = keras.losses.serialize(loss)
    for part in [config, *(part for part, _ in config["config"].get("parts", ()))]:
        if "multi_label" in part["config"]:
            part["config"]["multi_label"] = True
    return keras.losses.deserialize(config)


def gradient(function, x):
    """d function / d x, on either backend."""
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: ops.squeeze(function(x)))(ops.convert_to_tensor(x)))
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x).numpy()


@ALL
def test_one_float_for_a_batch_whatever_the_form_of_the_target(loss):
    masks, probabilities = example()
    value = loss(masks, probabilities)
    assert value.shape == () and keras.backend.standardize_dtype(value.dtype) == "float32"
    for other in (masks[..., None], np.eye(3, dtype="uint8")[masks], masks.astype("float32")):
        assert float(loss(other, probabilities)) == pytest.approx(float(value), rel=1e-6)


@ALL
@pytest.mark.parametrize("shape", [(2, 7), (1, 3, 4, 5)])
def test_rank_one_and_three(loss, shape):
    masks, probabilities = example(shape=shape)
    assert np.isfinite(float(loss(masks, probabilities)))


@ALL
def test_ignored_pixels_change_nothing_whatever_is_predicted_there(loss):
    masks, probabilities = example()
    masks[:, 2:4] = 255
    disturbed = probabilities.copy()
    disturbed[:, 2:4] = [0.98, 0.01, 0.01]
    assert float(loss(masks, disturbed)) == pytest.approx(float(loss(masks, probabilities)), rel=1e-6)
    slope = gradient(lambda x: loss(masks, x), probabilities)
    assert not slope[:, 2:4].any() and slope[:, :2].any() and np.isfinite(slope).all()


@pytest.mark.parametrize("loss", [MapCrossentropy(), Focal(), SoftDice(), Tversky(), Lovasz()], ids=lambda x: x.name)
def test_ignored_pixels_are_as_if_cut_off(loss):
    masks, probabilities = example()
    masks[:, 3:] = 255
    assert float(loss(masks, probabilities)) == pytest.approx(float(loss(masks[:, :3], probabilities[:, :3])), rel=1e-5)


@ALL
def test_nothing_but_ignored_pixels_is_0_with_gradient_0(loss):
    masks, probabilities = example()
    masks[:] = 255
    assert float(loss(masks, probabilities)) == 0
    assert not gradient(lambda x: loss(masks, x), probabilities).any()


@ALL
def test_gradients_are_finite_with_sure_answers_and_missing_classes(loss):
    masks, _ = example()
    masks[:] = 1
    for sure in (0, 1):
        slope = gradient(lambda x: loss(masks, x), np.eye(3, dtype="float32")[np.full(masks.shape, sure)])
        assert np.isfinite(slope).all()


@ALL
def test_pixels_of_weight_0_are_as_if_ignored_except_that_means_divide_by_them_too(loss):
    masks, probabilities = example()
    weights = np.ones(masks.shape, "float32")
    weights[:, 3:] = 0
    disturbed = probabilities.copy()
    disturbed[:, 3:] = [0.98, 0.01, 0.01]
    assert float(loss(masks, disturbed, weights)) == pytest.approx(float(loss(masks, probabilities, weights)), rel=1e-6)
    assert float(loss(masks, disturbed)) != pytest.approx(float(loss(masks, probabilities)), rel=1e-3)


@ALL
def test_multi_label_takes_one_mask_a_class_with_ignored_entries(loss):
    masks, probabilities = example()
    each = (np.random.default_rng(1).random((*masks.shape, 3)) < 0.4).astype("uint8")
    each[0, 0, :, 1] = 255
    disturbed = probabilities.copy()
    disturbed[0, 0, :, 1] = 0.99
    several = multi_label(loss)
    assert float(several(each, disturbed)) == pytest.approx(float(several(each, probabilities)), rel=1e-6)
    disturbed[0, 0, :, 0] = 0.99
    assert float(several(each, disturbed)) != pytest.approx(float(several(each, probabilities)), rel=1e-4)


@ALL
def test_config_round_trip(loss):
    config = keras.losses.serialize(loss)
    again = keras.losses.deserialize(config)
    assert type(again) is type(loss) and keras.losses.serialize(again) == config
    masks, probabilities = example()
    assert float(again(masks, probabilities)) == float(loss(masks, probabilities))


def test_every_argument_is_kept():
    common = {"class_weight": (1.0, 2.0), "ignore": None, "multi_label": True, "name": "other"}
    for cls, own in [
        (MapCrossentropy, {"label_smoothing": 0.1}),
        (Focal, {"gamma": 1.5}),
        (Tversky, {"alpha": 0.2, "beta": 0.9}),
        (SoftDice, {}),
        (Lovasz, {}),
        (Boundary, {"radius": 5}),
    ]:
        arguments = {**common, **own}
        again = keras.losses.deserialize(keras.losses.serialize(cls(**arguments)))
        assert {name: getattr(again, name) for name in arguments} == arguments


def test_trains_in_fit_with_a_weight_map_and_without():
    masks, _ = example()
    images = np.eye(3, dtype="float32")[masks]
    for weights in (None, np.ones(masks.shape, "float32")):
        model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1, activation="softmax")])
        model.compile(keras.optimizers.SGD(1.0), maps("crossentropy + dice + lovasz + 0.5 * boundary"))
        losses = model.fit(images, masks, sample_weight=weights, epochs=5, verbose=0).history["loss"]
        assert losses[-1] < losses[0]


def test_crossentropy_is_that_of_keras_where_every_pixel_counts():
    masks, probabilities = example()
    theirs = float(keras.losses.SparseCategoricalCrossentropy()(masks, probabilities))
    assert float(MapCrossentropy()(masks, probabilities)) == pytest.approx(theirs, rel=1e-6)
    theirs = float(keras.losses.SparseCategoricalCrossentropy(ignore_class=1)(masks, probabilities))
    assert float(MapCrossentropy(ignore=1)(masks, probabilities)) == pytest.approx(theirs, rel=1e-6)
    weights = np.random.default_rng(2).random(masks.shape).astype("float32")
    theirs = float(keras.losses.SparseCategoricalCrossentropy()(masks, probabilities, weights))
    assert float(MapCrossentropy()(masks, probabilities, weights)) == pytest.approx(theirs, rel=1e-6)
    each = np.eye(3, dtype="float32")[masks]
    theirs = float(keras.losses.BinaryCrossentropy(label_smoothing=0.2)(each, probabilities))
    ours = MapCrossentropy(label_smoothing=0.2, multi_label=True)
    assert float(ours(each, probabilities)) == pytest.approx(theirs, rel=1e-6)


def test_crossentropy_by_hand_with_weights_smoothing_and_ignored_pixels():
    masks = np.array([[[0, 1, 255]]])
    probabilities = np.array([[[[0.5, 0.5], [0.75, 0.25], [0.1, 0.9]]]], "float32")
    weighted = MapCrossentropy({1: 3.0})
    assert float(weighted(masks, probabilities)) == pytest.approx((np.log(2) + 3 * np.log(4)) / 2, rel=1e-6)
    image = np.array([[[2.0, 1.0, 7.0]]])
    assert float(weighted(masks, probabilities, image)) == pytest.approx((2 * np.log(2) + 3 * np.log(4)) / 2, rel=1e-6)
    assert float(weighted(masks, probabilities, np.array([0.5]))) == pytest.approx(
        (np.log(2) + 3 * np.log(4)) / 4, rel=1e-6
    )
    smooth = float(MapCrossentropy(label_smoothing=0.2)(masks, probabilities))  # targets (.9, .1) and (.1, .9)
    assert smooth == pytest.approx((np.log(2) - 0.1 * np.log(0.75) - 0.9 * np.log(0.25)) / 2, rel=1e-6)


def test_class_weights_of_masks_one_a_class():
    each, probabilities = np.array([[[1, 0]]]), np.array([[[0.5, 0.25]]], "float32")
    loss = MapCrossentropy((2.0, 0.5), multi_label=True)
    assert float(loss(each, probabilities)) == pytest.approx((2 * np.log(2) - 0.5 * np.log(0.75)) / 2, rel=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only there Keras goes back to the logits")
def test_a_sure_mistake_of_a_softmax_still_has_its_gradient():
    model = keras.Sequential([keras.Input((1, 1, 2)), keras.layers.Conv2D(2, 1, activation="softmax", use_bias=False)])
    model.layers[0].kernel.assign(np.array([[[[0.0, 60.0], [0.0, 0.0]]]]))  # probabilities (1e-26, 1)
    model.compile(keras.optimizers.SGD(1.0), MapCrossentropy())
    assert model.train_on_batch(np.array([[[[1.0, 0.0]]]]), np.array([[[0]]])) == pytest.approx(60, rel=1e-5)
    np.testing.assert_allclose(model.layers[0].kernel[0, 0, 0], [1, 59], rtol=1e-5)


def test_focal_is_that_of_keras_and_crossentropy_for_gamma_0():
    masks, probabilities = example()
    each = np.eye(3, dtype="float32")[masks]
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=(1.0, 2.0, 0.5), gamma=1.5)(each, probabilities)
    weighted = Focal(1.5, class_weight=(1.0, 2.0, 0.5))
    assert float(weighted(masks, probabilities)) == pytest.approx(float(theirs), rel=1e-6)
    plain = float(MapCrossentropy()(masks, probabilities))
    assert float(Focal(0)(masks, probabilities)) == pytest.approx(plain, rel=1e-5)
    theirs = float(keras.losses.BinaryFocalCrossentropy(gamma=2)(each, probabilities))
    assert float(Focal(2, multi_label=True)(each, probabilities)) == pytest.approx(theirs, rel=1e-6)


def test_dice_is_that_of_keras_class_by_class():
    masks, probabilities = example()
    each = np.eye(3, dtype="float32")[masks]
    theirs = ops.convert_to_numpy(keras.losses.dice(each, probabilities, axis=(0, 1, 2)))
    assert float(SoftDice()(masks, probabilities)) == pytest.approx(theirs.mean(), rel=1e-6)
    assert float(Tversky(0.5, 0.5)(masks, probabilities)) == pytest.approx(theirs.mean(), rel=1e-6)
    weighted = SoftDice(class_weight={0: 0.0, 2: 3.0})
    assert float(weighted(masks, probabilities)) == pytest.approx((theirs[1] + 3 * theirs[2]) / 4, rel=1e-6)


def test_tversky_by_hand():
    masks = np.array([[1, 1, 0]])
    probabilities = np.array([[[0.5, 0.5], [0, 1], [1, 0]]], "float32")
    # class 0: TP 1, FP 0.5, FN 0; class 1: TP 1.5, FP 0, FN 0.5
    expected = 1 - (1 / (1 + 0.5 * 0.3) + 1.5 / (1.5 + 0.5 * 0.7)) / 2
    assert float(Tversky(0.3, 0.7)(masks, probabilities)) == pytest.approx(expected, rel=1e-5)


def test_a_class_that_is_not_there_counts_nothing_in_a_region_loss():
    masks, probabilities = np.array([[0, 0]]), np.array([[[0.5, 0.5], [1, 0]]], "float32")
    assert float(SoftDice()(masks, probabilities)) == pytest.approx(1 - 2 * 1.5 / 3.5, rel=1e-5)


def test_a_weight_map_within_dice():
    masks, probabilities = np.array([[1, 1, 0]]), np.array([[[0.5], [1.0], [0.5]]], "float32")
    weights = np.array([[2.0, 1.0, 0.5]])  # TP 2, prediction 2.25, truth 3
    value = float(SoftDice(multi_label=True)(masks, probabilities, weights))
    assert value == pytest.approx(1 - 2 * 2 / (2.25 + 3), rel=1e-5)


@pytest.mark.parametrize(
    ("masks", "several", "message"),
    [
        (
            np.zeros((2, 7, 6)),
            False,
            r"`y_true` must be of shape \(2, 5, 6\) or \(2, 5, 6, 3\)\. Received: y_true=\(",
        ),
        (np.zeros((2, 5, 6, 2)), False, r"Received: y_true=\(2, 5, 6, 2\)"),
        (np.zeros((2, 5, 6)), True, r"`y_true` must be of shape \(2, 5, 6, 3\)"),
        (np.zeros((2,)), False, "The mask has the size of the output"),
    ],
)
def test_shapes_that_do_not_belong_together(masks, several, message):
    with pytest.raises(ValueError, match=message):
        MapCrossentropy(multi_label=several)(masks, example()[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MapCrossentropy({0: -1.0}), r"`class_weight\[0\]` must be in \[0, inf\)"),
        (lambda: MapCrossentropy(label_smoothing=1), r"`label_smoothing` must be in \[0, 1\)"),
        (lambda: Focal(-1), r"`gamma` must be in \[0, inf\)"),
        (lambda: Tversky(beta=0), r"`beta` must be in \(0, inf\)"),
        (lambda: Boundary(0), "`radius` must be an integer of at least 1"),
        (lambda: SoftDice(class_weight=(1, 1, 1, 1))(*example()), "`class_weight` must have no more than 3 classes"),
        (lambda: Sum([]), "`parts` must have at least one pair"),
        (lambda: Sum([SoftDice()]), "`parts` must be pairs of a keras.losses.Loss and its weight"),
        (lambda: Sum([(SoftDice(), -1)]), r"`parts` must be in \[0, inf\)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
