import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from kerascnn.metrics import sampled_pairs, threshold, verification

RNG = np.random.default_rng(0)
SAME = RNG.random(300) < 0.4
DISTANCES = np.round(RNG.normal(1 - 0.5 * SAME, 0.4).clip(0), 1)  # with many ties


def rates(tau, distances=DISTANCES, same=SAME):
    return (distances[~same] <= tau).mean(), (distances[same] > tau).mean()


def test_the_curve_is_sklearns():
    fpr, tpr, thresholds = roc_curve(SAME, -DISTANCES, drop_intermediate=False)
    found = verification(DISTANCES, SAME)
    np.testing.assert_allclose(found.fpr, fpr)
    np.testing.assert_allclose(found.tpr, tpr)
    np.testing.assert_allclose(found.thresholds, -thresholds)
    assert found.auc == pytest.approx(roc_auc_score(SAME, -DISTANCES))


def test_the_area_is_the_probability_that_a_same_pair_is_nearer():
    same, other = DISTANCES[SAME][:, None], DISTANCES[~SAME]
    assert verification(DISTANCES, SAME).auc == pytest.approx(np.mean((same < other) + 0.5 * (same == other)))


def test_every_point_of_the_curve_counts_pairs():
    found = verification(DISTANCES, SAME)
    for fpr, tpr, tau in zip(found.fpr, found.tpr, found.thresholds, strict=True):
        assert (fpr, 1 - tpr) == pytest.approx(rates(tau))


def test_the_equal_error_rate_by_hand():
    assert verification([0.1, 0.2, 0.3, 0.4], [1, 1, 0, 0]).eer == 0
    assert verification([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]).eer == 1
    assert verification([0.5, 0.5], [1, 0]).eer == 0.5  # from (0, 0) to (1, 1)
    assert verification([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 0, 0]).eer == pytest.approx(1 / 3)


def test_the_equal_error_rate_lies_on_the_curve():
    found = verification(DISTANCES, SAME)
    assert np.interp(found.eer, found.fpr, found.tpr) == pytest.approx(1 - found.eer)


def test_the_threshold_of_equal_errors_differs_least():
    best = min(abs(np.subtract(*rates(tau))) for tau in np.append(DISTANCES, -1))
    assert abs(np.subtract(*rates(threshold(DISTANCES, SAME)))) == pytest.approx(best)


@pytest.mark.parametrize("far", [0, 0.01, 0.1, 0.5, 1])
def test_the_threshold_of_a_rate_of_false_accepts_is_the_largest(far):
    tau = threshold(DISTANCES, SAME, far)
    assert rates(tau)[0] <= far
    larger = DISTANCES[tau < DISTANCES]
    assert not larger.size or rates(larger.min())[0] > far


def test_the_threshold_lies_half_way_to_the_next_distance():
    assert threshold([0.25, 0.5, 1.0, 2.0], [1, 1, 0, 0]) == 0.75
    assert threshold([0.25, 0.5, 1.0, 2.0], [1, 1, 0, 0], far=0.5) == 1.5
    assert threshold([0.25, 0.5, 1.0, 2.0], [1, 1, 0, 0], far=1) == 2
    assert threshold([0.25, 0.5], [0, 1], far=0) < 0.25
    assert threshold([0.0, 0.5], [0, 1], far=0) < 0
    following = np.nextafter(1.0, 2)
    assert threshold([1.0, following], [1, 0]) == 1.0  # nothing lies between


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.1, 0.2], [1, 1]), "`same` must have same and different pairs"),
        (([0.1, np.nan], [1, 0]), "`distances` must be finite"),
        (([0.1, 0.2], [1, 0, 1]), "one entry an example"),
        (([0.1, 0.2], [1, 0], 1.5), "`far` must be in"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        threshold(*arguments)


def test_pairs_are_distinct_right_and_the_same_again():
    labels = RNG.integers(0, 8, 50)
    pairs = sampled_pairs(labels, 200, seed=4, same=0.25)
    assert len(pairs.left) == 200 and pairs.same.sum() == 50
    np.testing.assert_array_equal(labels[pairs.left] == labels[pairs.right], pairs.same)
    assert len({frozenset(pair) for pair in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)}) == 200
    assert (pairs.left != pairs.right).all()
    for again, other in ((sampled_pairs(labels, 200, seed=4, same=0.25), True), (sampled_pairs(labels, 200), False)):
        assert np.array_equal(again.left, pairs.left) == other


def test_all_pairs_are_taken_where_there_are_too_few():
    labels = np.array([2, 0, 2, 1, 2, 0])
    pairs = sampled_pairs(labels, 1000)
    every = {(i, j) for i in range(6) for j in range(i)}
    assert {(max(p), min(p)) for p in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)} == every
    assert len(pairs.left) == 15 and pairs.same.sum() == 4


def test_all_pairs_of_a_kind_are_equally_likely():
    labels, counts = np.array([0, 0, 0, 1, 1]), {}
    for seed in range(800):
        pairs = sampled_pairs(labels, 2, seed)
        for pair in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
            counts[frozenset(pair)] = counts.get(frozenset(pair), 0) + 1
    same, other = ([n for pair, n in counts.items() if len(set(labels[list(pair)])) == kinds] for kinds in (1, 2))
    assert (len(same), len(other)) == (4, 6)
    assert max(np.abs(np.array(same) - 200)) < 50 and max(np.abs(np.array(other) - 133.3)) < 45  # 4 deviations


def test_a_kind_that_does_not_occur_is_an_error():
    with pytest.raises(ValueError, match="`labels` must have two of one class"):
        sampled_pairs([0, 1, 2], 4)
    with pytest.raises(ValueError, match="`labels` must have two classes"):
        sampled_pairs([1, 1], 4)
    assert not sampled_pairs([0, 1, 2], 4, same=0).same.any()
