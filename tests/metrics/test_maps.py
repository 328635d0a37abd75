import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.metrics import PSNR, Dice, MeanIoU, PixelAccuracy, map_confusion, segmentation

pytestmark = pytest.mark.backend

METRICS = [lambda: MeanIoU(2), lambda: Dice(2), lambda: PixelAccuracy()]
MASKS = np.array([[[0, 1], [1, 255]]], "uint8")
PROBABILITIES = np.array([[[[0.9, 0.1], [0.2, 0.8]], [[0.7, 0.3], [0.5, 0.5]]]], "float32")


def value(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


def test_by_hand():
    # class 0: found 2, true 1, both 1; class 1: found 1, true 2, both 1
    assert value(MeanIoU(2), (MASKS, PROBABILITIES)) == pytest.approx(1 / 2)
    assert value(Dice(2), (MASKS, PROBABILITIES)) == pytest.approx(2 / 3)
    assert value(PixelAccuracy(), (MASKS, PROBABILITIES)) == pytest.approx(2 / 3)


def test_weights_of_pixels_and_of_images():
    weights = np.array([[[1.0, 3.0], [2.0, 9.0]]], "float32")
    # class 0: found 3, true 1, both 1; class 1: found 3, true 5, both 3
    assert value(MeanIoU(2), (MASKS, PROBABILITIES, weights)) == pytest.approx((1 / 3 + 3 / 5) / 2)
    assert value(PixelAccuracy(), (MASKS, PROBABILITIES, weights)) == pytest.approx(4 / 6)
    two = np.repeat(MASKS, 2, axis=0), np.repeat(PROBABILITIES, 2, axis=0)
    two[0][1] = 0  # found 3 times of 4: the largest of (0.5, 0.5) is class 0
    assert value(MeanIoU(2), (*two, np.array([1.0, 0.0]))) == pytest.approx(1 / 2)
    assert value(PixelAccuracy(), (*two, np.array([0.0, 1.0]))) == pytest.approx(3 / 4)


@pytest.mark.parametrize("make", METRICS)
def test_batches_add_up_and_the_form_of_the_mask_does_not_matter(make):
    generator = np.random.default_rng(0)
    masks = generator.choice([0, 1, 255], (4, 5, 6)).astype("uint8")
    probabilities = generator.random((4, 5, 6, 2)).astype("float32")
    at_once = value(make(), (masks, probabilities))
    halves = value(make(), (masks[:2], probabilities[:2]), (masks[2:, ..., None], probabilities[2:]))
    assert at_once == pytest.approx(halves, rel=1e-6)
    metric = make()
    value(metric, (masks, probabilities))
    metric.reset_state()
    assert value(metric, (masks, probabilities)) == pytest.approx(at_once, rel=1e-6)


def test_agree_with_the_report():
    generator = np.random.default_rng(1)
    masks = generator.choice([0, 1, 2, 255], (3, 8, 8)).astype("uint8")
    probabilities = generator.random((3, 8, 8, 4)).astype("float32")
    probabilities[..., 3] = 0  # a class that is neither there nor found
    report = segmentation(map_confusion(masks, probabilities, 4), "abcd")
    assert value(MeanIoU(4), (masks, probabilities)) == pytest.approx(report["iou"], rel=1e-6)
    assert value(Dice(4), (masks, probabilities)) == pytest.approx(report["dice"], rel=1e-6)
    assert value(PixelAccuracy(), (masks, probabilities)) == pytest.approx(report["accuracy"], rel=1e-6)


def test_one_mask_a_class():
    masks = np.array([[[1, 1], [0, 1], [255, 0]]], "uint8")  # width 3, 2 classes
    probabilities = np.array([[[0.5, 0.4], [0.6, 0.9], [0.9, 0.1]]], "float32")
    # class 0: found 2, true 1, both 1; class 1: found 1, true 2, both 1
    assert value(MeanIoU(2), (masks, probabilities)) == pytest.approx(1 / 2)
    assert value(PixelAccuracy(), (masks, probabilities)) == pytest.approx(3 / 5)
    report = segmentation(map_confusion(masks, probabilities, 2, multi_label=True), "ab")
    assert report["iou"] == 1 / 2 and report["accuracy"] == 3 / 5


def test_one_class_with_a_sigmoid():
    masks, probabilities = np.array([[1, 0, 1]]), np.array([[[0.9], [0.8], [0.7]]], "float32")
    assert value(MeanIoU(1), (masks, probabilities)) == pytest.approx(2 / 3)


def test_before_the_first_pixel():
    assert float(MeanIoU(3).result()) == 0
    assert value(MeanIoU(2), (np.full((1, 2, 2), 255), PROBABILITIES)) == 0


def test_nothing_is_ignored_if_ignore_is_none():
    masks = np.array([[0, 255]])
    probabilities = np.array([[[0.9, 0.1], [0.9, 0.1]]], "float32")
    assert value(PixelAccuracy(None), (masks, probabilities)) == 1 / 2


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_in_fit(policy):
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential([keras.Input((2, 2, 2)), keras.layers.Activation("linear", dtype="float32")])
    model.compile(loss="mse", metrics=[MeanIoU(2), Dice(2), PixelAccuracy()])
    values = model.evaluate(PROBABILITIES, MASKS[..., None].repeat(2, -1) * 0, verbose=0, return_dict=True)
    assert set(values) == {"loss", "iou", "dice", "accuracy"}
    metric = MeanIoU(2)
    assert keras.backend.standardize_dtype(metric.counts.dtype) == "float32"
    assert value(metric, (MASKS, ops.cast(PROBABILITIES, "bfloat16"))) == pytest.approx(1 / 2)


def test_psnr_by_hand():
    images = np.full((2, 4, 4, 3), 100, "uint8")
    others = images + np.array([25.5, 2.55], "float32")[:, None, None, None]
    assert value(PSNR(), (images, others)) == pytest.approx(30, rel=1e-5)  # the mean of 20 and 40 dB
    assert value(PSNR(), (images, others, np.array([1.0, 0.0]))) == pytest.approx(20, rel=1e-5)
    assert value(PSNR(1.0), (np.zeros((1, 5)), np.full((1, 5), 0.1))) == pytest.approx(20, rel=1e-5)
    assert value(PSNR(), (images, images)) == pytest.approx(148.13, abs=0.01)


@pytest.mark.parametrize("metric", [MeanIoU(3, 7, name="a"), Dice(3, None), PixelAccuracy(9, name="b"), PSNR(1.0)])
def test_config_round_trip(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()
