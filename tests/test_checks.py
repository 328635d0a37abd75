import numpy as np
import pytest

from kerascnn import checks


def says(text):
    return pytest.raises(ValueError, match=f"^{text}$")


def test_message_has_name_rule_value_and_mend():
    assert checks.message("rate", "be in [0, 1)", "x") == "`rate` must be in [0, 1). Received: rate='x'."
    assert checks.message("rate", "be small", 9, "Pass 1.") == "`rate` must be small. Received: rate=9. Pass 1."


@pytest.mark.parametrize("value", [1, 7, np.int64(3)])
def test_positive_int_accepts_integers_and_returns_python_ints(value):
    assert checks.positive_int("epochs", value) == value
    assert type(checks.positive_int("epochs", value)) is int


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "3", None, np.float32(2)])
def test_positive_int_refuses_all_else(value):
    with says(r"`epochs` must be an integer of at least 1\. Received: epochs=.*\. Pass epochs=10\."):
        checks.positive_int("epochs", value, "Pass epochs=10.")


def test_positive_int_takes_another_least():
    assert checks.positive_int("seed", 0, least=0) == 0
    with says(r"`size` must be an integer of at least 28\. Received: size=27\."):
        checks.positive_int("size", 27, least=28)


@pytest.mark.parametrize(
    ("ends", "inside", "outside"),
    [("[]", [0, 0.5, 1], [-0.1, 1.1]), ("[)", [0], [1]), ("(]", [1], [0]), ("()", [0.5], [0, 1])],
)
def test_in_range_keeps_to_its_ends(ends, inside, outside):
    for value in inside:
        assert checks.in_range("rate", value, 0, 1, ends=ends) == value
    for value in [*outside, float("nan"), "0.5", None]:
        with pytest.raises(ValueError, match="`rate` must be in"):
            checks.in_range("rate", value, 0, 1, ends=ends)


def test_in_range_writes_the_interval():
    with says(r"`rate` must be in \[0, 1\)\. Received: rate=1\. Pass 0\.9\."):
        checks.in_range("rate", 1, 0, 1, ends="[)", mend="Pass 0.9.")


def test_one_of_returns_the_choice_or_names_the_nearest():
    assert checks.one_of("output", None, ["json", None]) is None
    with says(r"`model` must be one of 'lenet5', 'vgg16'\. Received: model='lenet'\. Did you mean 'lenet5'\?"):
        checks.one_of("model", "lenet", ["vgg16", "lenet5"])
    with says(r"`model` must be one of 'lenet5'\. Received: model='zzz'\. See docs\."):
        checks.one_of("model", "zzz", ["lenet5"], "See docs.")


def test_nearest_names_up_to_three_and_may_find_none():
    assert checks.nearest("resnet2", ["resnet20", "vgg16"]) == "Did you mean 'resnet20'?"
    assert checks.nearest("qqq", ["resnet20"]) == ""


def test_same_length():
    checks.same_length("x", [1, 2], "y", "ab")
    with says(r"`x` and `y` must have one entry an example\. Received: 1 and 2\."):
        checks.same_length("x", [1], "y", [1, 2])
