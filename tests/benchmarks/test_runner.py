import json

import pytest

from benchmarks import __main__ as runner
from benchmarks import page
from benchmarks.parts import BY_HAND, PARTS, Part
from benchmarks.rounds import ROOT

ECHO = """print('| a | b |'); print('noise'); print('{"seen": 1}')"""
COUNT = '-c \'import sys; open(sys.argv[1], "a").write("x")\' {path}'


@pytest.fixture
def parts(monkeypatch):
    """Replaces the table of parts, and the look at how busy the machine is."""

    def use(**parts):
        for module in (runner, page):
            monkeypatch.setattr(module, "PARTS", parts)

    monkeypatch.setattr(page, "busy", lambda: 0.25)
    return use


def run(folder, *words):
    return runner.main(["--folder", str(folder), *words])


def test_the_page_has_the_lines_that_match_and_the_figures_are_kept(parts, tmp_path):
    (tmp_path / "echo.py").write_text(ECHO)
    parts(echo=Part("Echo", str(tmp_path / "echo.py"), lines=r"\|", text="What it says."))
    assert run(tmp_path) == 0
    text = (tmp_path / "benchmarks.md").read_text()
    assert "## Echo\n\nWhat it says.\n\n`python " in text
    assert "; the machine was 25% busy before.\n\n| a | b |\n\n## What takes longer" in text
    assert "noise" not in text and "seen" not in text
    assert json.loads((tmp_path / "echo.json").read_text())["figures"] == {"seen": 1}


def test_what_was_measured_is_taken_as_it_is_unless_asked_for_again(parts, tmp_path):
    files = {name: tmp_path / f"{name}.txt" for name in ("first", "second")}
    parts(**{name: Part(name, COUNT.replace("{path}", str(path))) for name, path in files.items()})
    counts = []
    for words in ([], [], ["--only", "second"], ["--again"]):
        run(tmp_path, *words)
        counts.append([path.read_text() for path in files.values()])
    assert counts == [["x", "x"], ["x", "x"], ["x", "xx"], ["xx", "xxx"]]


def test_a_part_that_fails_is_told_counted_and_tried_again(parts, tmp_path, capsys):
    parts(bad=Part("Bad", "-c 'print(12); raise SystemExit(3)'"), good=Part("Good", "-c 'print(34)'"))
    assert run(tmp_path) == 1
    assert "bad ended with status 3; what it printed:\n12" in capsys.readouterr().err
    assert not (tmp_path / "bad.json").exists()
    assert "```text\n34\n```" in (tmp_path / "benchmarks.md").read_text()


def test_a_part_waits_for_the_figures_that_it_needs(parts, tmp_path, capsys):
    parts(late=Part("Late", "-c 'print(1)'", needs=("early",)))
    assert run(tmp_path) == 0
    assert "late is left out: it needs early" in capsys.readouterr().err
    assert not (tmp_path / "late.json").exists()


def test_quick_adds_its_options_and_tells_them(parts, tmp_path):
    parts(echo=Part("Echo", "-c 'import sys; print(sys.argv[1:])'", "--few 1"))
    run(tmp_path, "--quick")
    assert json.loads((tmp_path / "echo.json").read_text())["lines"] == ["['--few', '1']"]


def test_every_script_is_run_or_listed_and_every_command_has_its_file():
    commands = [part.command for part in PARTS.values()] + [command.removeprefix("python ") for command in BY_HAND]
    named = {word for command in commands for word in command.split() if word.startswith("benchmarks")}
    files = {ROOT / (f"{word.replace('.', '/')}.py" if "/" not in word else word) for word in named}
    helpers = {"__init__", "__main__", "rounds", "page", "parts", "hand_written", "keras_networks", "torch_networks"}
    assert files == {path for path in (ROOT / "benchmarks").glob("*.py") if path.stem not in helpers}


def test_commands_are_shown_without_paths_of_this_machine():
    assert page.shown("-m x --torch {torch} {folder}") == "python -m x --torch PYTHON saved_models/runs/benchmarks"


def test_the_machine_is_told_without_its_name():
    about = page.machine()
    assert set(about) == {"processor", "cores", "memory", "features", "system"}
    assert int(about["cores"]) >= 1


def test_half_of_the_time_used_is_half_busy(monkeypatch):
    answers = iter(["cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1", "cpu  30 0 40 110 20 0 0 0 0 0\ncpu0 2"])
    monkeypatch.setattr(page, "_read", lambda path: next(answers))
    assert page.busy(0) == 0.5
