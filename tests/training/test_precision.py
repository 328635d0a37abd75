import keras
import numpy as np
import pytest

from kerascnn import training
from kerascnn.data import load
from kerascnn.training import precision


def build():
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def times(**milliseconds):
    return lambda models, batch: {name: milliseconds[name] for name in models}


def choose(data, epochs=200, **options):
    return training.fastest_precision(build, data, 128, epochs=epochs, **options)


@pytest.fixture(scope="module")
def digits():
    return load("digits")  # 9 steps of 128 an epoch


@pytest.mark.parametrize(("half", "chosen"), [(90, "mixed_bfloat16"), (92, "float32"), (300, "float32")])
def test_the_faster_one_is_taken_from_ten_per_cent_on(digits, monkeypatch, half, chosen):
    monkeypatch.setattr(precision, "has_devices", lambda kind: False)
    monkeypatch.setattr(precision, "_measure", times(float32=100.0, mixed_bfloat16=float(half)))
    choice = choose(digits)
    assert choice["chosen"] == chosen
    assert choice["milliseconds_per_step"] == {"float32": 100.0, "mixed_bfloat16": float(half)}


def test_float16_is_measured_on_gpus_only(digits, monkeypatch):
    monkeypatch.setattr(precision, "_measure", times(float32=100.0, mixed_bfloat16=80.0, mixed_float16=50.0))
    monkeypatch.setattr(precision, "has_devices", lambda kind: True)
    assert choose(digits)["chosen"] == "mixed_float16"
    monkeypatch.setattr(precision, "has_devices", lambda kind: False)
    assert choose(digits)["chosen"] == "mixed_bfloat16"


@pytest.mark.parametrize(("step", "timed"), [(333.0, ["float32"]), (334.0, ["float32", "mixed_bfloat16"])])
def test_time_and_not_steps_says_whether_others_are_timed(digits, monkeypatch, step, timed):
    """20 epochs are 180 steps, which take 60 s at 333.3 ms each."""
    monkeypatch.setattr(precision, "has_devices", lambda kind: False)
    monkeypatch.setattr(precision, "_measure", times(float32=step, mixed_bfloat16=100.0))
    choice = choose(digits, epochs=20)
    assert list(choice["milliseconds_per_step"]) == timed and choice["milliseconds_per_step"]["float32"] == step
    assert choice["chosen"] == timed[-1]
    assert ("180 steps take about 59.9 s in float32" in choice["why"]) == (len(timed) == 1)


def test_real_steps_are_timed_and_the_policy_is_put_back(digits, monkeypatch):
    monkeypatch.setattr(precision, "LONG", 0)
    measured = choose(digits)["milliseconds_per_step"]
    assert all(0 < value < 10_000 for value in measured.values())
    assert "float32" in measured and len(measured) >= 2
    assert keras.config.dtype_policy().name == "float32"


def test_the_least_of_the_steps_counts_and_the_first_does_not(monkeypatch):
    ticks = iter([0, 10, 10.5, 20, 20.25])
    monkeypatch.setattr(precision.time, "perf_counter", lambda: next(ticks))

    class Model:
        def train_on_batch(self, *batch):
            pass

    assert precision._measure({"float32": Model()}, (), rounds=2) == {"float32": 250.0}


def test_very_short_trainings_are_not_measured(digits, monkeypatch):
    monkeypatch.setattr(precision, "_measure", None)
    choice = choose(digits, epochs=11)
    assert choice["chosen"] == "float32" and choice["why"].startswith("99 steps are too few")
    assert choose(digits, precision="mixed_bfloat16")["chosen"] == "mixed_bfloat16"
    with pytest.raises(TypeError):  # the trap is laid
        choose(digits, epochs=12)


def test_an_unknown_precision_is_named(digits):
    with pytest.raises(ValueError, match="`precision` must be one of .* Received: precision='fp16'"):
        choose(digits, precision="fp16")


def test_a_model_that_exists_keeps_its_precision(tmp_path):
    with training.dtype_policy("mixed_bfloat16"):
        model = build()
    model.save(tmp_path / "model.keras")
    for each in (model, keras.saving.load_model(tmp_path / "model.keras")):
        assert training.as_built(each)["chosen"] == "mixed_bfloat16"
        assert training.as_built(each, "mixed_bfloat16")["chosen"] == "mixed_bfloat16"
        assert each(np.zeros((1, 8, 8, 1))).dtype == "bfloat16"
        own = "`precision` must be .auto. or the model.s own, .mixed_bfloat16.*float32"
        with pytest.raises(ValueError, match=own):
            training.as_built(each, "float32")


def test_the_policy_is_put_back_after_an_error():
    with pytest.raises(KeyError), training.dtype_policy("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise KeyError
    assert keras.config.dtype_policy().name == "float32"
