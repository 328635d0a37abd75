import keras
import numpy as np
import pytest
from keras import ops

from kerascnn import losses, metrics
from kerascnn.losses import BoxIoU, BoxMSE, SmoothL1, Sum
from kerascnn.losses.named import BOX_LOSSES

pytestmark = pytest.mark.backend

TRUTH = np.array([[0, 0, 100, 50], [10, 10, 20, 20]], "float32")
FOUND = np.array([[20, 0, 100, 55], [10, 10, 20, 20]], "float32")
SIZE = (100, 200)


def test_by_hand():
    # errors of the first box: 20 / 200 = 0.1 of the width, 5 / 100 = 0.05 of the height
    assert float(BoxMSE(SIZE)(TRUTH, FOUND)) == pytest.approx((0.01 + 0.0025) / 8, rel=1e-5)
    assert float(SmoothL1(SIZE, beta=0.08)(TRUTH, FOUND)) == pytest.approx((0.06 + 0.0025 / 0.16) / 8, rel=1e-5)
    # shared 4000, union 5400, enclosing 100 x 55
    assert float(BoxIoU("giou")(TRUTH, FOUND)) == pytest.approx((1 - 4000 / 5400 + 100 / 5500) / 2, rel=1e-5)
    assert float(BoxIoU("iou")(TRUTH, FOUND)) == pytest.approx((1 - 4000 / 5400) / 2, rel=1e-5)


def test_smooth_l1_is_that_of_keras():
    generator = np.random.default_rng(0)
    a, b = generator.uniform(0, 50, (2, 9, 4)).astype("float32")
    theirs = keras.losses.Huber(delta=4.0)(a, b)  # beta delta, in pixels
    assert float(SmoothL1((1, 1), beta=4.0)(a, b)) == pytest.approx(float(theirs) / 4, rel=1e-5)


def test_weights_of_examples():
    value = float(BoxMSE(SIZE)(TRUTH, FOUND, sample_weight=np.array([0.5, 7.0])))
    assert value == pytest.approx((0.01 + 0.0025) / 16, rel=1e-5)


@pytest.mark.parametrize("name", BOX_LOSSES)
def test_every_name(name):
    loss = losses.boxes(name, SIZE)
    assert float(loss(TRUTH, TRUTH)) == pytest.approx(0, abs=1e-6) and float(loss(TRUTH, FOUND)) > 1e-4
    value = loss(TRUTH, ops.cast(FOUND, "bfloat16"))
    assert keras.backend.standardize_dtype(value.dtype) == "float32"


def test_sums():
    total = losses.boxes("smooth_l1 + 0.5 * ciou", SIZE)
    assert isinstance(total, Sum)
    value = float(SmoothL1(SIZE)(TRUTH, FOUND)) + float(BoxIoU()(TRUTH, FOUND)) / 2
    assert float(total(TRUTH, FOUND)) == pytest.approx(value, rel=1e-6)
    given = keras.losses.MeanSquaredError()
    assert losses.boxes(given, SIZE) is given


@pytest.mark.parametrize(
    "loss", [BoxMSE((3, 4)), SmoothL1((3, 4), 0.2), BoxIoU("giou"), losses.boxes("mse + 2 * diou", (64, 64))]
)
def test_config_round_trip(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    assert float(again(TRUTH, FOUND)) == float(loss(TRUTH, FOUND))


def test_the_loss_and_the_metric_of_one_name_are_told_apart():
    metric = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metrics.BoxIoU()))
    loss = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(BoxIoU()))
    assert type(metric) is metrics.BoxIoU and type(loss) is BoxIoU


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.boxes("giou2", SIZE), "`loss` must be one of 'ciou', 'diou', 'giou', 'mse', 'smooth_l1'"),
        (lambda: losses.boxes("mse", 64), r"`size` must be \(height, width\) in pixels"),
        (lambda: BoxMSE((64, 0)), "`size` must be an integer of at least 1"),
        (lambda: SmoothL1(SIZE, 0), r"`beta` must be in \(0, inf\)"),
        (lambda: BoxIoU("box"), "`kind` must be one of 'ciou'"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
