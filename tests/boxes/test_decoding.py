import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.boxes import AnchorFree, YoloGrid

pytestmark = pytest.mark.backend


def test_anchor_free_by_hand():
    outputs = np.array([[[1, 2, 30, 40, 0, np.log(3)]]], "float32")
    boxes, scores = AnchorFree()(outputs)
    assert ops.convert_to_numpy(boxes).tolist() == [[[1, 2, 30, 40]]]
    np.testing.assert_allclose(ops.convert_to_numpy(scores), [[[0.5, 0.75]]], rtol=1e-6)


def test_half_precision_becomes_float32():
    for part in (
        *AnchorFree()(ops.ones((1, 2, 6), "bfloat16")),
        *YoloGrid((8, 8), 1, 1)(ops.ones((1, 2, 2, 6), "bfloat16")),
    ):
        assert keras.backend.standardize_dtype(part.dtype) == "float32"


def test_the_grid_by_hand():
    outputs = np.zeros((1, 2, 4, 12), "float32")  # cells of 20 x 30 pixels: 2 boxes, 2 classes
    outputs[0, 1, 2] = [0.5, 0.25, 0.5, 1.0, 0.8, 0, 1, -0.5, 0.5, 0.5, 0.25, 1.5]
    boxes, scores = map(ops.convert_to_numpy, YoloGrid((60, 80), classes=2)(outputs))
    assert boxes.shape == (1, 16, 4) and scores.shape == (1, 16, 2)
    at = (
        1 * 4 + 2
    ) * 2  # middle (50, 37.5), a quarter of the width, the whole height; then (40, 60), a quarter of both
    np.testing.assert_allclose(boxes[0, at : at + 2], [[40, 7.5, 60, 67.5], [30, 52.5, 50, 67.5]], rtol=1e-6)
    np.testing.assert_allclose(scores[0, at : at + 2], [[0.2, 1.0], [0.125, 0.75]], rtol=1e-6)  # 1.2 is kept at 1
    assert not scores[0, :at].any() and not scores[0, at + 2 :].any()


@pytest.mark.parametrize("decoder", [AnchorFree(), YoloGrid((60, 80), 3), YoloGrid([64, 64], 20, boxes=1)])
def test_config_round_trip(decoder):
    assert keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(decoder)) == decoder
    hash(decoder)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: YoloGrid(448, 20), r"`image_size` must be \(height, width\) in pixels"),
        (lambda: YoloGrid((448, 0), 20), "`image_size` must be an integer of at least 1"),
        (lambda: YoloGrid((8, 8), 0), "`classes` must be an integer of at least 1"),
        (lambda: YoloGrid((8, 8), 2, 0), "`boxes` must be an integer of at least 1"),
        (lambda: YoloGrid((8, 8), 2)(np.zeros((1, 7, 7, 30))), r"`outputs` must have 5 \* 2 \+ 2 values a cell"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
