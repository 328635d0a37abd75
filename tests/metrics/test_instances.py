import numpy as np
import pytest

from kerascnn.metrics import rand_error, v_info, v_rand, v_rand_of_membranes


def pairs(labels):
    """Which pairs of different pixels are in one object."""
    return {(i, j) for i in range(len(labels)) for j in range(len(labels)) if labels[i] == labels[j]}


def test_v_rand_by_hand():
    # shares: (1,1) 2/4, (2,1) 1/4, (2,2) 1/4
    scores = v_rand([1, 1, 2, 2], [1, 1, 1, 2])
    joint, of_segments, of_truth = 6 / 16, 8 / 16, 10 / 16
    assert scores == pytest.approx((2 * joint / (of_segments + of_truth), joint / of_truth, joint / of_segments))


def test_v_rand_is_a_count_of_pairs():
    segments, truth = np.random.default_rng(0).integers(1, 5, (2, 60))
    both = pairs(segments) & pairs(truth)
    scores = v_rand(segments, truth)
    assert scores.split == pytest.approx(len(both) / len(pairs(truth)))
    assert scores.merge == pytest.approx(len(both) / len(pairs(segments)))
    assert rand_error(segments, truth) == pytest.approx(1 - scores.f)


def test_v_info_by_hand():
    # H(S) = ln 2, H(T) = 3/4 ln 4/3 + 1/4 ln 4, H(S, T) = 1/2 ln 2 + 1/2 ln 4
    scores = v_info([1, 1, 2, 2], [1, 1, 1, 2])
    of_segments, of_truth = np.log(2), 0.75 * np.log(4 / 3) + 0.25 * np.log(4)
    mutual = of_segments + of_truth - (0.5 * np.log(2) + 0.5 * np.log(4))
    expected = (2 * mutual / (of_segments + of_truth), mutual / of_segments, mutual / of_truth)
    assert scores == pytest.approx(expected)


@pytest.mark.parametrize("measure", [v_rand, v_info])
def test_splits_cost_the_split_score_and_mergers_the_merge_score(measure):
    halves, whole = [1, 1, 2, 2], [1, 1, 1, 1]
    two = [1, 1, 2, 2, 3, 3, 3, 3]
    split = measure([1, 1, 2, 2, 3, 3, 4, 4], two)
    assert split.split < 1 and split.merge == pytest.approx(1)
    merged = measure([1, 1, 1, 1, 3, 3, 3, 3], two)
    assert merged.split == pytest.approx(1) and merged.merge < 1
    assert measure(halves, halves) == pytest.approx((1, 1, 1)) and measure(whole, whole) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("measure", [v_rand, v_info])
def test_only_the_true_foreground_counts_and_membranes_found_there_are_single_pixels(measure):
    truth, segments = np.array([[0, 1, 1, 2, 2, 0]]), np.array([[7, 5, 0, 0, 6, 3]])
    assert measure(segments, truth) == measure([5, 100, 101, 6], [1, 1, 2, 2])


def test_membranes_of_any_thickness_and_the_best_threshold():
    membranes = np.zeros((2, 12, 20), int)
    membranes[:, :, 10] = 1
    probabilities = np.full(membranes.shape, 0.25)
    probabilities[:, :, 9:12] = 0.55  # thick, and broken where the threshold is above 0.45
    probabilities[:, 5, 9:12] = 0.45
    scores, threshold = v_rand_of_membranes(probabilities, membranes)
    assert scores == pytest.approx((1, 1, 1)) and 0.25 < threshold < 0.45
    scores, _ = v_rand_of_membranes(probabilities, membranes, thresholds=(0.5,))  # 120 and 108 pixels as one
    shares = np.array([120, 108]) / 228
    assert scores.split == 1 and scores.merge == pytest.approx((shares**2).sum())
    assert v_rand_of_membranes(probabilities, membranes, thresholds=(0.1,))[0].split == pytest.approx(
        1 / 228 / (shares**2).sum()
    )


def test_errors():
    with pytest.raises(ValueError, match=r"`truth` must have the shape of `segments`, \(2,\), and values above 0"):
        v_rand([1, 2], [1])
    with pytest.raises(ValueError, match="and values above 0"):
        v_rand([1, 2], [0, 0])
    with pytest.raises(ValueError, match=r"`probabilities` must be \(n, height, width\)"):
        v_rand_of_membranes(np.zeros((3, 3)), np.zeros((3, 3)))
