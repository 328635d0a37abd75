import math

import numpy as np
import pytest

from kerascnn.augmentation import Brightness, Invert, Pipeline, graph, host
from kerascnn.augmentation.distortions import Elastic, Perspective
from kerascnn.augmentation.engine import run
from kerascnn.augmentation.flips import QuarterTurn, RandomFlip
from kerascnn.augmentation.geometry import Rotate, Shift, Zoom
from kerascnn.augmentation.plan import plan
from kerascnn.augmentation.targets import both_ways, move, swap

SIZE = (10, 20)  # height, width
MASK = np.arange(200, dtype=np.uint8).reshape(1, *SIZE)


def matrix(xx=1.0, xy=0.0, x=0.0, yx=0.0, yy=1.0, y=0.0, gx=0.0, gy=0.0):
    return np.array([[[xx, xy, x], [yx, yy, y], [gx, gy, 1]]])


def boxes(*rows, labels=None):
    labels = range(len(rows)) if labels is None else labels
    return {"boxes": np.array([rows], np.float32), "labels": np.array([list(labels)])}


def moved_boxes(matrices, entry, size=SIZE, **options):
    result = move({"bounding_boxes": entry}, matrices, SIZE, size, host, **options)["bounding_boxes"]
    assert result["boxes"].dtype == np.float32 and result["labels"].dtype == entry["labels"].dtype
    return result["boxes"][0].tolist(), result["labels"][0].tolist()


def moved_points(matrices, *points, size=SIZE):
    batch = {"keypoints": np.array([points], np.float32)}
    result = move(batch, matrices, SIZE, size, host)["keypoints"]
    assert result.dtype == np.float32
    return result[0].tolist()


def test_all_but_the_images_comes_back():
    batch = {"images": MASK[..., None], "labels": np.array([3]), "weights": np.array([0.5])}
    result = move(batch, matrix(), SIZE, SIZE, host)
    assert result.keys() == {"labels", "weights"} and result["labels"] is batch["labels"]


def test_masks_are_mirrored_like_images():
    mirrored = move({"segmentation_masks": MASK}, matrix(xx=-1), SIZE, SIZE, host)["segmentation_masks"]
    assert mirrored.dtype == np.uint8 and (mirrored == MASK[..., ::-1]).all()
    layers = np.stack([MASK, 255 - MASK], axis=-1)
    turned = move({"segmentation_masks": layers}, matrix(xx=-1, yy=-1), SIZE, SIZE, host)["segmentation_masks"]
    assert (turned == layers[:, ::-1, ::-1]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_where_nothing_was_a_mask_is_ignored(dtype):
    batch = {"segmentation_masks": MASK.astype(dtype)}
    for border, left in (("zero", [255, 255, 0]), ("edge", [0, 0, 0]), ("reflect", [2, 1, 0])):
        mask = move(batch, matrix(x=2), SIZE, SIZE, host, border=border)["segmentation_masks"]
        assert mask.dtype == dtype and mask[0, 0, :3].tolist() == left
    assert move(batch, matrix(x=2), SIZE, SIZE, host, border="zero", ignore=7)["segmentation_masks"][0, 0, 0] == 7


def test_a_turned_mask_has_no_new_classes():
    mask = np.zeros((1, *SIZE), np.uint8)
    mask[0, 3:7, 5:15] = 9
    turned = move({"segmentation_masks": mask}, Rotate((20, 20)).matrices(np.ones((1, 1)), SIZE, np), SIZE, SIZE, host)
    assert set(np.unique(turned["segmentation_masks"])) == {0, 9}
    assert abs((turned["segmentation_masks"] == 9).sum() - 40) <= 4


def test_boxes_go_where_their_pixels_go():
    entry = boxes((2, 1, 6, 4))
    assert moved_boxes(matrix(xx=-1), entry) == ([[14, 1, 18, 4]], [0])
    assert moved_boxes(matrix(yy=-1), entry) == ([[2, 6, 6, 9]], [0])
    assert moved_boxes(matrix(x=3, y=-1), entry) == ([[5, 0, 9, 3]], [0])
    assert moved_boxes(matrix(xx=0.5, yy=2), entry)[0] == [[6, -0.0, 8, 3]]  # x: 10 + (2 - 10) / 2; y cut off above


@pytest.mark.parametrize("transform", [RandomFlip("horizontal"), RandomFlip("vertical"), QuarterTurn()])
def test_boxes_masks_and_points_agree(transform):
    size = (12, 12)
    mask = np.zeros((20, *size), np.uint8)
    mask[:, 2:5, 1:8] = 1
    batch = {
        "segmentation_masks": mask,
        "bounding_boxes": {"boxes": np.tile(np.float32([1, 2, 8, 5]), (20, 1, 1)), "labels": np.zeros((20, 1), int)},
        "keypoints": np.tile(np.float32([1, 2]), (20, 1, 1)),  # the box's first pixel
    }
    matrices = transform.matrices(np.random.default_rng(0).random((20, 1)), size, np)
    result = move(batch, matrices, size, size, host)
    for mask, (box,), (point,) in zip(
        result["segmentation_masks"], result["bounding_boxes"]["boxes"], result["keypoints"], strict=True
    ):
        rows, columns = np.nonzero(mask)
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box, expected, atol=1e-4)
        assert min(abs(point[0] - expected[0]), abs(point[0] - expected[2] + 1)) < 1e-4
        assert min(abs(point[1] - expected[1]), abs(point[1] - expected[3] + 1)) < 1e-4


def test_a_turned_box_is_the_rectangle_around_it():
    eighth = Rotate((45, 45)).matrices(np.ones((1, 1)), SIZE, np)
    half = 2 * math.sqrt(2)
    found, _ = moved_boxes(eighth, boxes((8, 3, 12, 7)))
    np.testing.assert_allclose(found, [[10 - half, 5 - half, 10 + half, 5 + half]], atol=1e-5)


def test_boxes_are_dropped_below_the_visible_share():
    entry = boxes((0, 0, 4, 4), (1, 0, 5, 4), (10, 2, 12, 4), (0, 0, 0, 0), labels=(5, 6, 7, -1))
    left = matrix(x=-3)  # a quarter of the first remains, and a half of the second
    assert moved_boxes(left, entry, min_visible=0.3)[1] == [-1, 6, 7, -1]
    assert moved_boxes(left, entry, min_visible=0.25) == (
        [[0, 0, 1, 4], [0, 0, 2, 4], [7, 2, 9, 4], [0, 0, 0, 0]],
        [5, 6, 7, -1],
    )
    dropped = moved_boxes(matrix(x=-30), entry, min_visible=0)
    assert dropped == ([[0, 0, 0, 0]] * 4, [-1] * 4)


def test_boxes_and_points_of_a_crop_count_from_its_corner():
    crop = matrix(x=4.0, y=1.0)  # of a window of 8 x 10 whose centre is at (6, 4)
    assert moved_boxes(crop, boxes((2, 1, 6, 4)), size=(8, 10)) == ([[1, 1, 5, 4]], [0])
    assert moved_points(crop, (2, 1), (11, 4), size=(8, 10)) == [[1, 1], [-1, -1]]


def test_points_outside_are_minus_one_and_stay_so():
    points = (0, 0), (19, 9), (-1, -1), (3, 4)
    assert moved_points(matrix(x=1), *points) == [[1, 0], [-1, -1], [-1, -1], [4, 4]]
    assert moved_points(matrix(xx=-1), *points) == [[19, 0], [0, 9], [-1, -1], [16, 4]]


def test_perspective_moves_points_as_pixels():
    u = np.random.default_rng(3).random((1, 8))
    matrices = Perspective(0.2).matrices(u, (60, 80), np)
    mask = np.zeros((1, 60, 80), np.uint8)
    mask[0, 20:23, 30:33] = 1
    batch = {"segmentation_masks": mask, "keypoints": np.float32([[[31, 21]]])}
    result = move(batch, matrices, (60, 80), (60, 80), host, border="edge")
    centre = np.argwhere(result["segmentation_masks"][0]).mean(axis=0)[::-1]
    np.testing.assert_allclose(result["keypoints"][0, 0], centre, atol=0.6)
    assert abs(result["keypoints"][0, 0] - (31, 21)).max() > 1


def test_behind_the_horizon_nothing_is_seen():
    horizon = matrix(gx=-0.2)  # at x = 5 from the centre
    (hidden, seen), labels = moved_boxes(horizon, boxes((12, 2, 19, 6), (4, 4, 8, 6)))
    assert hidden == [0, 0, 0, 0] and labels == [-1, 1]
    assert seen == pytest.approx([10 - 6 / 2.2, 5 - 1 / 1.4, 10 - 2 / 1.4, 5 + 1 / 1.4])
    assert moved_points(horizon, (17, 5), (9.5, 4.5)) == [[-1, -1], [9.5, 4.5]]


BATCH = {
    "labels": np.array([0, 2, 1, 0]),
    "segmentation_masks": np.array([[[0, 2, 255]]] * 4, np.uint8),
    "bounding_boxes": {"boxes": np.ones((4, 2, 4), np.float32), "labels": np.array([[2, -1]] * 4)},
}
FLIPPED = np.array([True, True, True, False])


def test_classes_are_exchanged_where_flipped():
    result = swap(BATCH, FLIPPED, {0: 2})
    assert result["labels"].tolist() == [2, 0, 1, 0]
    assert result["segmentation_masks"][:, 0].tolist() == [[2, 0, 255]] * 3 + [[0, 2, 255]]
    assert result["segmentation_masks"].dtype == np.uint8
    assert result["bounding_boxes"]["labels"].tolist() == [[0, -1]] * 3 + [[2, -1]]
    assert BATCH["labels"].tolist() == [0, 2, 1, 0]


def test_several_pairs_are_exchanged_at_once():
    labels = np.arange(8)
    result = swap({"labels": labels}, labels >= 0, {0: 7, 5: 3, 2: 1})["labels"]
    assert result.tolist() == [7, 2, 1, 5, 4, 3, 6, 0]


def test_shares_of_classes_are_exchanged():
    shares = np.float32([[0.7, 0.2, 0.1]] * 4)
    result = swap({"labels": shares}, FLIPPED, {0: 2})["labels"]
    np.testing.assert_array_equal(result, np.float32([[0.1, 0.2, 0.7]] * 3 + [[0.7, 0.2, 0.1]]))
    assert result.dtype == np.float32


def test_names_are_refused():
    with pytest.raises(ValueError, match="`swap` must hold indices"):
        swap(BATCH, FLIPPED, {"left": "right"})


def test_pairs_may_stand_both_ways():
    assert both_ways({1: 2, 2: 1}) == {1: 2, 2: 1} == both_ways({1: 2})


def graph_case():
    """A batch, its matrices, and what the host makes of them."""
    batch = {**BATCH, "keypoints": np.float32([[[0, 0], [-1, -1]]] * 4)}
    batch["bounding_boxes"] = {**BATCH["bounding_boxes"], "boxes": np.tile(np.float32([0, 0, 2, 1]), (4, 2, 1))}
    matrices = RandomFlip().matrices(np.float32([[0.1], [0.9], [0.2], [0.6]]), (1, 3), np)
    return batch, matrices, swap(move(batch, matrices, (1, 3), (1, 3), host), FLIPPED, {0: 2})


def in_keras(batch, matrices, flipped):
    import keras

    from kerascnn.augmentation import graph

    moved = move(batch, keras.ops.cast(matrices, "float32"), (1, 3), (1, 3), graph)
    return swap(moved, flipped, {0: 2}, keras.ops)


@pytest.mark.backend
def test_keras_ops_move_targets_alike():
    import keras

    batch, matrices, expected = graph_case()
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, batch)
    moved = in_keras(tensors, matrices, keras.ops.convert_to_tensor(FLIPPED))
    for own, given, other in zip(*map(keras.tree.flatten, (expected, tensors, moved)), strict=True):
        assert given.dtype == other.dtype
        np.testing.assert_allclose(keras.ops.convert_to_numpy(other), own, atol=1e-5)


def test_a_graph_needs_not_know_the_number_of_images():
    import keras
    import tensorflow as tf

    batch, matrices, expected = graph_case()
    given = (batch, matrices.astype(np.float32), FLIPPED)
    signature = tf.nest.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), given)
    moved = tf.function(in_keras, input_signature=signature)(*given)
    for own, other in zip(keras.tree.flatten(expected), keras.tree.flatten(moved), strict=True):
        np.testing.assert_allclose(other, own, atol=1e-5)


MOVES = [Rotate(30), Elastic(2), Shift(0.3), RandomFlip(), Zoom(0.3, p=0.5), Perspective()]


@pytest.mark.parametrize("transform", MOVES)
@pytest.mark.parametrize(("size", "border"), [(16, "reflect"), (64, "zero")])
def test_target_images_move_as_the_images_do_and_keep_their_colours(transform, size, border):
    images, indices = np.random.default_rng(0).integers(0, 256, (6, size, size, 3), "uint8"), np.arange(6)
    pipeline = Pipeline(transform, Brightness(0.5), Invert(p=0.5), border=border)
    changed = pipeline.apply({"images": images, "target_images": images}, indices)
    np.testing.assert_array_equal(changed["target_images"], Pipeline(transform, border=border).apply(images, indices))
    np.testing.assert_array_equal(changed["images"], pipeline.apply(images, indices))
    assert (changed["images"] != changed["target_images"]).any()


@pytest.mark.parametrize("transform", MOVES)
def test_target_images_move_in_a_graph_too(transform):
    images = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 1)).astype("float32")
    steps = plan(Pipeline(transform))
    u = np.random.default_rng(1).random((3, steps.draws)).astype("float32")
    changed = run(steps, {"images": images, "target_images": images}, u, graph)
    np.testing.assert_allclose(changed["target_images"], changed["images"], atol=1e-4)
    assert np.abs(np.asarray(changed["target_images"]) - images).max() > 1
