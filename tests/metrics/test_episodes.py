import numpy as np
import pytest
from scipy.spatial.distance import cdist

from kerascnn.metrics import episodes, sampled_episodes

RNG = np.random.default_rng(0)
GROUPS = (0, 0, 0, 0, 1, 1, 1, 2)  # class 7 is alone in its group
LABELS = np.repeat(np.arange(8), 6)
DRAWERS = np.tile(np.arange(6), 8)  # each has drawn every class once
ROWS = RNG.normal(size=(8, 3))[LABELS] + 0.8 * RNG.normal(size=(48, 3))


def test_an_episode_has_other_images_for_support_and_queries():
    drawn = list(sampled_episodes(LABELS, ways=4, shots=2, queries=3, count=30))
    assert len(drawn) == 30
    for support, queries in drawn:
        assert support.shape == (4, 2) and queries.shape == (4, 3)
        assert len({*support.ravel(), *queries.ravel()}) == 20
        classes = LABELS[support[:, 0]]
        assert len(set(classes)) == 4
        assert (LABELS[support] == classes[:, None]).all() and (LABELS[queries] == classes[:, None]).all()


def test_an_episode_is_a_function_of_seed_and_number():
    def drawn(**options):
        return [np.concatenate(each, axis=1).tolist() for each in sampled_episodes(LABELS, **options)]

    assert drawn(count=9, seed=5)[:4] == drawn(count=4, seed=5)
    assert drawn(count=4, seed=5) != drawn(count=4, seed=6)


def test_the_classes_of_an_episode_are_of_one_group():
    seen = set()
    for support, _ in sampled_episodes(LABELS, ways=3, count=100, groups=GROUPS):
        (group,) = {GROUPS[label] for label in LABELS[support[:, 0]]}
        seen.add(group)
    assert seen == {0, 1}  # 2 has one class


def test_support_is_by_one_person_and_queries_by_another():
    pairs = set()
    for support, queries in sampled_episodes(LABELS, ways=3, count=200, groups=GROUPS, drawers=DRAWERS):
        (giver,), (asker,) = set(DRAWERS[support].ravel()), set(DRAWERS[queries].ravel())
        pairs.add((giver, asker))
    assert pairs == {(a, b) for a in range(6) for b in range(6) if a != b}


def test_persons_who_have_not_drawn_enough_classes_are_passed_over():
    some = np.flatnonzero((DRAWERS < 2) | (LABELS < 1))  # the others have drawn class 0 only
    names = np.array(["ann", "bob", "cid", "dan", "eve", "fay"])[DRAWERS]
    for support, queries in sampled_episodes(LABELS[some], ways=2, count=50, drawers=names[some]):
        assert {*names[some][support].ravel(), *names[some][queries].ravel()} == {"ann", "bob"}


@pytest.mark.parametrize(("distance", "theirs"), [("euclidean", "euclidean"), ("cosine", "cosine")])
@pytest.mark.parametrize("options", [{"shots": 1}, {"shots": 3, "groups": GROUPS}, {"drawers": DRAWERS}])
def test_the_accuracy_as_by_loops(distance, theirs, options):
    draw = {"ways": 3, "count": 60, "seed": 1, "queries": 1} | options
    right = []
    for support, queries in sampled_episodes(LABELS, **draw):
        shots = ROWS[support]
        if distance == "cosine":
            shots = shots / np.linalg.norm(shots, axis=-1, keepdims=True)
        means = shots.mean(axis=1)
        answers = [[cdist([ROWS[query]], means, theirs)[0].argmin() for query in row] for row in queries]
        right.append(np.mean(np.array(answers) == np.arange(3)[:, None]))
    found = episodes(ROWS, LABELS, distance=distance, **draw)
    margin = 1.96 * np.std(right, ddof=1) / 60**0.5
    assert found[:3] == pytest.approx((np.mean(right), np.mean(right) - margin, np.mean(right) + margin))
    assert found.count == 60 and 0.4 < found.accuracy < 0.95


def test_a_collapsed_embedding_is_at_chance():
    assert episodes(np.ones((48, 2)), LABELS, ways=4, queries=2, count=20).accuracy == 0.25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ways": 9}, "`labels` must have 9 classes of a group with 1 \\+ 1 images"),
        ({"shots": 4, "queries": 3}, "4 \\+ 3 images"),
        ({"groups": GROUPS, "ways": 5}, "have 5 classes of a group"),
        ({"drawers": DRAWERS, "shots": 2}, "images, of two persons"),
        ({"groups": (0, 0)}, "`labels` must be in \\[0, 2\\), as `groups` is"),
        ({"drawers": [1, 2]}, "`labels` and `drawers` must have one entry an example"),
        ({"ways": 1}, "`ways` must be an integer of at least 2"),
    ],
)
def test_errors_come_at_the_call(options, message):
    with pytest.raises(ValueError, match=message):
        sampled_episodes(LABELS, **options)
    with pytest.raises(ValueError, match="`labels` must be in"):
        sampled_episodes(LABELS - 1)
