import numpy as np
import pytest

from kerascnn.data.splits import stratified

LABELS = np.repeat([0, 1, 2], [100, 40, 2])


def test_each_class_gives_its_share():
    kept, held = stratified(LABELS, 0.1, seed=0)
    assert np.bincount(LABELS[held]).tolist() == [10, 4, 1]
    assert sorted([*kept, *held]) == list(range(142)) and (np.diff(held) > 0).all()


def test_the_seed_alone_chooses():
    held = [stratified(LABELS, 0.1, seed)[1].tolist() for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]


def test_a_single_image_stays_in_training():
    assert stratified(np.array([0, 0, 1]), 0.5, 0)[0].tolist().count(2) == 1
    with pytest.raises(ValueError, match="two images or more.*Pass a validation split, or validation=0"):
        stratified(np.array([0, 1]), 0.5, 0)


def test_nothing_is_held_out_for_a_share_of_0():
    kept, held = stratified(np.array([0, 1, 1]), 0, 0)
    assert kept.tolist() == held.tolist() == [0, 1, 2]
