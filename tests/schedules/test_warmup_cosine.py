import keras
import pytest

from kerascnn.schedules import warmup_cosine

pytestmark = pytest.mark.backend


def rates(schedule, *steps):
    return [float(schedule(step)) for step in steps]


def test_rises_in_a_line_then_falls_on_half_a_cosine():
    schedule = warmup_cosine(0.4, 100, warmup_steps=20, final=0.1)
    # climb: 0.02 at 0, 0.4 at 20; the cosine's middle at step 60 is (0.4 + 0.1) / 2, its quarter at 40 has cos(pi / 4)
    assert rates(schedule, 0, 10, 20) == pytest.approx([0.02, 0.21, 0.4])
    assert rates(schedule, 40, 60, 100, 1000) == pytest.approx([0.25 + 0.15 * 2**-0.5, 0.25, 0.1, 0.1])


def test_without_warm_up_it_starts_at_the_peak():
    assert rates(warmup_cosine(0.2, 10, warmup_steps=0), 0, 5, 10) == pytest.approx([0.2, 0.1, 0.0])


def test_is_keras_own_schedule_so_that_files_load_without_kerascnn():
    schedule = warmup_cosine(0.4, 100, warmup_steps=20, final=0.1)
    assert type(schedule) is keras.optimizers.schedules.CosineDecay
    again = keras.optimizers.schedules.CosineDecay.from_config(schedule.get_config())
    assert rates(again, 3, 33, 77) == rates(schedule, 3, 33, 77)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"peak": 0}, r"`peak` must be in \(0, inf\). Received: peak=0"),
        ({"final": 0.5}, r"`final` must be in \[0, 0.4\]. Received: final=0.5"),
        ({"steps": 2.5}, "`steps` must be an integer of at least 1. Received: steps=2.5"),
        ({"warmup_steps": -1}, "`warmup_steps` must be an integer of at least 0"),
        ({"warmup_steps": 10}, "`warmup_steps` must be less than steps=10. Received: warmup_steps=10. Warm up for"),
    ],
)
def test_errors(wrong, message):
    arguments = {"peak": 0.4, "steps": 10, "warmup_steps": 2, "final": 0.0} | wrong
    with pytest.raises(ValueError, match=message):
        warmup_cosine(**arguments)
