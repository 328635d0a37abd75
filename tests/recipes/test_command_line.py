"""`python -m recipes`: messages, exit statuses, and what is printed after a run."""

import shlex
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import keras
import numpy as np
import pytest

from kerascnn import checks
from kerascnn.callbacks import StopOnNaN
from kerascnn.training.record import command
from recipes import __main__ as line
from recipes import _shell, classify


def fake(monkeypatch, function):
    """Puts `function` in the place of the recipe classify."""
    module = ModuleType("recipes.classify")
    module.classify = function
    monkeypatch.setitem(sys.modules, "recipes.classify", module)


@pytest.fixture
def run_with(monkeypatch, capsys):
    def run(function, *arguments):
        fake(monkeypatch, function)
        status = line.main(["classify", *arguments])
        return status, *capsys.readouterr()

    return run


def test_overview_lists_every_recipe_with_its_line_and_an_example():
    text = line.overview("kerascnn")
    assert "usage: kerascnn RECIPE" in text
    for name in line.RECIPES:
        assert f"\n  {name} " in text
        assert f"\n  python -m recipes {name} --" in text
    assert "Trains a network that says which class an image is of." in text


def test_no_argument_shows_the_overview(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/kerascnn"])
    assert line.main() == 0
    assert capsys.readouterr().out == line.overview("kerascnn") + "\n"


def test_an_unknown_recipe_names_the_nearest(capsys):
    assert line.main(["clasify"]) == 2
    known = ", ".join(map(repr, line.RECIPES))
    expected = f"error: `recipe` must be one of {known}. Received: recipe='clasify'. Did you mean 'classify'?\n"
    assert capsys.readouterr().err == expected


def test_classify_has_a_help_line_for_every_option():
    documented = {each.arg_name for each in _shell.documentation(classify.__doc__).params}
    assert set(_shell.shell_signature(classify).parameters) <= documented


def test_the_command_of_a_record_parses_to_the_same_arguments():
    options = _shell.parse(classify, [], prog="classify")
    given = {"data": "my photos", "model": "mlp(units=(8,))", "epochs": 3, "skip_bad": True, "augment": None}
    given |= {"image_size": 32, "patience": 4, "learning_rate": 0.125, "precision": "float32"}
    words = shlex.split(command(classify, {**options, "callbacks": (), **given}))
    assert words[:4] == ["python", "-m", "recipes", "classify"]
    assert _shell.parse(classify, words[4:], prog="classify") == {**options, **given}


def test_save_to_has_a_default_in_the_shell(run_with):
    seen = []

    def classify(
        data: str = "digits", *, model: str = "mlp", epochs: int = 3, verbose: int = 1, save_to: str | None = None
    ):
        """Fake."""
        seen.append(save_to)

    for options in [], ["--epochs", "5"], ["--epochs", "10", "--verbose", "2"], ["--save-to", "here"]:
        assert run_with(classify, *options)[0] == 0
    runs = "saved_models/runs/digits-mlp"
    assert seen == [runs, f"{runs}-epochs=5", f"{runs}-epochs=10", "here"]  # another call gets another folder


def test_a_wrong_argument_is_one_line_without_traceback(run_with):
    def classify(epochs: int = 1):
        """Fake."""
        checks.positive_int("epochs", epochs)

    status, out, err = run_with(classify, "--epochs", "0")
    assert (status, out) == (2, "")
    assert err == "error: `epochs` must be an integer of at least 1. Received: epochs=0.\n"


def test_a_missing_file_is_one_line_without_traceback(run_with, tmp_path):
    def classify():
        """Fake."""
        (tmp_path / "absent.png").read_bytes()

    status, _, err = run_with(classify)
    assert status == 2
    assert err.startswith("error: ") and "absent.png" in err and err.count("\n") == 1


def test_a_loss_that_is_nan_is_one_line_without_traceback(run_with):
    def classify():
        """Fake."""
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = np.full((4, 1), np.nan)
        model.fit(x, x, verbose=0, callbacks=[StopOnNaN()])

    status, _, err = run_with(classify)
    assert status == 2
    assert err.startswith("error: The loss became nan in epoch 1, step 1,") and err.count("\n") == 1


def test_a_fault_of_the_code_keeps_its_traceback(run_with):
    def classify():
        """Fake."""
        int("seven")

    with pytest.raises(ValueError, match="seven"):
        run_with(classify)


def test_ctrl_c_says_how_to_go_on(run_with):
    def classify(data: str = "digits"):
        """Fake."""
        raise KeyboardInterrupt

    status, _, err = run_with(classify, "--data", "my photos")
    assert status == 130
    assert err.endswith("classify --data 'my photos'\n")


def test_a_result_is_reported(run_with, tmp_path):
    (tmp_path / "curves.png").touch()
    (tmp_path / "confusion.png").touch()
    record = {"judged_on": "test"}
    result = SimpleNamespace(metrics={"accuracy": 0.98765}, path=tmp_path, extras={"record": record})

    def classify():
        """Fake."""
        return result

    status, out, _ = run_with(classify)
    assert status == 0
    assert "On the test split:\naccuracy         0.9877\n" in out
    assert f"model            {tmp_path / 'model.keras'}\n" in out
    assert "confusion.png, curves.png (same folder)" in out
    assert f"predict --model {tmp_path} IMAGE..." in out
    assert f"kerascnn.load({str(tmp_path)!r})" in out


def test_the_readme_has_its_two_commands():
    text = Path(line.__file__).parents[1].joinpath("README.md").read_text("utf-8")
    commands = [part.split("```sh\n")[1].split("\n")[0] for part in text.split("<!-- command: ")[1:]]
    assert [each.partition(" && ")[0] for each in commands] == ["python3 -m venv .venv"] * 2
    assert commands[0].endswith("-m recipes classify")
    assert commands[1].endswith("-m pytest -q -n 2 --dist loadfile")


def test_start_is_quiet(python, tmp_path):
    done = python("-m", "recipes", "predict", "--model", tmp_path / "absent", "x.png")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
