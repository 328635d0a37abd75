import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.schedules import OneCycle

pytestmark = pytest.mark.backend


def rates(schedule, *steps):
    return [float(schedule(step)) for step in steps]


def test_linear_is_a_triangle():
    schedule = OneCycle(2.0, 100, warmup=0.2, start_factor=0.1, final_factor=0.05, curve="linear")
    # 0.2 to 2 in 20 steps, then 2 to 0.1 in 80
    assert rates(schedule, 0, 5, 20, 60, 100, 500) == pytest.approx([0.2, 0.65, 2.0, 1.05, 0.1, 0.1])


def test_cosine_has_flat_ends():
    schedule = OneCycle(1.0, 100, warmup=0.4, start_factor=0.2)
    # a quarter of the way the cosine has gone (1 - cos(pi / 4)) / 2
    quarter = (1 - 2**-0.5) / 2
    assert rates(schedule, 0, 10, 20, 40) == pytest.approx([0.2, 0.2 + 0.8 * quarter, 0.6, 1.0])
    assert rates(schedule, 55, 70, 100) == pytest.approx([1 - quarter, 0.5, 0.0], rel=1e-6, abs=1e-7)


def test_no_warm_up_starts_at_the_peak():
    assert rates(OneCycle(0.5, 10, warmup=0, curve="linear"), 0, 5, 10) == pytest.approx([0.5, 0.25, 0.0])


def test_a_tensor_of_the_step_in_a_long_training():
    step = ops.convert_to_tensor(3_000_000, "int64" if keras.backend.backend() == "tensorflow" else "int32")
    assert float(OneCycle(0.5, 10_000_000)(step)) == pytest.approx(0.5)


OTHER = {
    "peak": 3.0,
    "steps": 7,
    "warmup": 0.5,
    "start_factor": 0.3,
    "final_factor": 0.2,
    "curve": "linear",
    "name": "other",
}


def test_config_round_trip_keeps_every_argument():
    schedule = OneCycle(**OTHER)
    assert schedule.get_config() == OTHER
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)
    assert type(again) is OneCycle and again.get_config() == OTHER


def test_drives_an_optimizer():
    weight = keras.Variable(np.zeros(1, "float32"))
    optimizer = keras.optimizers.SGD(OneCycle(1.0, 4, warmup=0.5, start_factor=0.5, curve="linear"))
    for _ in range(4):
        optimizer.apply([ops.ones(1)], [weight])
    assert float(weight[0]) == pytest.approx(-(0.5 + 0.75 + 1.0 + 0.5))


@pytest.mark.parametrize("wrong", [{"peak": -1}, {"steps": 0}, {"warmup": 1.0}, {"start_factor": 2}, {"curve": "sine"}])
def test_errors_name_the_argument(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}` must .* Received: {name}="):
        OneCycle(**OTHER | wrong)
