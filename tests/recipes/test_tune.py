"""`tune` with real recipes: small networks, few images, few steps."""

import contextlib
import inspect
import io
import json

import numpy as np
import pytest

import kerascnn
from kerascnn.data import arrays
from kerascnn.tuning import Choices, ConvNetSpace, UNetSpace
from recipes import classify, tune

RNG = np.random.default_rng(0)
Y = np.arange(96) % 3
X = RNG.integers(0, 60, (96, 8, 8, 1), "uint8")
X[np.arange(96), :, 2 * Y] = 250  # a bright row tells the class
ARRAYS = (X[:60], Y[:60]), (X[60:78], Y[60:78]), (X[78:], Y[78:])
SMALL = ConvNetSpace(stages=(1, 2), blocks=(1, 1), filters=(4, 8), kernels=(3,), strides=(2,), block=("plain",))
DROPPED = object()
SHORT = {"epochs": 2, "batch_size": 20, "augment": "none", "verbose": 0}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep of five trials, the lines that it told, and how often data was read."""
    read, real, told = [], arrays.from_arrays, io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(told):
        patch.setattr(arrays, "from_arrays", lambda *given: read.append(given) or real(*given))
        options = SHORT | {"directory": tmp_path_factory.mktemp("tuned"), "verbose": 2}
        result = tune(ARRAYS, space=SMALL, tuner="random", max_trials=5, keep=2, **options)
    return result, told.getvalue().splitlines(), sum(given[0] is ARRAYS for given in read)


@pytest.fixture(scope="module")
def tuned(sweep):
    return sweep[0]


def test_the_best_settings_are_trained_anew_and_judged_once_on_the_test_split(tuned):
    assert len(tuned.trials) == 5 and tuned.objective == "accuracy" and tuned.direction == "max"
    assert tuned.trials[0].score == max(trial.score for trial in tuned.trials)
    assert tuned.best.extras["record"]["judged_on"] == "test"
    assert tuned.best.extras["record"]["arguments"]["model"] == tuned.best_arguments["model"]
    for trial in tuned.trials:
        record = json.loads((tuned.path / "trials" / f"{trial.number:04d}" / "result.json").read_text())
        assert record["judged_on"] == "validation" and record["metrics"]["accuracy"] == trial.score
        assert record["model"]["parameters"] < trial.parameters <= record["model"]["parameters"] * 1.5
    best = json.loads((tuned.path / "trials" / f"{tuned.trials[0].number:04d}" / "result.json").read_text())
    assert tuned.best.history == best["history"]  # the same seed and images: the same network


def test_leaderboard_pictures_and_best_model_lie_in_the_folder(tuned):
    names = {file.name for file in tuned.path.iterdir()}
    assert names >= {"journal.jsonl", "leaderboard.csv", "leaderboard.md", "pareto.png", "by_value.png", "best"}
    assert "parallel_coordinates.png" in names
    assert tuned.leaderboard in (tuned.path / "leaderboard.md").read_text()
    assert len((tuned.path / "leaderboard.csv").read_text().splitlines()) == 6
    kept = {file.parent.name for file in tuned.path.glob("trials/*/model.keras")}
    assert kept == {f"{trial.number:04d}" for trial in tuned.trials[:2]}
    assert not list(tuned.path.glob("trials/*/*.png"))
    again = kerascnn.load(tuned.path / "best")
    np.testing.assert_array_equal(again.model.predict(X[:5], verbose=0), tuned.best.model.predict(X[:5], verbose=0))


def test_the_same_call_shows_the_finished_sweep_without_a_step(tuned, monkeypatch):
    monkeypatch.setattr("keras.Model.fit", None)
    again = tune(ARRAYS, space=SMALL, tuner="random", max_trials=5, directory=tuned.path, keep=2, **SHORT)
    assert again.trials == tuned.trials and again.best.metrics == tuned.best.metrics


def test_a_longer_sweep_that_finds_better_settings_keeps_what_was_trained_before(tmp_path):
    options = SHORT | {"directory": tmp_path, "tuner": "grid", "model": "mlp"}
    options["space"] = Choices(learning_rate=(1e-9, 0.05))
    first = tune(ARRAYS, max_trials=1, **options)
    longer = tune(ARRAYS, max_trials=2, **options)
    assert [first.best_arguments["learning_rate"], longer.best_arguments["learning_rate"]] == [1e-9, 0.05]
    records = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("best-of-trial-0", "best")]
    assert [record["arguments"]["learning_rate"] for record in records] == [1e-9, 0.05]
    assert tune(ARRAYS, max_trials=2, **options).best.history == longer.best.history


@pytest.mark.slow
def test_two_workers_run_the_trials_that_one_runs(tuned, tmp_path):
    both = tune(ARRAYS, space=SMALL, tuner="random", max_trials=5, keep=2, workers=2, directory=tmp_path, **SHORT)
    alone, shared = ({each.number: (each.arguments["model"], each.score) for each in of.trials} for of in (tuned, both))
    assert shared == alone
    assert both.best.metrics == pytest.approx(tuned.best.metrics)


@pytest.mark.slow
def test_what_a_recipe_takes_is_searched_like_a_network(tmp_path):
    space = Choices(class_weight=(None, "balanced"), epochs=(1, 2), batch_size=(20, 30))
    fixed = {"model": "convnet(filters=(4,))", "augment": "none"}
    found = tune(ARRAYS, space=space, tuner="grid", directory=tmp_path, max_trials=3, verbose=0, **fixed)
    names = "epochs", "batch_size", "class_weight"
    drawn = {trial.number: tuple(trial.arguments[name] for name in names) for trial in found.trials}
    assert drawn == {0: (1, 20, None), 1: (1, 30, None), 2: (2, 20, None)}
    assert all(trial.epochs == trial.arguments["epochs"] for trial in found.trials)


@pytest.mark.slow
def test_networks_that_answer_for_each_pixel_are_searched_too(tmp_path):
    masks = (X[..., 0] > 100).astype("uint8")
    data = (X[:60], masks[:60]), (X[60:], masks[60:])
    space = UNetSpace(depths=(1, 2), filters=(2, 4), convolutions=(1,))
    found = tune(data, recipe="segment", space=space, tuner="random", max_trials=2, directory=tmp_path, **SHORT)
    assert found.objective == "iou" and found.best.metrics["iou"] == pytest.approx(found.trials[0].score)
    assert all(trial.flops > 0 and trial.parameters > 0 for trial in found.trials)


def test_data_is_read_once_for_all_trials_and_once_with_the_test_split(sweep):
    assert sweep[2] == 2


def test_it_tells_how_long_it_will_take_and_then_a_line_a_trial(sweep):
    lines = sweep[1]
    assert lines[0].startswith("5 trials: a step takes ") and "MFLOPs" in lines[0]
    told = [line for line in lines if line.startswith("trial ")]
    assert [line.split("  ")[0] for line in told] == [f"trial {number} ({number + 1}/5)" for number in range(5)]
    assert all("accuracy 0." in line or "accuracy 1." in line for line in told)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"recipe": "classfy"}, "`recipe` must be one of .*Did you mean 'classify'"),
        ({"learning_rates": 0.1}, "`learning_rates` must be an argument of tune or classify"),
        (
            {"space": lambda hp: {"modell": hp.Choice("m", ["a", "b"])}},
            "`space` must give arguments of classify.*'model'",
        ),
        ({"space": lambda hp: 3}, "`space` must return arguments of the recipe by name"),
        ({"space": lambda hp: {"model": "lenet5"}}, "`space` must have something to search"),
        ({"model": "lenet5"}, "`model` must be given once, and the space gives it too"),
        ({"space": Choices(epochs=(1, 2)), "epochs": DROPPED}, "`space` must leave epochs to tuner='hyperband'"),
        ({"space": Choices(patience=(1, 2)), "max_flops": 1e6}, "`max_flops` must be left out unless"),
        ({"space": "ConvNetSpace("}, "`space` must be made of"),
        ({"space": "ConvNetSpaces()"}, "`space` must be made of"),
        ({"max_parameters": 3}, "leave networks of the space"),
        ({"objective": "acuracy"}, "`objective` must be a figure of the recipe: .*Did you mean 'accuracy'"),
        (
            {"workers": 2, "space": lambda hp: {"patience": hp.Int("b", 1, 9)}},
            "`space` must be something that workers",
        ),
        ({"verbose": 3}, "`verbose` must be one of"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_trial(options, rule, tmp_path):
    with pytest.raises((ValueError, TypeError), match=rule):
        given = {"space": SMALL, "directory": tmp_path, **SHORT, **options}
        tune(ARRAYS, **{name: value for name, value in given.items() if value is not DROPPED})
    assert not (tmp_path / "trials").exists()


def test_a_directory_with_a_sweep_is_refused_without_resume(tuned):
    with pytest.raises(ValueError, match="`directory` must be new with resume=False"):
        tune(ARRAYS, space=SMALL, tuner="random", max_trials=5, directory=tuned.path, resume=False, **SHORT)


@pytest.mark.slow
def test_the_shell_takes_the_options_of_tune_and_of_its_recipe(python, tmp_path):
    space = "ConvNetSpace(stages=(1, 2), blocks=(1, 1), filters=(8, 8), kernels=(3,), strides=(2,), block=('plain',))"
    options = {"space": space, "max-trials": 2, "epochs": 1, "directory": tmp_path, "verbose": 2, "tuner": "random"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    done = python(
        "-m", "recipes", "tune", "--data", "digits", "--augment", "none", *words, "--resume", MPLBACKEND="Agg"
    )
    assert done.returncode == 0, done.stderr
    assert "The best by accuracy on the validation split:" in done.stdout and "On the test split:" in done.stdout
    assert str(tmp_path / "best" / "model.keras") in done.stdout
    record = json.loads((tmp_path / "best" / "result.json").read_text())
    assert (record["arguments"]["epochs"], record["arguments"]["augment"]) == (1, "none")


def test_every_option_of_classify_but_the_silent_ones_reaches_it():
    from recipes import _shell

    own, inner = _shell.shell_signature(tune), inspect.signature(classify)
    handed_on = set(_shell._handed_on(own, classify))
    assert handed_on >= {"epochs", "batch_size", "augment", "model"}
    assert not handed_on & {"save_to", "callbacks", "seed", "verbose", "data"} and handed_on < set(inner.parameters)
