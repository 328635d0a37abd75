import numpy as np
import pytest

from kerascnn.data import Data, load, plain_batches, suited_batch_size

X = np.tile(np.arange(8, dtype=np.uint8)[:, None, None, None], (1, 20, 40, 1))
BOXES = [[[4, 2, 14, 12, i % 2], [0, 0, 40, 20, 1 - i % 2]][: 1 + (i > 0)] for i in range(8)]  # the first has one


def targets_of(data, split="train"):
    return np.concatenate([rows for _, rows in plain_batches(data, split, 3)])


def by_image(data):
    both = data.train.concatenate(data.validation)
    return {int(image[0, 0, 0]): rows for image, rows in both.as_numpy_iterator()}


def padded():
    table = np.full((8, 2, 5), -1.0)
    for image, rows in zip(table, BOXES, strict=True):
        image[: len(rows)] = rows
    return table


@pytest.mark.parametrize(
    "y",
    [
        BOXES,
        [np.array(rows) for rows in BOXES],
        padded(),
        {"boxes": padded()[..., :4], "labels": padded()[..., 4].astype(int)},
        [{"boxes": [row[:4] for row in rows], "labels": [row[4] for row in rows]} for rows in BOXES],
        {
            "boxes": [[row[:4] for row in rows] for rows in BOXES],
            "labels": [[row[4] for row in rows] for rows in BOXES],
        },
    ],
    ids=["lists", "arrays", "padded", "padded dict", "dicts", "dict of lists"],
)
def test_every_form_of_boxes_is_the_same(y):
    data = load((X, y), targets="boxes", validation=0.25, class_names=("cat", "dog"))
    assert (data.train_size, data.validation_size, data.class_names) == (6, 2, ("cat", "dog"))
    assert data.targets == "boxes" and data.train.element_spec[1].shape == (2, 5)
    assert by_image(data)[0].tolist() == [[4, 2, 14, 12, 0], [0, 0, 0, 0, -1]]
    assert by_image(data)[3].tolist() == [[4, 2, 14, 12, 1], [0, 0, 40, 20, 0]]


@pytest.mark.parametrize(
    ("box_format", "box"),
    [
        ("xyxy", [4, 2, 14, 12]),
        ("yxyx", [2, 4, 12, 14]),
        ("xywh", [4, 2, 10, 10]),
        ("center_xywh", [9, 7, 10, 10]),
        ("rel_xyxy", [0.1, 0.1, 0.35, 0.6]),
        ("rel_yxyx", [0.1, 0.1, 0.6, 0.35]),
        ("rel_xywh", [0.1, 0.1, 0.25, 0.5]),
        ("rel_center_xywh", [0.225, 0.35, 0.25, 0.5]),
    ],
)
def test_every_format_is_converted(box_format, box):
    pair = X[:2], [[[*box, 0]]] * 2
    data = load((pair, pair), targets="boxes", box_format=box_format)
    np.testing.assert_allclose(targets_of(data), [[[4, 2, 14, 12, 0]]] * 2, atol=1e-5)


def test_one_object_an_image_and_numbers_for_names():
    y = np.array([[4, 2, 14, 12, i % 3] for i in range(8)])
    data = load(((X, y), (X[:3], y[:3]), (X[:3], {"boxes": y[:3, :4], "labels": y[:3, 4]})), targets="box")
    assert data.class_names == ("0", "1", "2") and data.object_counts == (3, 3, 2)
    assert targets_of(data).tolist() == y.tolist() and targets_of(data, "test").tolist() == y[:3].tolist()
    rows = [y[:1], y[:0], y[2:4], *y[3:, None]]
    with pytest.raises(
        ValueError, match=r"exactly one object .*2 images with none or several: y\[1\] \(0\), y\[2\] \(2\)"
    ):
        load((X, rows), targets="box")
    with pytest.warns(UserWarning, match="validation=0"):
        kept = load((X, rows), targets="box", skip_bad=True, validation=0)
    assert list(by_image(kept)) == [0, 3, 4, 5, 6, 7] and kept.report["skipped"] == ["y[1] (0)", "y[2] (2)"]


def test_images_and_boxes_are_resized_together():
    data = load((X, BOXES), targets="boxes", image_size=20, resize="letterbox", validation=0.25)
    assert data.image_shape == (20, 20, 1) and data.report["resize"] == "letterbox"
    for rows in by_image(data).values():
        one, other = rows.tolist()
        assert one[:4] == [2, 6, 7, 11]
        assert other in ([0, 5, 20, 15, 1 - one[4]], [0, 0, 0, 0, -1])


def test_splits_have_as_many_rows_and_ignored_objects_stay():
    three = [[[0, 0, 9, 9, 0]], [[0, 0, 9, 9, 0], [1, 1, 4, 4, 1], [2, 2, 3, 3, -3]], []]
    data = load(((X[:4], [[[0, 0, 9, 9, 1], [0, 0, 9, 9, 0]]] * 4), (X[:3], three)), targets="boxes")
    assert data.train.element_spec[1].shape == data.validation.element_spec[1].shape == (3, 5)
    assert targets_of(data, "validation")[1, 2].tolist() == [2, 2, 3, 3, -3]
    assert (data.report["apart"], data.report["negatives"], data.report["objects"]) == (1, 1, 11)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[[0, 0, 1, 1]]] * 8, r"`y\[0\].shape` must be \(objects, 5\)"),
        (BOXES[:7], "`x` and `y` must have one entry an example. Received: 8 and 7"),
        ({"boxes": BOXES}, '`keys of y` must be "boxes" and "labels"'),
        ([[[0, 0, 1, 1, 0.5]]] * 8, r"`classes of y\[0\]` must be whole numbers"),
        ([[[0, 0, 1, 1, "cat"]]] * 8, r"`y\[0\]` must be boxes and classes"),
        ([[[0, 0, 1, 1, 0], [5, 5, 4, 9, 0]]] * 8, r"object 2 of y\[0\] \(empty or inverted: left 5, top 5, right 4"),
        ([[[0, 0, 1, 1, 2]]] * 8, "training objects of every class. Received: data=\"none of '0', '1'"),
        ([[]] * 8, "have at least one object"),
    ],
)
def test_what_does_not_fit_is_said(y, message):
    with pytest.raises(ValueError, match=message):
        load((X, y), targets="boxes")


def test_a_class_that_only_validation_has_is_named():
    with pytest.raises(ValueError, match=r"object 1 of y_val\[0\] \(class 1 is none of training\)"):
        load(((X, [[[0, 0, 1, 1, 0]]] * 8), (X[:1], [[[0, 0, 1, 1, 1]]])), targets="boxes")
    with pytest.raises(ValueError, match=r"object 1 of y\[0\] \(class 3 is none of class_names\)"):
        load((X, [[[0, 0, 1, 1, 3]]] * 8), targets="boxes", class_names=("cat", "dog"))


def own(rows, targets="boxes"):
    import tensorflow as tf

    rows = np.asarray(rows)
    elements = tf.data.Dataset.from_tensor_slices((X[: len(rows)], rows))
    return Data(elements, elements, class_names=("cat", "dog"), targets=targets)


def test_a_data_of_boxes_is_taken_and_checked():
    data = own(np.float32([[[0, 0, 40, 20, 1], [0, 0, 0, 0, -1], [1, 1, 2, 2, -3]]]))
    assert load(data, targets="boxes") is data and data.object_counts == (0, 1)
    assert load(own(np.float32([[0, 0, 40, 20, 1]]), "box"), targets="box").object_counts == (0, 1)
    with pytest.raises(ValueError, match="`data` must have box as targets"):
        load(data, targets="box")
    for rows, message in (
        (np.zeros((1, 2, 5)), r"be float32 \(most, 5\) for each image"),
        (np.float32([[[0, 0, 4, 4, 2]]]), r"have classes in 0..1, -1 or -2 - class. Received: .*\[2.0\]"),
        (np.float32([[[0, 0, 4, 4, -4]]]), r"have classes in 0..1"),
        (np.float32([[[4, 0, 4, 4, 0]]]), "have left < right and top < bottom within the image"),
        (np.float32([[[0, 0, 41, 4, 0]]]), "within the image, in its pixels"),
    ):
        with pytest.raises(ValueError, match=message):
            load(own(rows), targets="boxes")
    with pytest.raises(ValueError, match=r"`box of train` must have classes in 0..1"):
        load(own(np.float32([[0, 0, 4, 4, -1]]), "box"), targets="box")


def test_a_step_has_a_million_pixels():
    import tensorflow as tf

    def sized(side, count=10_000):
        one = tf.data.Dataset.from_tensors((np.zeros((side, side, 3), np.uint8), np.zeros((2, 5), np.float32)))
        return Data(one, one, class_names=("a",), train_size=count, targets="boxes")

    assert [suited_batch_size(sized(side)) for side in (64, 256, 512, 2048)] == [128, 16, 4, 1]
    assert suited_batch_size(sized(256, 205)) == 8
