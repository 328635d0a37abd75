"""The exact answer of TensorFlow on random boxes, then what it cannot say."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.boxes import suppressed

BACKEND = pytest.mark.backend  # not all: without jax.jit each call is compiled anew


def example(batch=3, n=400, classes=2, seed=0, side=100.0):
    """Random boxes, and scores of which no two are equal."""
    generator = np.random.default_rng(seed)
    a, b = generator.uniform(0, side, (2, batch, n, 2))
    boxes = np.concatenate([np.minimum(a, b), np.maximum(a, b)], axis=-1).astype("float32")
    scores = generator.permuted(np.tile(np.arange(n * classes), (batch, 1)), axis=1) / (n * classes)
    return boxes, scores.reshape(batch, n, classes).astype("float32")


def arrays(found):
    return {name: ops.convert_to_numpy(value) for name, value in found.items()}


def by_hand(boxes, scores, iou, score, most, most_each):
    """Non-maximum suppression of one image as a textbook has it."""
    found = []
    for label in range(scores.shape[1]):
        kept = []
        for k in np.argsort(-scores[:, label]):
            apart = all(overlap(boxes[k], boxes[other]) <= np.float32(iou) for other in kept)
            if scores[k, label] > score and apart and len(kept) < most_each:
                kept.append(k)
        found += [(scores[k, label], label, boxes[k]) for k in kept]
    return sorted(found, key=lambda each: -each[0])[:most]


def overlap(a, b):
    shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), np.float32(0)))
    union = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared
    return shared / union if shared > 0 else np.float32(0)


CASES = [
    {},
    {"iou": 0.1},
    {"iou": 0.9, "most": 300},
    {"score": 0.6},
    {"score": 0.999},
    {"most": 10, "most_each": 7},
    {"most": 50, "most_each": 200, "iou": 0.3},
    {"iou": 0.0, "most": 5},
]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it is the one to agree with")
@pytest.mark.parametrize("options", CASES, ids=str)
@pytest.mark.parametrize("n", [1, 63, 64, 400, 1500])
def test_the_very_answer_of_tensorflow(options, n):
    import tensorflow as tf

    boxes, scores = example(n=n, seed=n)
    ours = arrays(suppressed(boxes, scores, **options))
    most = options.get("most", 100)
    theirs = tf.image.combined_non_max_suppression(
        boxes[:, :, None],
        scores,
        min(options.get("most_each", most), n),
        most,
        options.get("iou", 0.5),
        options.get("score", 0.05),
        clip_boxes=False,
    )
    assert ours["boxes"].shape == (3, most, 4)
    np.testing.assert_array_equal(ours["count"], theirs.valid_detections)
    np.testing.assert_array_equal(ours["boxes"], theirs.nmsed_boxes)
    np.testing.assert_array_equal(ours["scores"], theirs.nmsed_scores)
    there = np.arange(most) < ours["count"][:, None]
    np.testing.assert_array_equal(ours["classes"], np.where(there, theirs.nmsed_classes, -1))


@BACKEND
@pytest.mark.parametrize("options", CASES[:4], ids=str)
def test_the_answer_of_a_textbook(options):
    boxes, scores = example(batch=2, n=150)
    found = arrays(suppressed(boxes, scores, **options))
    for i in range(2):
        most = options.get("most", 100)
        expected = by_hand(boxes[i], scores[i], options.get("iou", 0.5), options.get("score", 0.05), most, most)
        count = found["count"][i]
        assert count == len(expected)
        np.testing.assert_array_equal(found["scores"][i, :count], [score for score, _, _ in expected])
        np.testing.assert_array_equal(found["classes"][i, :count], [label for _, label, _ in expected])
        np.testing.assert_array_equal(found["boxes"][i, :count], np.reshape([box for _, _, box in expected], (-1, 4)))
        assert (found["classes"][i, count:] == -1).all() and not found["scores"][i, count:].any()


def test_more_rows_than_are_taken_at_a_time():
    boxes, scores = example(batch=40, n=90, classes=2)  # 80 rows: groups of 27, of which the last begins again
    at_once = arrays(suppressed(boxes, scores))
    for i in (0, 13, 26, 39):
        alone = arrays(suppressed(boxes[i : i + 1], scores[i : i + 1]))
        for name, value in alone.items():
            np.testing.assert_array_equal(value[0], at_once[name][i], err_msg=name)


@BACKEND
def test_a_long_chain_in_one_block():
    # each box suppresses the next one only: every second one stays
    left = np.arange(60, dtype="float32") * 2
    boxes = np.stack([left, left * 0, left + 7, left * 0 + 10], axis=1)[None]
    scores = np.linspace(0.9, 0.1, 60, dtype="float32")[None, :, None]
    found = arrays(suppressed(boxes, scores))  # neighbours 5 / 9, others at most 3 / 11
    np.testing.assert_array_equal(found["boxes"][0, :30, 0], left[::2])
    assert found["count"][0] == 30


@BACKEND
def test_exactly_the_threshold_is_not_above_it():
    boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 5]]], "float32")  # IoU 1/2
    scores = np.array([[[0.9], [0.8]]], "float32")
    assert int(suppressed(boxes, scores, iou=0.5)["count"][0]) == 2
    assert int(suppressed(boxes, scores, iou=0.49)["count"][0]) == 1
    assert int(suppressed(boxes, scores, score=0.8)["count"][0]) == 1  # nor is a score equal to the least


def test_empty_and_inverted_boxes_suppress_nothing():
    boxes = np.array([[[5, 5, 5, 5], [5, 5, 5, 5], [9, 9, 1, 1], [0, 0, 10, 10]]], "float32")
    assert int(suppressed(boxes, np.full((1, 4, 1), 0.5, "float32"))["count"][0]) == 4


def test_candidates_bound_what_is_looked_at():
    boxes, scores = example()
    best = np.argsort(-scores, axis=1)[:, :70]
    kept = np.zeros_like(scores)
    np.put_along_axis(kept, best, np.take_along_axis(scores, best, axis=1), axis=1)
    fewer, whole = arrays(suppressed(boxes, scores, candidates=70)), arrays(suppressed(boxes, kept, score=0.0))
    for name in fewer:
        np.testing.assert_array_equal(fewer[name], whole[name])


def test_scores_that_are_not_numbers_count_nothing():
    boxes, scores = example(n=100, classes=1)
    scores[0] = math.nan
    found = arrays(suppressed(boxes, scores))
    assert found["count"][0] == 0 and found["count"][1] > 0


@BACKEND
def test_soft_suppression_by_hand():
    boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30]]], "float32")
    scores = np.array([[[0.9], [0.8], [0.5]]], "float32")
    found = arrays(suppressed(boxes, scores, soft=0.5, most=4, score=0.01))
    np.testing.assert_allclose(found["scores"][0], [0.9, 0.5, 0.8 * math.exp(-0.5), 0], rtol=1e-6)
    np.testing.assert_array_equal(found["boxes"][0], [boxes[0, 0], boxes[0, 2], boxes[0, 1], [0] * 4])
    assert found["count"][0] == 3 and found["classes"][0].tolist() == [0, 0, 0, -1]
    assert arrays(suppressed(boxes, scores, soft=0.5, score=0.49))["count"][0] == 2
    assert arrays(suppressed(boxes, scores, soft=0.5, score=0.01, candidates=2))["count"][0] == 2


def test_soft_suppression_of_random_boxes_is_that_of_a_loop():
    boxes, scores = example(batch=2, n=60)
    found = arrays(suppressed(boxes, scores, soft=0.3, score=0.2, most=500, most_each=50))
    for i in range(2):
        expected = []
        for label in range(2):
            left = {k: float(scores[i, k, label]) for k in range(60) if scores[i, k, label] > np.float32(0.2)}
            for _ in range(50):
                if not left:
                    break
                best = max(left, key=left.get)
                expected.append((left.pop(best), label))
                left = {k: s * math.exp(-(overlap(boxes[i, best], boxes[i, k]) ** 2) / 0.3) for k, s in left.items()}
                left = {k: s for k, s in left.items() if s > 0.2}
        expected.sort(key=lambda each: -each[0])
        assert found["count"][i] == len(expected)
        np.testing.assert_allclose(found["scores"][i, : len(expected)], [s for s, _ in expected], rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="shapes are always known there")
@pytest.mark.parametrize("soft", [None, 0.5])
def test_in_a_graph_that_does_not_know_how_many_boxes_come(soft):
    import tensorflow as tf

    specification = tf.TensorSpec((None, None, 4)), tf.TensorSpec((None, None, 2))
    graph = tf.function(lambda *given: suppressed(*given, soft=soft, most=30), input_signature=specification)
    for n in (5, 64, 700):
        boxes, scores = example(n=n)
        found, expected = arrays(graph(boxes, scores)), arrays(suppressed(boxes, scores, soft=soft, most=30))
        for name in found:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)


@BACKEND
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="of JAX")
def test_compiled_by_jax():
    import jax

    boxes, scores = example(n=300)
    found, expected = arrays(jax.jit(suppressed)(boxes, scores)), arrays(suppressed(boxes, scores))
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])


@BACKEND
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"iou": 1.5}, r"`iou` must be in \[0, 1\]"),
        ({"score": 2}, r"`score` must be in \[-inf, 1\]"),
        ({"most": 0}, "`most` must be an integer of at least 1"),
        ({"most_each": 0}, "`most_each` must be an integer of at least 1"),
        ({"candidates": -1}, "`candidates` must be an integer of at least 1"),
        ({"soft": 0}, r"`soft` must be in \(0, inf\)"),
        ({"boxes": np.zeros((1, 2, 1, 4))}, r"`boxes` must be of shape \(batch, n, 4\)"),
        ({"scores": np.zeros((1, 3, 1))}, r"`scores` must be of shape \(batch, n, classes\) for boxes of shape"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        suppressed(**{"boxes": np.zeros((1, 2, 4)), "scores": np.zeros((1, 2, 1)), **change})
