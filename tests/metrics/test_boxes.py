import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.boxes import AnchorFree, YoloGrid
from kerascnn.metrics import AveragePrecision, BoxIoU, average_precision

BACKEND = pytest.mark.backend  # not all: without jax.jit each call is compiled anew

BOX, FAR, THIRD = [0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50]
ABSENT = [0, 0, 0, 0, -1]


def outputs(*images, classes=1):
    """Images of (box, class, score) as a network's output, padded with boxes that nobody believes."""
    most = max(map(len, images))
    table = np.full((len(images), most, 4 + classes), -20, "float32")
    for image, rows in enumerate(images):
        for k, (box, label, score) in enumerate(rows):
            table[image, k, :4], table[image, k, 4 + label] = box, np.log(score / (1 - score))
    return table


def value(metric, *batches):
    for truth, found in batches:
        metric.update_state(np.array(truth, "float32"), found)
    return float(metric.result())


def metric(classes=1, **options):
    return AveragePrecision(AnchorFree(), classes, **options)


@BACKEND
def test_by_hand():
    # right, wrong, right of 3 objects: precision 1 up to recall 1/3, then 2/3 up to 2/3
    truth = [[[*BOX, 0], [*FAR, 0]], [[*THIRD, 0], ABSENT]]
    found = outputs([(BOX, 0, 0.9), ([1, 50, 9, 60], 0, 0.8)], [([40, 40, 50, 46], 0, 0.7)])
    assert value(metric(), (truth, found)) == pytest.approx(1 / 3 + 2 / 9, rel=1e-6)
    assert value(metric(iou=0.7), (truth, found)) == pytest.approx(1 / 3, rel=1e-6)


def test_a_second_box_on_one_object_is_wrong():
    found = outputs([(BOX, 0, 0.7), ([5, 0, 20, 10], 0, 0.9)])  # IoU 5 / 20 with each other
    assert value(metric(iou=0.2), ([[[*BOX, 0]]], found)) == 1  # 0.9 is right, 0.7 comes too late
    found = outputs([(BOX, 0, 0.9), ([5, 0, 20, 10], 0, 0.8), (FAR, 0, 0.7)])
    truth = [[[*BOX, 0], [*FAR, 0]]]
    assert value(metric(iou=0.2), (truth, found)) == pytest.approx(1 / 2 + 2 / 3 / 2, rel=1e-6)


def test_duplicates_are_suppressed_first():
    found = outputs([(BOX, 0, 0.9), ([0, 0, 10, 9], 0, 0.8), (FAR, 0, 0.7)])
    assert value(metric(), ([[[*BOX, 0], [*FAR, 0]]], found)) == 1


def test_classes_are_judged_apart_and_those_without_objects_left_out():
    truth = [[[*BOX, 0], [*FAR, 1], ABSENT]]
    found = outputs([(BOX, 0, 0.9), (FAR, 0, 0.95), (FAR, 2, 0.9)], classes=3)
    assert value(metric(3), (truth, found)) == pytest.approx((1 / 2 + 0) / 2, rel=1e-6)


def test_a_difficult_object_is_neither_asked_for_nor_wrong_to_find():
    found = outputs([(BOX, 0, 0.8), (FAR, 0, 0.9)])
    assert value(metric(), ([[[*BOX, 0], [*FAR, -2]]], found)) == 1
    assert value(metric(2), ([[[*BOX, 0], [*FAR, -3]]], outputs([(BOX, 0, 0.8), (FAR, 0, 0.9)], classes=2))) == 0.5


def test_before_the_first_object_and_after_a_reset():
    one = metric()
    assert float(one.result()) == 0
    assert value(one, ([[[*BOX, 0]]], outputs([(BOX, 0, 0.9)]))) == 1
    one.reset_state()
    assert float(one.result()) == 0
    assert value(one, ([[ABSENT]], outputs([(BOX, 0, 0.9)]))) == 0


@BACKEND
def test_weights_of_images():
    truth = np.array([[[*BOX, 0]], [[*BOX, 0]]], "float32")
    one = metric()
    one.update_state(truth, outputs([(BOX, 0, 0.9)], [(FAR, 0, 0.8)]), sample_weight=np.array([3.0, 1.0]))
    assert float(one.result()) == pytest.approx(3 / 4, rel=1e-6)


def scene(generator, classes):
    """Well-separated objects, most of them found, and some boxes that are wrong."""
    corners = generator.permutation([(x, y) for x in range(0, 320, 40) for y in range(0, 320, 40)])
    truth, found = [], []
    for corner in corners[: generator.integers(3, 12)]:
        box, label = np.concatenate([corner, corner + generator.uniform(12, 38, 2)]), generator.integers(classes)
        truth.append([*box, label])
        if generator.random() < 0.8:
            found.append((box + generator.normal(0, 1.5, 4), label, generator.beta(5, 2)))
    for corner in corners[20 : 20 + generator.integers(0, 8)]:
        box = np.concatenate([corner, corner + generator.uniform(12, 38, 2)])
        found.append((box, generator.integers(classes), generator.beta(2, 4)))
    found = [(box, label, float(np.clip(score, 0.06, 0.99))) for box, label, score in found]
    return truth + [ABSENT] * (12 - len(truth)), found


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_evaluator_of_coco(seed):
    generator = np.random.default_rng(seed)
    truths, found = zip(*(scene(generator, 3) for _ in range(30)), strict=True)
    one = metric(3)
    for k in range(0, 30, 10):
        one.update_state(np.array(truths[k : k + 10], "float32"), outputs(*found[k : k + 10], classes=3))
    split = [tuple(np.array(part) for part in zip(*rows, strict=True)) if rows else ([], [], []) for rows in found]
    split = [(boxes, scores, labels) for boxes, labels, scores in split]
    theirs = average_precision(truths, split, "abc")["map50"]
    assert 0.4 < theirs < 0.9 and float(one.result()) == pytest.approx(theirs, abs=0.02)


@BACKEND
def test_in_fit():
    model = keras.Sequential([keras.Input((2, 5)), keras.layers.Activation("linear", dtype="float32")])
    model.compile(loss=lambda y_true, y_pred: ops.mean(y_pred), metrics=[metric()])
    found = outputs([(BOX, 0, 0.9), (FAR, 0, 0.8)], [(FAR, 0, 0.7), (BOX, 0, 0.2)])
    truth = np.array([[[*BOX, 0], ABSENT, ABSENT], [[*FAR, 0], ABSENT, [*THIRD, 0]]], "float32")
    values = model.evaluate(found, truth, batch_size=1, verbose=0, return_dict=True)
    assert values["map50"] == pytest.approx(1 / 3 + 2 / 3 / 3, rel=1e-6)  # right, wrong, right, wrong of 3


@BACKEND
def test_box_iou():
    one = BoxIoU()
    one.update_state(np.array([BOX, FAR], "float32"), ops.cast([[0, 0, 10, 5], FAR], "bfloat16"))
    assert float(one.result()) == pytest.approx(0.75)


@pytest.mark.parametrize(
    "given",
    [metric(3, iou=0.75, candidates=9, bins=50, name="a"), AveragePrecision(YoloGrid((8, 8), 2), 2), BoxIoU("b")],
)
def test_config_round_trip(given):
    again = keras.metrics.deserialize(keras.metrics.serialize(given))
    assert type(again) is type(given) and again.get_config() == given.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metric(0), "`classes` must be an integer of at least 1"),
        (lambda: metric(iou=0), r"`iou` must be in \(0, 1\]"),
        (lambda: metric(candidates=0), "`candidates` must be an integer of at least 1"),
        (lambda: metric(bins=0), "`bins` must be an integer of at least 1"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
