import pytest

from kerascnn.tuning import Choices, ConvNetSpace
from kerascnn.tuning.exploring import drawn, explored, with_values
from kerascnn.tuning.text import parse_space


def nested(hp):
    kind = hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        if kind == "b":
            deep = hp.Boolean("deep")
            with hp.conditional_scope("deep", [True]):
                if deep:
                    hp.Int("depth", 1, 3)
    return {}


def test_conditions_within_conditions_are_found():
    assert [each.name for each in explored(nested).space] == ["kind", "deep", "depth"]


def test_all_stages_of_the_space_of_networks_are_found():
    names = {each.name for each in explored(ConvNetSpace(stages=(2, 4))).space}
    assert {f"{what}_{stage}" for what in ("filters", "depth", "kernel", "stride") for stage in (1, 2, 3, 4)} <= names


def test_a_draw_has_values_for_what_is_active_and_no_others():
    found = explored(nested)
    for seed in range(60):
        values = drawn(found, seed).values
        assert ("deep" in values) == (values["kind"] == "b") and ("depth" in values) == bool(values.get("deep"))
    assert len({str(drawn(found, seed).values) for seed in range(60)}) == 5


def test_values_are_put_in_without_changing_the_space():
    found = explored(nested)
    assert with_values(found, {"kind": "b"}).values == {"kind": "b"} and found.values["kind"] == "a"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ConvNetSpace", ConvNetSpace()),
        ("ConvNetSpace(stages=(2, 3), kernels=(3, 5))", ConvNetSpace(stages=(2, 3), kernels=(3, 5))),
        ("Choices(batch_size=(8, 16), augment='none')", Choices(batch_size=(8, 16), augment="none")),
    ],
)
def test_a_text_stands_for_a_space(text, value):
    assert repr(parse_space(text)) == repr(value)


def test_texts_are_added_up():
    space = parse_space("LeNetSpace() + Choices(learning_rate=Between(0.01, 1.0, log=True), patience=(1, 2))")
    assert {"learning_rate", "patience"} <= {each.name for each in explored(space).space}


@pytest.mark.parametrize("text", ["ConvNetSpace(", "open('x')", "LeNetSpace() - Choices()", "Choices(x=f(1))", "1 + 1"])
def test_anything_else_is_refused(text):
    with pytest.raises((ValueError, TypeError), match="`space` must be"):
        parse_space(text)
