"""Networks of maps by name, and each job's table by itself."""

import functools

import keras
import pytest

from kerascnn.models import MAP_MODELS, MODELS, build, build_map, describe, residual_unet, unet
from kerascnn.models.registry import parse

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("no_memory")]
SHAPE = (16, 16, 1)


def pixelwise(image_shape=SHAPE, classes=3):
    inputs = keras.Input(image_shape)
    return keras.Model(inputs, keras.layers.Conv2D(classes, 1, activation="softmax")(inputs))


def test_names_builders_and_models_are_accepted():
    assert build_map("unet(filters=4, depth=2)", SHAPE, 3).output_shape == (None, None, None, 3)
    assert build_map(functools.partial(unet, filters=4), SHAPE, 3).name == "unet"
    assert build_map(pixelwise, (8, 9, 2), 4).output_shape == (None, 8, 9, 4)
    model = pixelwise()
    assert build_map(model, SHAPE, 3) is model


def test_what_the_job_decides_wins_over_the_default():
    model = build_map("dncnn(depth=3)", SHAPE, 3, head="sigmoid")
    assert model.layers[-1].activation is keras.activations.sigmoid
    assert build_map("dncnn(depth=3, head='sigmoid')", SHAPE, 3, head="sigmoid").output_shape[-1] == 3
    assert build_map(pixelwise, SHAPE, 3, head="sigmoid").layers[-1].activation is keras.activations.softmax
    with pytest.raises(ValueError, match="`model` must have head='sigmoid', which follows .* Leave head out"):
        build_map("unet(head='softmax')", SHAPE, 3, head="sigmoid")


def test_the_tables_share_no_name():
    assert not MAP_MODELS.keys() & MODELS.keys()


def test_a_network_of_the_other_table_names_the_right_job():
    with pytest.raises(ValueError, match="one of 'alexnet'.*model='unet'. It gives an answer for each pixel.*segment"):
        build("unet", SHAPE, 3)
    with pytest.raises(ValueError, match="one of 'attention_unet', 'dncnn', .*It gives one answer an image.*classify"):
        build_map("resnet20(filters=4)", SHAPE, 3)
    with pytest.raises(ValueError, match=r"Did you mean 'unet'"):
        build_map("u-net", SHAPE, 3)
    with pytest.raises(ValueError, match="have arguments among activation, .*Did you mean 'depth'"):
        build_map("unet(dept=3)", SHAPE, 3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: pixelwise((8, 8, 1)), r"take images of shape \(16, 16, 1\)"),
        (lambda: pixelwise(classes=4), r"give 3 numbers a pixel.*It gives \(16, 16, 4\)"),
        (lambda: build("mlp", SHAPE, 3), r"give 3 numbers a pixel.*It gives \(3,\)"),
        (lambda: keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2DTranspose(3, 2, 2)]), r"\(32, 32, 3\)"),
    ],
)
def test_models_of_other_shapes_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        build_map(model(), SHAPE, 3)


def test_a_model_without_padding_may_give_less():
    assert build_map("unet(padding='valid', depth=1, filters=4)", (20, 20, 1), 2).output_shape == (None, 4, 4, 2)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="be a name, a builder"):
        build_map(42, SHAPE, 3)
    with pytest.raises(ValueError, match="`classes` must be an integer"):
        build_map("unet", SHAPE, 0)


def test_descriptions():
    text = "unet(filters=4, depth=2)"
    assert describe(text) == text and parse(describe(text), MAP_MODELS) == parse(text, MAP_MODELS) == (
        unet,
        {"filters": 4, "depth": 2},
    )
    assert describe(residual_unet) == "residual_unet"
    assert describe(functools.partial(residual_unet, filters=4)) == "residual_unet(filters=4)"
    assert describe(functools.partial(unet, depth=3)) == "unet(depth=3)"
