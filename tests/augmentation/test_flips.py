import numpy as np
import pytest

from kerascnn.augmentation import Pipeline
from kerascnn.augmentation.flips import QuarterTurn, RandomFlip
from kerascnn.augmentation.warp import warp

U = np.random.default_rng(0).random((4000, 1))
SQUARE = np.arange(2 * 5 * 5 * 3, dtype=np.uint8).reshape(2, 5, 5, 3)
HANDS = ("left hand", "foot", "right hand")


@pytest.mark.parametrize(("flip", "share"), [(RandomFlip(), 0.5), (RandomFlip(p=0.25), 0.25), (RandomFlip(p=1), 1)])
def test_flip_mirrors_its_share(flip, share):
    images = np.tile(np.array([[[[0], [1]]]], np.uint8), (4000, 1, 1, 1))
    mirrored = Pipeline(flip).apply(images, np.arange(4000))[:, 0, 0, 0]
    assert abs(mirrored.mean() - share) < 0.02


def test_a_flip_that_always_acts_swaps_every_label():
    batch = {"images": SQUARE, "labels": np.array([0, 1])}
    swapped = Pipeline(RandomFlip(swap={0: 2}, p=1)).apply(batch, np.arange(2))
    assert swapped["labels"].tolist() == [2, 1]


@pytest.mark.parametrize(("direction", "axis"), [("horizontal", 2), ("vertical", 1)])
def test_flip_is_numpys(direction, axis):
    matrices = RandomFlip(direction).matrices(np.empty((2, 0)), (5, 5), np)
    assert (warp(SQUARE, matrices) == np.flip(SQUARE, axis)).all()


def test_quarter_turns_are_numpys_rot90_to_the_pixel():
    matrices = QuarterTurn().matrices(np.array([[0.1], [0.3], [0.6], [0.9]]), (5, 5), np)
    assert set(np.abs(matrices[:, :2, :2]).ravel()) == {0, 1}
    for turns, matrix in enumerate(matrices):
        assert (warp(SQUARE, matrix[None].repeat(2, 0)) == np.rot90(SQUARE, -turns, (1, 2))).all()
    counts = np.unique(QuarterTurn().matrices(U, (5, 5), np)[:, :2, 0], axis=0, return_counts=True)[1]
    assert len(counts) == 4 and abs(counts - 1000).max() < 140


def test_what_is_not_square_is_turned_by_half():
    halves = QuarterTurn().matrices(U, (4, 5), np)
    assert set(halves[:, 0, 0]) == set(halves[:, 1, 1]) == {-1, 1} and (halves[:, 0, 1] == 0).all()


def test_names_of_classes_become_indices():
    flip = RandomFlip("horizontal", swap={"left hand": "right hand"}, p=0.4)
    ready = flip.prepared(HANDS)
    assert ready == RandomFlip("horizontal", swap={0: 2}, p=0.4) == ready.prepared(HANDS)
    assert RandomFlip().prepared(HANDS) == RandomFlip()


def test_a_name_that_is_no_class_is_refused():
    with pytest.raises(ValueError, match="`swap` must hold classes.*'right hnd'.*Did you mean 'right hand'"):
        RandomFlip(swap={"left hand": "right hnd"}).prepared(HANDS)
    with pytest.raises(ValueError, match="`swap` must hold classes.*swap=3"):
        RandomFlip(swap={0: 3}).prepared(HANDS)


@pytest.mark.parametrize("swap", [{"a": "a"}, {"a": "b", "c": "b"}, {"a": "b", "b": "c"}])
def test_a_class_in_two_pairs_is_refused(swap):
    with pytest.raises(ValueError, match="`swap` must be a dict of pairs"):
        RandomFlip(swap=swap)


def test_an_unknown_direction_is_named():
    with pytest.raises(ValueError, match="`direction` must be one of 'horizontal', 'vertical'"):
        RandomFlip("diagonal")
