"""Argument checks: one form of message, which names the argument, the rule, the value and the mend."""

import difflib
from collections.abc import Iterable, Sized
from numbers import Integral, Real
from typing import Any


def message(name: str, rule: str, value: Any, mend: str = "") -> str:
    """The text of every error that kerascnn raises about an argument.

    >>> message("rate", "be in [0, 1)", 2, "Pass rate=0.1.")
    '`rate` must be in [0, 1). Received: rate=2. Pass rate=0.1.'
    """
    text = f"`{name}` must {rule}. Received: {name}={value!r}."
    return f"{text} {mend}" if mend else text


def positive_int(name: str, value: Any, mend: str = "", *, least: int = 1) -> int:
    """Returns `value` as an int of at least `least`; raises ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(message(name, f"be an integer of at least {least}", value, mend))
    return int(value)


def in_range(name: str, value: Any, low: float, high: float, *, ends: str = "[]", mend: str = "") -> float:
    """Returns `value` if it is a number between `low` and `high`; `ends` says which ends belong, as in "[)"."""
    above = isinstance(value, Real) and (value >= low if ends[0] == "[" else value > low)
    below = isinstance(value, Real) and (value <= high if ends[1] == "]" else value < high)
    if not (above and below):
        raise ValueError(message(name, f"be in {ends[0]}{low}, {high}{ends[1]}", value, mend))
    return value


def one_of(name: str, value: Any, choices: Iterable[Any], mend: str = "") -> Any:
    """Returns `value` if it is among `choices`; raises ValueError with the nearest choices otherwise.

    >>> one_of("resize", "strech", ["stretch", "letterbox"])
    Traceback (most recent call last):
    ValueError: `resize` must be one of 'letterbox', 'stretch'. Received: resize='strech'. Did you mean 'stretch'?
    """
    choices = list(choices)
    if value in choices:
        return value
    rule = "be one of " + ", ".join(sorted(map(repr, choices)))
    raise ValueError(message(name, rule, value, mend or nearest(value, choices)))


def nearest(value: Any, choices: Iterable[Any]) -> str:
    """A sentence with the choices spelled most like `value`, or the empty string."""
    close = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=3)
    return f"Did you mean {' or '.join(map(repr, close))}?" if close else ""


def same_length(name: str, value: Sized, other_name: str, other: Sized) -> None:
    """Raises ValueError unless both hold as many examples."""
    if len(value) != len(other):
        raise ValueError(
            f"`{name}` and `{other_name}` must have one entry an example. Received: {len(value)} and {len(other)}."
        )
