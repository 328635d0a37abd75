"""docs/finetuning.md: its examples run, its commands are read, its table is that of the backbones."""

import importlib
import inspect
import re
import shlex
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import recipes
from kerascnn import blocks
from kerascnn.backbones import BACKBONES
from recipes import _shell

PAGE = Path(__file__).parents[1] / "docs" / "finetuning.md"
TEXT = PAGE.read_text("utf-8")
SHORT = {"head_epochs": 1, "epochs": 1, "verbose": 0}


def blocks_of(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def commands():
    return [shlex.split(line) for block in blocks_of("sh") for line in block.splitlines()]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A working folder with `photos/` of three classes in it."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("ant", "bee", "cat"):
        Path("photos", name).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(rng.integers(0, 256, (40, 50, 3), "uint8")).save(f"photos/{name}/{number}.png")


def small():
    """In place of a backbone of the table, which would take a minute to compile."""
    image = keras.Input((16, 16, 3), name="image")
    x = blocks.conv(keras.layers.Rescaling(1 / 255, name="rescale")(image), 4, strides=2, name="low")
    return keras.Model(image, blocks.conv(x, 8, strides=2, name="high"), name="small")


def quick(recipe, data, **options):
    """`recipe` as the page calls it, for one epoch, after all that it checks of the true arguments."""
    call = inspect.signature(recipe).bind(data, **options)
    call.apply_defaults()
    importlib.import_module("recipes.finetune")._check(**call.arguments)
    if call.arguments["backbone"] in BACKBONES:
        return recipe(data, **options | SHORT | {"backbone": small()})
    return recipe(data, **options | SHORT | {"unfreeze": None})


@pytest.mark.slow
def test_the_examples_run(photos, monkeypatch):
    monkeypatch.setattr(recipes, "finetune", partial(quick, recipes.finetune))
    names = {"__name__": "page"}
    for block in blocks_of("python"):
        exec(compile(block, str(PAGE), "exec"), names)
    assert [stage["name"] for stage in names["result"].extras["record"]["stages"]] == ["head"]
    assert names["maps"].shape == (3, 16, 16)
    assert Path("gradcam.png").exists() and Path("photos-served", "saved_model.pb").exists()
    top = {layer.name for layer in names["model"].layers if layer.trainable and layer.weights}
    assert top and top <= {*names["parts"][-1], "probabilities"}
    assert not [name for name in top if name.endswith("_bn")]
    assert f"print(moved)  # {names['moved']}\n" in TEXT
    assert names["unet"].output_shape == (None, 32, 32, 32)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_commands_are_read(words):
    assert words[:3] == ["python", "-m", "recipes"]
    recipe = getattr(recipes, words[3])
    options = _shell.parse(recipe, words[4:], prog="recipes")
    assert options.keys() <= inspect.signature(recipe).parameters.keys()


def test_the_table_has_every_backbone_with_its_size_and_parameters():
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if " | " in line]
    listed = {row[0]: row[1:] for row in rows if row[0] in BACKBONES}
    assert {name: (size, count) for name, (size, count, _) in listed.items()} == {
        name: (str(each.size), f"{each.parameters / 1e6:.1f}") for name, each in BACKBONES.items()
    }
    for name, (*_, weights) in listed.items():
        source = BACKBONES[name].source
        assert ("Keras" in weights) == source.startswith("keras.applications"), name
        assert ("21k" in weights) == ("21k" in source), name
        assert weights in ("installed with kerascnn",) or "pip install" not in weights or weights[12:] in source, name


def test_pictures_and_pages_that_it_names_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (PAGE.parent / target).is_file(), target


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(\w+)=", TEXT))))
def test_options_that_it_names_exist(option):
    assert option in inspect.signature(recipes.finetune).parameters
