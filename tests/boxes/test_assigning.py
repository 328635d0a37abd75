"""Assignment by hand: who competes, who is taken, who gets a contested place, what the targets are."""

import numpy as np
import pytest

from kerascnn.boxes import cell_centres, task_aligned

pytestmark = pytest.mark.backend
CENTRES = cell_centres((16, 16), (4,))  # 16 places, (2, 2), (6, 2), ...


def assign(truths, classes, boxes, scores, **options):
    given = [np.asarray(each, "float32")[None] for each in (truths, classes, boxes, scores)]
    found = task_aligned(*given, CENTRES, **options)
    return tuple(np.asarray(each)[0] for each in found)


def everywhere(box, score=0.25, classes=2):
    return np.tile(np.asarray(box, "float32"), (16, 1)), np.full((16, classes), score, "float32")


def test_places_inside_compete_and_the_best_are_taken():
    boxes, scores = everywhere([0, 0, 8, 8])
    boxes[5] = [0, 0, 8, 4]  # IoU 1/2
    truth, targets, mask = assign([[0, 0, 8, 8]], [1], boxes, scores, best=3)
    assert np.flatnonzero(mask).tolist() == [0, 1, 4]  # the centres inside are 0, 1, 4 and 5
    np.testing.assert_array_equal(truth[mask], 0)
    expected = np.zeros((16, 2))
    expected[[0, 1, 4], 1] = 1
    np.testing.assert_allclose(targets, expected, atol=1e-5)


def test_targets_are_the_alignment_scaled_to_the_highest_overlap():
    boxes, scores = everywhere([0, 0, 0, 0])
    boxes[0], scores[0, 0] = [0, 0, 8, 6], 0.64  # IoU 3/4
    boxes[1], scores[1, 0] = [0, 0, 8, 4], 0.16  # IoU 1/2
    _, targets, mask = assign([[0, 0, 8, 8]], [0], boxes, scores, best=2, alpha=0.5, beta=1.0)
    assert np.flatnonzero(mask).tolist() == [0, 1]
    alignment = np.array([0.8 * 0.75, 0.4 * 0.5])
    np.testing.assert_allclose(targets[:2, 0], alignment / alignment[0] * 0.75, rtol=1e-5)
    assert not targets[:, 1].any() and not targets[2:].any()


def test_the_score_counts_by_alpha():
    boxes, scores = everywhere([0, 0, 8, 8])
    scores[4] = 0.9
    _, _, mask = assign([[0, 0, 8, 8]], [0], boxes, scores, best=1)
    assert np.flatnonzero(mask).tolist() == [4]


def test_a_contested_place_goes_to_the_higher_overlap():
    boxes, scores = everywhere([0, 0, 8, 8])
    truth, targets, mask = assign([[0, 0, 8, 16], [0, 0, 8, 9]], [0, 1], boxes, scores, best=16)
    assert mask[[0, 1, 4, 5]].all() and (truth[[0, 1, 4, 5]] == 1).all()  # inside both
    assert np.flatnonzero(mask & (truth == 0)).tolist() == [8, 9, 12, 13]
    np.testing.assert_allclose(targets[0], [0, 8 / 9], rtol=1e-5)
    np.testing.assert_allclose(targets[8], [0.5, 0], rtol=1e-5)


def test_a_box_between_the_centres_has_the_nearest():
    boxes, scores = everywhere([2, 2, 6, 6])
    truth, targets, mask = assign([[8.5, 3, 9, 3.5]], [1], boxes, scores)
    assert np.flatnonzero(mask).tolist() == [2] and truth[2] == 0  # (10, 2)
    assert not targets.any()  # it is learned by its box alone, as nothing overlaps


@pytest.mark.parametrize("row", [-1, -2, -3])
def test_absent_and_difficult_rows_are_nothing(row):
    boxes, scores = everywhere([0, 0, 8, 8])
    _, targets, mask = assign([[0, 0, 8, 8]], [row], boxes, scores)
    assert not mask.any() and not targets.any()


def test_a_batch_is_its_images_one_by_one():
    rng = np.random.default_rng(0)
    corners = np.sort(rng.uniform(0, 16, (3, 5, 2, 2)), axis=2).reshape(3, 5, 4)
    boxes = np.sort(rng.uniform(0, 16, (3, 16, 2, 2)), axis=2).reshape(3, 16, 4)
    classes, scores = rng.integers(-1, 2, (3, 5)), rng.uniform(size=(3, 16, 2))
    given = [np.asarray(each, "float32") for each in (corners, classes, boxes, scores)]
    together = [np.asarray(each) for each in task_aligned(*given, CENTRES)]
    for number in range(3):
        alone = assign(*(each[number] for each in given))
        for one, batch in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, batch[number])
    assert together[2].any() and (together[1] <= 1).all() and (together[1] >= 0).all()


def test_a_hopeless_network_still_gets_places():
    """Overlaps whose sixth power is no float32 any more."""
    boxes, scores = everywhere([0, 0, 1e4, 1e4], score=1e-6)
    _, _, mask = assign([[0, 0, 8, 8]], [0], boxes, scores)
    assert np.flatnonzero(mask).tolist() == [0, 1, 4, 5]


def test_centres_of_padded_levels():
    found = cell_centres((10, 30), (16, 8))
    assert found.shape == (2 * 4 + 1 * 2, 2) and found.dtype == np.float32
    assert found[3].tolist() == [28, 4] and found[-1].tolist() == [24, 8]


def test_best_is_checked():
    boxes, scores = everywhere([0, 0, 8, 8])
    with pytest.raises(ValueError, match="`best` must be an integer of at least 1"):
        assign([[0, 0, 8, 8]], [0], boxes, scores, best=0)
