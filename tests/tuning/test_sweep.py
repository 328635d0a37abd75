"""Sweeps with a recipe of no images: what is drawn, what is kept, and that no kill changes either."""

import contextlib
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from kerascnn.inspect import Cost
from kerascnn.tuning import Plan, Sweep, ranked
from kerascnn.tuning.exploring import explored
from kerascnn.tuning.recorded import trial_folder
from kerascnn.tuning.trials import as_csv
from tests.tuning.sweep_recipe import deadly, failing, hopeless, job, line, run, small, sweep

TUNERS = ("random", "grid", "bayesian", "hyperband")


def told(trials):
    """What must be the same however a sweep went."""
    return [(each.number, dict(each.values), each.status, each.score, each.epochs, each.error) for each in trials]


@pytest.fixture(scope="module", autouse=True)
def nothing_to_free():
    """Trials without networks need not wait for Keras to free these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras.utils.clear_session", lambda: None)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The trials of an undisturbed sweep of each tuner."""
    return {tuner: run(tmp_path_factory.mktemp(tuner), tuner=tuner, epochs=4) for tuner in TUNERS}


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_seed_repeats_a_sweep_and_another_does_not(tuner, whole, tmp_path):
    assert told(run(tmp_path / "a", tuner=tuner, epochs=4)) == told(whole[tuner])
    assert len(whole[tuner]) == 8 and all(trial.status == "finished" for trial in whole[tuner])
    if tuner != "grid":
        assert told(run(tmp_path / "b", tuner=tuner, epochs=4, seed=1)) != told(whole[tuner])


@pytest.mark.parametrize("tuner", TUNERS)
@pytest.mark.parametrize("stop", range(1, 8, 3))
def test_interrupted_anywhere_it_goes_on_as_if_nothing_had_been(tuner, stop, whole, tmp_path, monkeypatch):
    ended = []

    def interrupt(*arguments, **options):
        ended.append(1)
        if len(ended) > stop:
            raise KeyboardInterrupt
        return line(*arguments, **options)

    interrupted = sweep(tmp_path, tuner=tuner, epochs=4)
    monkeypatch.setattr("kerascnn.tuning.job.Job.recipe", property(lambda self: interrupt), raising=False)
    with interrupted, pytest.raises(KeyboardInterrupt):
        interrupted.run()
    monkeypatch.undo()
    assert told(run(tmp_path, tuner=tuner, epochs=4)) == told(whole[tuner])


def test_the_grid_is_every_combination_once_in_order(tmp_path):
    trials = run(tmp_path, of=small, tuner="grid", max_trials=None)
    drawn = [(trial.values["offset"], trial.values["slope"]) for trial in trials]
    assert drawn == [(offset, slope) for offset in (1, 2, 3, 4) for slope in (0.5, 1.0, 2.0)]
    best = ranked(trials, "max")[0]
    assert (best.score, best.arguments) == (10.0, {"offset": 4, "slope": 2.0, "seed": 0})


def test_hyperband_gives_the_best_more_epochs(tmp_path):
    trials = run(tmp_path, tuner="hyperband", epochs=9, max_trials=None)
    by_epochs = {count: [each for each in trials if each.epochs == count] for count in (1, 3, 9)}
    assert sum(map(len, by_epochs.values())) == len(trials) and all(by_epochs.values())
    best = sorted(by_epochs[1], key=lambda trial: -trial.score)[:3]
    promoted = [each for each in trials if each.epochs == 3][:3]
    assert sorted(map(str, (each.values for each in promoted))) == sorted(map(str, (each.values for each in best)))


def test_a_failed_trial_is_recorded_and_the_sweep_goes_on(tmp_path):
    trials = run(tmp_path, of=failing, tuner="grid")
    assert [trial.status for trial in trials] == ["finished", "failed", "failed"] * 2
    assert [trial.error for trial in trials[1:3]] == [
        "MemoryError: not enough",
        "ArithmeticError: The objective of the trial is nan.",
    ]
    assert "in line\n    raise MemoryError" in (tmp_path / "trials" / "0001" / "error.txt").read_text()
    with sweep(tmp_path, of=failing, tuner="grid") as again:
        assert told(again.trials()) == told(trials)


def test_three_times_the_same_first_error_ends_it_with_that_error_and_the_next_start_tries_again(tmp_path):
    with pytest.raises(RuntimeError, match="first 3 trials ended with the same error: MemoryError: not enough"):
        run(tmp_path, of=hopeless)
    assert len(list((tmp_path / "trials").iterdir())) == 3
    with sweep(tmp_path, of=hopeless) as again:
        assert again.is_new and again.trials() == []


def test_draws_outside_the_bounds_cost_no_trial(tmp_path):
    def cost(arguments):
        return Cost(parameters=100 * arguments["offset"], flops=round(10 * arguments["slope"]))

    for tuner in TUNERS:
        trials = run(tmp_path / tuner, of=small, cost=cost, tuner=tuner, max_parameters=200, max_flops=10, max_trials=4)
        drawn = {(trial.values["offset"], trial.values["slope"]) for trial in trials}
        assert len(trials) == 4 and drawn <= {(1, 0.5), (1, 1.0), (2, 0.5), (2, 1.0)}
        assert {(trial.parameters, trial.flops) for trial in trials} <= {(100, 5), (100, 10), (200, 5), (200, 10)}


def test_only_the_best_trials_keep_their_weights(tmp_path):
    trials = run(tmp_path, of=small, tuner="grid", keep=2)
    kept = {int(file.parent.name) for file in tmp_path.glob("trials/*/model.keras")}
    assert kept == {trial.number for trial in ranked(trials, "max")[:2]}
    assert len(list(tmp_path.glob("trials/*/outcome.json"))) == 8


def test_tensorboard_gets_the_values_and_the_score_of_each_trial(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trials = run(tmp_path, of=small, tuner="grid", max_trials=3, tensorboard=True)
    for trial in trials:
        events = EventAccumulator(str(tmp_path / "tensorboard" / f"{trial.number:04d}")).Reload()
        assert [event.value for event in events.Scalars("accuracy")] == [trial.score]
        (written,) = events.PluginTagToContent("hparams").values()
        assert b"offset" in written and b"slope" in written


def test_a_larger_limit_goes_on_and_an_objective_to_minimise_is_minimised(tmp_path):
    first = run(tmp_path, of=small, tuner="grid", max_trials=3)
    more = run(tmp_path, of=small, tuner="grid", max_trials=5)
    assert told(more[:3]) == told(first) and len(more) == 5
    low = job(tmp_path / "low", small, "val_loss", "min")
    with Sweep(low, explored(small), Plan("grid", 3, verbose=0), lambda _: None) as downwards:
        assert ranked(downwards.run(), "min")[0].score == -10.0


def test_no_trial_begins_after_the_seconds_are_over(tmp_path):
    trials = run(tmp_path, max_trials=None, max_seconds=0.3, fixed={"pause": 0.05})
    assert 1 <= len(trials) <= 3 and all(trial.status == "finished" for trial in trials)
    assert len(run(tmp_path, max_trials=None, max_seconds=0.3, fixed={"pause": 0.05})) == len(trials)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 1}, "seed=0 there, 1 here"),
        ({"tuner": "grid"}, "tuner='random' there, 'grid' here"),
        ({"fixed": {"kind": "b"}}, "fixed={'seed': 0} there"),
    ],
)
def test_the_folder_of_another_sweep_is_refused(tmp_path, change, told):
    run(tmp_path, max_trials=1)
    with pytest.raises(ValueError, match="must be a new folder or one of the same sweep") as raised:
        sweep(tmp_path, **change)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"tuner": "hyperbands"}, "`tuner` must be one of .*Did you mean 'hyperband'"),
        ({"max_trials": 0}, "`max_trials` must be an integer of at least 1"),
        ({"max_trials": None}, "`max_trials` must be given for tuner='random'"),
        ({"max_seconds": 0}, "`max_seconds` must be"),
        ({"workers": 0}, "`workers` must be an integer of at least 1"),
    ],
)
def test_wrong_plans_are_refused(options, rule):
    with pytest.raises((ValueError, TypeError), match=rule):
        Plan(**{"tuner": "random", "epochs": 3, **options})


SLOW = {"tuner": "random", "max_trials": 10, "epochs": 6, "fixed": {"pause": 0.08}}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The leaderboard of a sweep that nothing has disturbed."""
    return as_csv(run(tmp_path_factory.mktemp("undisturbed"), **SLOW), "max")


def events(folder):
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_killed_ten_times_it_ends_as_a_sweep_never_killed(undisturbed, tmp_path, forked):
    pause = random.Random(0)
    for _ in range(10):
        process = forked(run, tmp_path, **SLOW)
        time.sleep(pause.uniform(0.1, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    kinds = [event["event"] for event in events(tmp_path)]
    assert kinds.count("begun") >= 1 and kinds.count("resumed") >= 2
    assert as_csv(run(tmp_path, **SLOW), "max") == undisturbed


def workers_of(folder):
    """The worker processes of a sweep, by the file that their errors go to."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/2"):
        with contextlib.suppress(OSError):
            found += [int(link.parts[2])] * (os.readlink(link) == str(folder / "workers.log"))
    return found


def epochs_of(folder):
    """How many epochs all trials together have saved."""
    return sum(len(json.loads(state.read_text())) for state in folder.glob("**/state.json"))


@pytest.mark.slow
def test_workers_killed_ten_times_and_then_the_chief_lose_nothing(undisturbed, tmp_path, forked):
    slower = {"fixed": {"pause": 0.15}, "workers": 2}
    chief, pause = forked(run, tmp_path, **SLOW | slower), random.Random(0)
    killed, reached = 0, 0
    while killed < 10 and chief.is_alive():
        time.sleep(pause.uniform(0.05, 0.3))
        workers, epochs = workers_of(tmp_path), epochs_of(tmp_path)
        if workers and epochs > reached:  # a trial that dies again and again and gets nowhere is given up
            os.kill(min(workers), signal.SIGKILL)  # the one that has had most time
            killed, reached = killed + 1, epochs
    assert killed == 10
    os.kill(chief.pid, signal.SIGKILL)
    chief.join()
    patience = time.monotonic() + 30
    while workers_of(tmp_path) and time.monotonic() < patience:
        time.sleep(0.05)
    assert workers_of(tmp_path) == []  # they end with the chief
    assert as_csv(run(tmp_path, **SLOW | slower), "max") == undisturbed


@pytest.mark.slow
def test_workers_take_turns_one_that_dies_is_replaced_and_a_deadly_trial_given_up(tmp_path):
    trials = run(tmp_path, of=deadly, tuner="grid", workers=2, fixed={"pause": 0.05})
    assert [trial.status for trial in trials] == ["finished", "failed", "finished"]
    assert "its process has died 3 times" in trials[1].error
    assert {event["tuner"] for event in events(tmp_path) if event["event"] == "begun"} == {"worker-0", "worker-1"}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_full_disk_ends_it_with_an_error_and_loses_nothing(undisturbed, small_disk, monkeypatch, workers):
    folder, slower = small_disk.folder / "sweep", {"fixed": {"pause": 0.05}, "workers": workers}
    ended = []

    def fill_after_three(self):
        ended.append(1)
        if len(ended) == 3:
            small_disk.fill()

    monkeypatch.setattr(Sweep, "_ended", fill_after_three)
    with pytest.raises(OSError, match="No room (for|in)|could not write: see .*workers.log.*make the same call again"):
        run(folder, **SLOW | slower)
    monkeypatch.undo()
    small_disk.free()
    assert as_csv(run(folder, **SLOW | slower), "max") == undisturbed


def test_a_trial_has_a_number_which_leads_nowhere_else(tmp_path):
    for name in ("../0001", "", "1/..", "\u0661"):
        with pytest.raises(ValueError, match="`trial_id` must be a number"):
            trial_folder(tmp_path, name)
