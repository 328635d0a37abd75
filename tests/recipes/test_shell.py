"""From a signature to a command line, on a small recipe that returns what it was given."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest

from recipes import _shell


def paint(
    data: str | Path | np.ndarray | tuple = "digits",
    *,
    model: str | Callable = "resnet20",
    rate: float | Literal["auto"] | Callable = "auto",
    size: int | tuple[int, int] | None = None,
    weight: Literal["balanced"] | Mapping[int, float] | None = None,
    mirror: bool = True,
    save_to: str | Path | None = None,
    callbacks: Sequence[Callable] = (),
    **more,
):
    """Paints pictures.

    Args:
        data: what to paint, in words
            on two lines.
        rate: strokes a second.
        callbacks: called at each stroke.

    Examples:
        python -m recipes paint --rate 3
    """


def label(model: str | Path, images: Sequence[str | Path], *, top: int = 3):
    """Labels files."""


def parsed(*arguments, recipe=paint):
    return _shell.parse(recipe, arguments, prog="python -m recipes paint")


@pytest.mark.parametrize(
    ("annotation", "written"),
    [
        (int, int),
        (bool, bool),
        (Path, str),
        (str | Path, str),
        (Literal["a", "b"], Literal["a", "b"]),
        (float | None, float | None),
        (str | int, int | str),
        (tuple[int, int], tuple[int, int]),
        (tuple[int, ...], tuple[int, ...]),
        (Sequence[str | Path], list[str]),
        (Annotated[int, "steps"], int),
        (int | np.ndarray, int),
        (Callable | None, None),
        (Sequence[Callable], None),
        (Sequence, None),
        (np.ndarray, None),
        (Mapping[int, float], None),
    ],
)
def test_shell_type_keeps_what_can_be_written(annotation, written):
    assert _shell.shell_type(annotation) == written


def test_defaults_are_the_recipes_own_and_objects_are_left_out():
    expected = {"data": "digits", "model": "resnet20", "rate": "auto", "size": None, "weight": None}
    assert parsed() == {**expected, "mirror": True, "save_to": None}


def test_options_come_with_their_types():
    options = parsed("--data", "photos", "--rate", "0.5", "--size", "3", "4", "--weight", "balanced", "--no-mirror")
    assert options["data"] == "photos"
    assert options["rate"] == 0.5
    assert options["size"] == (3, 4)
    assert options["weight"] == "balanced"
    assert options["mirror"] is False
    assert parsed("--size", "32")["size"] == 32


def test_a_required_list_is_positional():
    options = parsed("--model", "m", "a.png", "b.png", recipe=label)
    assert options == {"model": "m", "images": ["a.png", "b.png"], "top": 3}


def test_help_has_types_defaults_meanings_and_an_example(capsys):
    with pytest.raises(SystemExit) as stopped:
        parsed("--help")
    text = capsys.readouterr().out
    assert stopped.value.code == 0
    flat = " ".join(text.replace("│", " ").split())
    assert "usage: python -m recipes paint" in text
    assert "Example: python -m recipes paint --rate 3" in text
    assert "what to paint, in words on two lines. (default: digits)" in flat
    assert "--rate FLOAT|{auto} strokes a second. (default: auto)" in flat
    assert "--weight {None,balanced}" in flat
    assert "(default: saved_models/runs/<data>-<model>-<other options>)" in flat
    assert "callbacks" not in text


@pytest.mark.parametrize("arguments", [["--rat", "3"], ["--size", "x"], ["--weight", "heavy"], ["stray"]])
def test_a_wrong_option_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        parsed(*arguments)
    assert stopped.value.code == 2
    assert "python -m recipes paint --help" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"data": "digits", "model": "resnet20"}, "digits-resnet20"),
        (
            {"data": "/home/me/my photos/", "model": "vgg11(dropout=0.5, units=(8,))"},
            "my-photos-vgg11-dropout=0.5-units=-8",
        ),
        ({"data": "imagenet_v2/top-images", "model": "mlp"}, "top-images-mlp"),
        ({"data": "digits"}, "digits"),
        ({"data": "digits", "model": "mlp", "rate": "auto", "size": None, "mirror": True}, "digits-mlp"),
        (
            {"data": "digits", "model": "mlp", "rate": 0.5, "size": (3, 4), "mirror": False, "save_to": "x"},
            "digits-mlp-rate=0.5-size=3x4-mirror=False",
        ),
        ({"data": "digits", "model": "m" * 300}, "digits-" + "m" * 193),
    ],
)
def test_default_save_to_is_one_folder_name(options, name):
    assert Path(_shell.default_save_to(paint, options)) == Path("saved_models/runs", name)


def test_quiet_start_drops_only_tensorflows_notes(python):
    code = """
import os
from recipes._shell import quiet_start
with quiet_start():
    for line in ("WARNING: All log messages before absl::InitializeLog() is called",
                 "I0000 00:00:17.0 port.cc:153] oneDNN custom operations are on", "UserWarning: keep this"):
        os.write(2, line.encode() + b"\\n")
os.write(2, b"I0000 after\\n")
"""
    assert python("-c", code, TF_CPP_MIN_LOG_LEVEL="3").stderr == "UserWarning: keep this\nI0000 after\n"
    assert python("-c", code, TF_CPP_MIN_LOG_LEVEL="0").stderr.count("\n") == 4
