import numpy as np
import pytest

from kerascnn.tuning.importance import importance
from kerascnn.tuning.trials import Trial


def sweep(count, score, seed=0):
    """Trials of random values, with `stages` switching kernel_3 and kernel_4 on, scored by `score(values)`."""
    draw = np.random.default_rng(seed)
    trials = []
    for number in range(count):
        values = {"rate": float(10 ** draw.uniform(-3, 0)), "block": str(draw.choice(["plain", "residual", "dense"]))}
        values |= {"bias": bool(draw.integers(2)), "stages": int(draw.integers(2, 5))}
        values |= {f"kernel_{stage}": int(draw.choice([1, 3, 5])) for stage in range(1, values["stages"] + 1)}
        trials.append(Trial(number, values, {}, "finished", score(values)))
    return trials


NAMES = {"rate", "block", "bias", "stages", "kernel_1", "kernel_2", "kernel_3", "kernel_4"}


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("rate", lambda values: np.log10(values["rate"])),
        ("block", lambda values: 1e-9 * (values["block"] == "plain")),  # the unit of the score does not matter
        ("bias", lambda values: 1e6 * values["bias"]),
        ("stages", lambda values: float(values["stages"])),
        ("kernel_1", lambda values: float(values["kernel_1"])),
    ],
)
def test_only_what_the_score_depends_on_counts(name, score):
    shares = importance(sweep(60, score))
    assert set(shares) == NAMES and next(iter(shares)) == name
    assert shares[name] > 0.85
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0 and list(shares.values()) == sorted(shares.values(), reverse=True)


def test_what_is_switched_off_takes_no_credit_from_the_switch():
    """Kernels 3 and 4 are absent exactly where there are few stages, so a forest could read the stages from them."""
    shares = importance(sweep(60, lambda values: float(values["stages"])))
    assert shares["kernel_3"] + shares["kernel_4"] < 0.02


def test_what_matters_only_where_it_is_active_shares_with_its_switch():
    shares = importance(sweep(60, lambda values: float(values.get("kernel_3", 3))))
    assert list(shares)[:2] == ["kernel_3", "stages"] and shares["kernel_3"] > 0.5
    assert shares["kernel_3"] + shares["stages"] > 0.9


def test_two_that_count_alike_have_like_shares():
    shares = importance(sweep(200, lambda values: (values["kernel_1"] - 3) / 2 + (values["kernel_2"] - 3) / 2))
    assert shares["kernel_1"] == pytest.approx(0.5, abs=0.08) and shares["kernel_2"] == pytest.approx(0.5, abs=0.08)


def test_with_a_direction_what_breaks_a_training_does_not_count():
    def score(values):
        return -10.0 if values["block"] == "dense" else float(values["bias"])

    trials = sweep(100, score)
    both = [trial for trial in trials if trial.values["block"] != "dense" and trial.values["bias"]]
    assert 0.2 < len(both) / len(trials) < 0.5  # the median lies below the good ones
    assert next(iter(importance(trials))) == "block" and importance(trials)["block"] > 0.9
    assert importance(trials, "max")["bias"] > 0.4
    flipped = [Trial(t.number, t.values, {}, "finished", -t.score) for t in trials]
    assert importance(flipped, "min") == pytest.approx(importance(trials, "max"))


def test_the_order_of_the_trials_and_the_failed_ones_do_not_matter():
    trials = sweep(20, lambda values: values["rate"])
    others = [Trial(98, {"rate": 1.0}, {}, "failed"), Trial(99, {"new": 1}, {}, "running", 0.3)]
    assert importance([*others, *trials[::-1]]) == importance(trials)


def test_nothing_is_said_of_too_little():
    trials = sweep(4, lambda values: values["rate"])
    assert importance(trials[:3]) == {}
    assert importance(trials) != {}
    assert importance([]) == {}
    assert importance(sweep(20, lambda values: 0.5)) == {}
    assert importance([Trial(number, {"same": 1}, {}, "finished", float(number)) for number in range(9)]) == {}


def test_a_wrong_direction_is_named():
    with pytest.raises(ValueError, match="`direction` must be one of 'max', 'min'. Received: direction='up'"):
        importance([], "up")
