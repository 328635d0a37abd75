from types import SimpleNamespace

import pytest

from kerascnn.callbacks import TimeBudget, time_budget

EPOCHS, STEPS = 10, 50


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when it is told to."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(time_budget.time, "perf_counter", lambda: now.seconds)
    return now


def drive(budget, clock, each=1.0, validation=0.0, epochs=range(EPOCHS)):
    """A training whose steps take `each` second: the epochs and steps that it did."""
    model = SimpleNamespace(stop_training=False)
    budget.set_model(model)
    budget.set_params({"epochs": EPOCHS, "steps": STEPS})
    budget.on_train_begin()
    done = []
    for epoch in epochs:
        budget.on_epoch_begin(epoch)
        done.append(0)
        for batch in range(STEPS):
            budget.on_train_batch_begin(batch)
            clock.seconds += each
            done[-1] += 1
            if model.stop_training:
                break
        clock.seconds += validation
        budget.on_epoch_end(epoch, {})
        if model.stop_training:
            break
    budget.on_train_end()
    return done


def test_training_ends_with_the_step_in_which_the_time_is_over(clock, capsys):
    budget = TimeBudget(120)
    assert drive(budget, clock) == [50, 50, 21]
    assert budget.ended == "max_seconds=120 were over in epoch 3, after step 21 of 50"
    assert (budget.share, budget.spent) == (21 / 50, 121)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "max_seconds=120 ends this before its 10 epochs: 494 s to go, epochs=2 would fit."
    assert last == "max_seconds=120 were over in epoch 3, after step 21 of 50; training ends with what it has."


def test_validation_counts_and_ends_it_too(clock, capsys):
    budget = TimeBudget(120, verbose=0)
    assert drive(budget, clock, validation=20) == [50, 50]
    assert budget.ended == "max_seconds=120 were over after epoch 2" and budget.share == 1
    assert capsys.readouterr().err == ""


def test_what_fits_is_not_spoken_of(clock, capsys):
    budget = TimeBudget(510)
    assert drive(budget, clock) == [50] * 10
    assert (budget.ended, capsys.readouterr().err) == ("", "")


def test_the_seconds_of_earlier_starts_count(clock):
    first, later = TimeBudget(120, verbose=0), TimeBudget(120, verbose=0)
    drive(first, clock, epochs=[0])
    later.restore(first.state())
    assert drive(later, clock, epochs=[1, 2, 3]) == [50, 21]


def test_a_further_stage_does_one_step(clock):
    budget = TimeBudget(60, verbose=0)
    assert drive(budget, clock) == [50, 11]
    assert drive(budget, clock) == [1]
    assert budget.ended == "max_seconds=60 were over in epoch 2, after step 11 of 50" and budget.share == 1 / 50


def test_it_says_so_when_not_one_epoch_fits(clock, capsys):
    drive(TimeBudget(10), clock)
    assert "500 s to go" in (text := capsys.readouterr().err) or "ends this before its 10 epochs" in text
    assert "not one epoch will fit." in text


def test_seconds_are_above_zero():
    with pytest.raises(ValueError, match=r"`max_seconds` must be in \(0, inf\). Received: max_seconds=0"):
        TimeBudget(0)
