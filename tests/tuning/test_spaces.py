import pickle
import random
from functools import partial

import keras
import keras_tuner
import pytest

from kerascnn import models
from kerascnn.tuning import spaces
from kerascnn.tuning.spaces import (
    Between,
    Both,
    Choices,
    ConvNetSpace,
    LeNetSpace,
    ResNetSpace,
    UNetSpace,
    VGGSpace,
    ZFNetSpace,
)

READY = [ConvNetSpace(), ZFNetSpace(), LeNetSpace(), VGGSpace(), ResNetSpace(), UNetSpace()]
TWO = ConvNetSpace(stages=(1, 2), filters=(8, 16), kernels=(3,), strides=(2,), block=("plain",), pooling=("none",))
REST = "block='plain', pooling='none', activation='relu', normalization=True, head='average', dropout=0.0)"


def given(**values):
    hp = keras_tuner.HyperParameters()
    hp.values = values
    return hp


def space_of(space):
    hp = given()
    space(hp)
    return hp


def random_values(space, seed):
    """`hp` with values drawn for what is active, as keras-tuner's random search does."""
    hp, draw = space_of(space), random.Random(seed)
    for each in hp.space:
        hp.values.pop(each.name, None)
        if hp.is_active(each):
            hp.values[each.name] = each.random_sample(draw.random())
    return hp


def test_the_text_of_the_values_that_a_search_begins_with():
    hp = given()
    assert TWO(hp) == {"model": f"convnet(filters=(8,), depths=(1,), kernel_sizes=(3,), strides=(2,), {REST}"}
    assert hp.values == {"stages": 1, "filters_1": 8, "depth_1": 1}


def test_the_text_of_given_values():
    hp = given(stages=2, filters_1=16, depth_1=3, filters_2=8, depth_2=2)
    assert TWO(hp) == {"model": f"convnet(filters=(16, 8), depths=(3, 2), kernel_sizes=(3, 3), strides=(2, 2), {REST}"}
    hp = given(
        stages=2, block="inception", pooling="max", kernel_1=7, kernel_2=5, stride_1=2, stride_2=1,
        depth_1=4, depth_2=2, filters_1=64, filters_2=128, dropout=0.123456789,
    )  # fmt: skip
    assert ConvNetSpace(dropout=(0, 0.5))(hp)["model"] == (
        "convnet(filters=(64, 128), depths=(4, 2), kernel_sizes=(7, 5), strides=(2, 1), block='inception', "
        "pooling='max', activation='relu', normalization=True, head='average', dropout=0.123457)"
    )


def test_filters_double():
    (filters,) = [each for each in space_of(ConvNetSpace()).space if each.name == "filters_1"]
    assert filters.values == [16, 32, 64, 128, 256]


def test_later_stages_have_values_only_in_networks_that_have_them():
    space = ConvNetSpace(stages=(2, 4))
    hp = space_of(space)
    columns = ("filters", "depth", "kernel", "stride")
    assert [each.name for each in hp.space] == [
        "stages",
        *(f"{column}_{stage}" for stage in (1, 2, 3, 4) for column in columns),
        *("block", "pooling"),
    ]
    for stages in (2, 3, 4):
        hp.values = {"stages": stages}
        active = {each.name for each in hp.space if hp.is_active(each)}
        assert active == {"stages", "block", "pooling"} | {f"{c}_{s + 1}" for c in columns for s in range(stages)}
        hp.ensure_active_values()
        _, arguments = models.registry.parse(space(hp)["model"])
        assert [len(arguments[name]) for name in ("filters", "depths", "kernel_sizes", "strides")] == [stages] * 4
        assert set(hp.values) == active


def test_what_has_one_value_is_not_searched():
    space = ConvNetSpace((2, 2), (1, 1), (8, 15), (3,), (2,), ("plain",), ("max",), dropout=(0.2, 0.2))
    hp = given()
    assert "dropout=0.2" in space(hp)["model"] and "filters=(8, 8)" in space(hp)["model"]
    assert hp.space == []


def test_of_fifty_draws_each_builds_and_no_map_is_empty():
    space = ConvNetSpace(
        stages=(2, 4), blocks=(1, 2), pooling=("none", "max", "average"), activation=("relu", "gelu"),
        normalization=(True, False), head=("average", "max", "flatten"), dropout=(0, 0.5),
    )  # fmt: skip
    texts = [space(random_values(space, seed))["model"] for seed in range(50)]
    assert len(set(texts)) == 50
    with keras.StatelessScope(initialize_variables=False):
        for text in texts:
            assert models.describe(text) == text
            model = models.build(text, (8, 8, 1), 3)
            assert all(size >= 1 for layer in model.layers for size in layer.output.shape[1:])
    keras.utils.clear_session()


@pytest.mark.parametrize("space", READY[1:], ids=repr)
def test_draws_of_the_classic_spaces_build_for_small_images(space):
    texts = {space(random_values(space, seed))["model"] for seed in range(5)}
    assert len(texts) > 2
    with keras.StatelessScope(initialize_variables=False):
        for text in texts:
            assert models.describe(text) == text
            make = models.build_map if isinstance(space, UNetSpace) else models.build
            make(text, (28, 28, 1), 3)
    keras.utils.clear_session()


def test_the_texts_of_the_classic_spaces():
    zfnet = given(kernel_1=7, stride_1=2, width=0.5, units=1024)
    assert ZFNetSpace()(zfnet)["model"] == (
        "zfnet(filters=(48, 128, 192, 192, 128), kernel_sizes=(7, 5, 3, 3, 3), strides=(2, 1), units=(1024, 1024), "
        "normalization='batch')"
    )
    lenet = given(width=2.0, kernel=3, activation="relu", normalization="True")
    assert LeNetSpace()(lenet)["model"] == (
        "lenet5(filters=(12, 32), kernel_size=3, units=(240, 168), activation='relu', normalization='batch')"
    )
    vgg = given(depth=16, filters=16, units=256)
    assert VGGSpace()(vgg)["model"] == (
        "vgg16(filters=(16, 32, 64, 128, 128), kernel_size=3, units=(256, 256), normalization='batch')"
    )
    unet = given(filters=32, depth=3, convolutions=1)
    assert UNetSpace()(unet)["model"] == (
        "unet(filters=32, depth=3, kernel_size=3, convolutions=1, block='plain', attention=False)"
    )
    assert ResNetSpace()(given(depth=32, filters=64))["model"] == "resnet32(filters=64, kernel_size=3)"


def test_zfnet_space_for_photographs_builds_with_its_largest_strides():
    space = ZFNetSpace(kernels=(7, 9, 11), first_strides=(2, 4), second_strides=(1, 2))
    text = space(given(kernel_1=11, stride_1=4, stride_2=2, width=0.25, units=256))["model"]
    with keras.StatelessScope(initialize_variables=False):
        models.build(text, (128, 128, 3), 3)
    keras.utils.clear_session()


def test_choices_are_drawn_under_their_own_names():
    space = Choices(
        learning_rate=Between(1e-3, 1.0, log=True), momentum=Between(0.8, 0.9), batch_size=Between(32, 128, True, 2),
        patience=Between(1, 5), augment=["none", "auto"], epochs=7, label_smoothing=(0, 0.1),
    )  # fmt: skip
    hp = given(learning_rate=0.0123456789, augment="auto", batch_size=64, label_smoothing=0.1)
    assert space(hp) == {
        "learning_rate": 0.0123457,
        "momentum": 0.8,
        "batch_size": 64,
        "patience": 1,
        "augment": "auto",
        "epochs": 7,
        "label_smoothing": 0.1,
    }
    kinds = {each.name: type(each).__name__ for each in hp.space}
    assert kinds == {
        "learning_rate": "Float", "momentum": "Float", "batch_size": "Int", "patience": "Int", "augment": "Choice",
        "label_smoothing": "Choice",
    }  # fmt: skip
    assert [list(each.values) for each in hp.space if each.name == "batch_size"] == [[32, 64, 128]]
    rates = [space(random_values(space, seed))["learning_rate"] for seed in range(200)]
    assert all(0.001 <= rate <= 1 for rate in rates)
    assert 0.3 < sum(rate < 0.0316 for rate in rates) / 200 < 0.7  # half below the middle, by factors


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ((None, "auto"), ["None", "auto"]),
        ((True, False), ["True", "False"]),
        (((64,), (128, 64)), ["(64,)", "(128, 64)"]),
        ((0, 0.5), [0.0, 0.5]),
        (("none", max, min), ["none", "max", "min"]),
        ((None, "None"), ["0", "1"]),
        ((partial(max, 1), None), ["functools.partial(<built-in function max>, 1)", "None"]),
        ((Choices(x=1), object), ["Choices(x=1)", "object"]),
        ((lambda: 1, lambda: 2), ["0", "1"]),
    ],
)
def test_values_of_any_kind_can_be_chosen(values, drawn):
    space = Choices(x=values)
    assert space_of(space).space[0].values == drawn
    for value, key in zip(values, drawn, strict=True):
        assert space(given(x=key))["x"] is value


def test_objects_without_a_name_of_their_own_are_chosen_by_their_place():
    assert space_of(Choices(x=(object(), None))).space[0].values == ["0", "1"]


def test_a_tuple_can_be_fixed():
    hp = given()
    assert Choices(units=((64, 64),), rate=Between(2, 2))(hp) == {"units": (64, 64), "rate": 2}
    assert hp.space == []


def epochs(hp):
    return {"epochs": hp.Int("epochs", 1, 3)}


def test_spaces_add_on_either_side_of_a_function():
    for space in (TWO + epochs + Choices(views=(1, 2)), epochs + TWO + Choices(views=(1, 2))):
        hp = given(epochs=2, views=2)
        found = space(hp)
        assert found == {**TWO(given()), "epochs": 2, "views": 2}
        assert {each.name for each in hp.space} >= {"epochs", "views", "stages", "filters_2"}
    assert repr(epochs + Choices(views=2)) == "epochs + Choices(views=2)"


def test_an_argument_or_a_name_given_by_both_is_an_error():
    with pytest.raises(ValueError, match="Only one of two added spaces may give `model`"):
        (TWO + Choices(model=("lenet5", "mlp")))(given())
    with pytest.raises(ValueError, match="may draw a hyperparameter named 'stages'"):
        (TWO + Choices(stages=(1, 2)))(given())
    with pytest.raises(TypeError, match="`space` must be a function of `hp`"):
        TWO + {"epochs": 3}


@pytest.mark.parametrize("space", [*READY, TWO + Choices(rate=Between(0.1, 1.0), x=(None, 1))], ids=repr)
def test_spaces_survive_pickling_and_show_how_they_are_written(space):
    again = pickle.loads(pickle.dumps(space))
    assert again == space and repr(again) == repr(space)
    assert again(given()) == space(given())
    assert eval(repr(space), vars(spaces)) == space  # noqa: S307 (what is shown is what is written)


def test_lists_are_the_same_as_tuples():
    assert ConvNetSpace(kernels=[3, 5], filters=[16, 64]) == ConvNetSpace(kernels=(3, 5), filters=(16, 64))
    assert hash(ConvNetSpace(kernels=[3])) == hash(ConvNetSpace(kernels=(3,)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ConvNetSpace(stages=(5, 2)), r"`stages` must have the lower end first.*Pass stages=\(2, 5\)"),
        (lambda: ConvNetSpace(stages=3), r"`stages` must be a pair \(lowest, highest\).*Pass stages=\(3, 3\)"),
        (lambda: ConvNetSpace(stages=(0, 2)), "`stages` must be an integer of at least 1"),
        (lambda: ConvNetSpace(blocks=(1, None)), "`blocks` must be an integer of at least 1. Received: blocks=None"),
        (lambda: ConvNetSpace(filters=(4, 64)), "`filters` must be an integer of at least 8.*inception"),
        (lambda: ConvNetSpace(kernels=()), "`kernels` must be a tuple of the values to choose from, one at least"),
        (lambda: ConvNetSpace(kernels=3), r"Pass kernels=\(3,\)"),
        (lambda: ConvNetSpace(kernels=(3, None)), "`kernels` must be an integer"),
        (lambda: ConvNetSpace(kernels=(3, 3)), "`kernels` must have each value once"),
        (lambda: ConvNetSpace(strides=None), "`strides` must be a tuple"),
        (lambda: ConvNetSpace(block="plain"), r"`block` must be a tuple.*Pass block=\('plain',\)"),
        (lambda: ConvNetSpace(block=("resnet",)), "`block` must be one of"),
        (lambda: ConvNetSpace(pooling=("mean",)), "`pooling` must be one of"),
        (lambda: ConvNetSpace(dropout=0.5), "`dropout` must be a pair"),
        (lambda: ConvNetSpace(dropout=(0.5, 1.0)), r"`dropout` must be in \[0, 1\)"),
        (lambda: ZFNetSpace(widths=(0.0,)), r"`widths` must be in \(0, inf\)"),
        (lambda: LeNetSpace(normalization=("batch",)), "`normalization` must be one of False, True"),
        (lambda: VGGSpace(depths=(12,)), "`depths` must be one of 11, 13, 16, 19"),
        (lambda: ResNetSpace(filters=(64, 8)), "`filters` must have the lower end first"),
        (lambda: Choices(augment=[]), "`augment` must be a tuple of the values to choose from"),
        (lambda: Choices(augment=("auto", "auto")), "`augment` must have each value once"),
        (lambda: Between(1.0, 0.1), "`low` must be at most the high of 0.1. Received: low=1.0"),
        (lambda: Between(None, 1), "`low` must be a number. Received: low=None"),
        (lambda: Between(0, "1"), "`high` must be a number"),
        (lambda: Between(float("nan"), 1.0), "`low` must be at most"),
        (lambda: Between(0.0, 1.0, log=True), "`low` must be above 0 with log=True"),
        (lambda: Between(0.0, 1.0, step=0.0), "`step` must be above 0 with log=False"),
        (lambda: Between(1, 8, log=True, step=1), "`step` must be above 1 with log=True"),
    ],
)
def test_errors_come_when_a_space_is_written(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_both_is_what_addition_makes():
    assert TWO + epochs == Both(TWO, epochs)
