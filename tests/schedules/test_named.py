import pytest

from kerascnn.schedules import named

pytestmark = pytest.mark.backend


def rates(schedule, *steps):
    return [float(schedule(step)) for step in steps]


def test_one_cycle_climbs_for_a_fifth_of_the_steps_and_falls_to_zero():
    assert rates(named("one-cycle", 0.5, 10, 20), 0, 20, 40, 120, 200) == pytest.approx([0.1, 0.3, 0.5, 0.25, 0])


def test_cosine_warms_up_for_an_epoch_or_a_tenth():
    assert rates(named("cosine", 0.5, 20, 10), 0, 10, 105, 200) == pytest.approx([0.05, 0.5, 0.25, 0])
    assert rates(named("cosine", 0.5, 2, 50), 0, 10, 55, 100) == pytest.approx([0.05, 0.5, 0.25, 0])
    assert rates(named("cosine", 0.5, 1, 4), 0, 2, 4) == pytest.approx([0.5, 0.25, 0])  # too short to warm up


def test_constant_is_the_peak_itself_and_unknown_names_are_errors():
    assert named("constant", 0.5, 3, 4) == 0.5
    with pytest.raises(ValueError, match="`schedule` must be one of .*Did you mean 'one-cycle'?"):
        named("one_cycle", 0.5, 3, 4)
