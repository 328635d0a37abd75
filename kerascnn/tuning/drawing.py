"""Drawing one value: from values to choose from, from a range, by doubling; and checking these when they are given."""

from collections.abc import Callable, Sequence
from typing import Any

from kerascnn import checks


def pick(hp, name: str, values: Sequence[Any]) -> Any:
    """One of `values` under the hyperparameter `name`; a single one is no hyperparameter, None where `hp` has none.

    keras-tuner chooses between texts and between numbers. Other values, such as None, tuples or True, are chosen by
    their text, or by their place in `values` where texts would be the same or different in another process.

    >>> import keras_tuner
    >>> hp = keras_tuner.HyperParameters()
    >>> pick(hp, "augment", (None, "auto")), hp.values
    (None, {'augment': 'None'})
    """
    if len(values) == 1:
        return values[0]
    keys = _keys(values)
    return dict(zip(keys, values, strict=True)).get(hp.Choice(name, keys))


def between(hp, name: str, low: int, high: int) -> int | None:
    """An integer from `low` to `high`, both included; if they are the same it is no hyperparameter."""
    return low if low == high else hp.Int(name, low, high)


def doublings(low: int, high: int) -> tuple[int, ...]:
    """`low` and its multiples by 2, 4, 8, ... up to `high`.

    >>> doublings(24, 100)
    (24, 48, 96)
    """
    return tuple(low * 2**power for power in range((high // low).bit_length()))


def call(name: str, **arguments: Any) -> str:
    """The text by which `models.build` knows a network.

    >>> call("lenet5", filters=(6, 16), activation="tanh")
    "lenet5(filters=(6, 16), activation='tanh')"
    """
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def keep_checked(space: Any, **rules: Callable[[str, Any], Any]) -> None:
    """Puts what `rule(name, value)` makes of each attribute of a frozen dataclass in its place."""
    for name, rule in rules.items():
        object.__setattr__(space, name, rule(name, getattr(space, name)))


def checked_values(name: str, values: Any, allowed: Sequence[Any] | None = None) -> tuple[Any, ...]:
    """`values` as a tuple; raises ValueError unless they are some, different ones, and among those `allowed`."""
    if not isinstance(values, (tuple, list)) or not values:
        mend = "" if values in ((), []) else f"Pass {name}=({values!r},)."
        raise ValueError(checks.message(name, "be a tuple of the values to choose from, one at least", values, mend))
    if any(value in values[:place] for place, value in enumerate(values)):
        raise ValueError(checks.message(name, "have each value once", values))
    for value in values if allowed is not None else ():
        checks.one_of(name, value, allowed)
    return tuple(values)


def checked_integers(name: str, values: Any) -> tuple[int, ...]:
    """`values` as a tuple; raises ValueError unless they are some, different, positive integers."""
    return tuple(checks.positive_int(name, value) for value in checked_values(name, values))


def checked_numbers(name: str, values: Any) -> tuple[float, ...]:
    """`values` as a tuple; raises ValueError unless they are some, different, positive numbers."""
    return tuple(checks.in_range(name, value, 0, float("inf"), ends="()") for value in checked_values(name, values))


def checked_range(name: str, pair: Any, *, least: int = 1, mend: str = "") -> tuple[int, int]:
    """`pair` as a tuple; raises ValueError unless it is two integers of at least `least`, the lower first."""
    low, high = _pair(name, pair, mend or f"Pass {name}=({pair!r}, {pair!r}) for no other.")
    checks.positive_int(name, low, mend, least=least)
    checks.positive_int(name, high, mend, least=least)
    return _in_order(name, low, high)


def checked_shares(name: str, pair: Any) -> tuple[float, float]:
    """`pair` as a tuple; raises ValueError unless it is two numbers in [0, 1), the lower first."""
    low, high = (checks.in_range(name, share, 0, 1, ends="[)") for share in _pair(name, pair))
    return _in_order(name, low, high)


def _keys(values) -> list:
    if all(type(value) is str for value in values) or all(type(value) is int for value in values):
        return list(values)
    if all(type(value) in (int, float) for value in values):
        return [float(value) for value in values]
    texts = [getattr(value, "__name__", str(value)) for value in values]
    clear = len(set(texts)) == len(texts) and not any(" at 0x" in text for text in texts)
    return texts if clear else [str(place) for place in range(len(values))]


def _pair(name, pair, mend=""):
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(checks.message(name, "be a pair (lowest, highest)", pair, mend))
    return pair


def _in_order(name, low, high):
    if low > high:
        raise ValueError(checks.message(name, "have the lower end first", (low, high), f"Pass {name}=({high}, {low})."))
    return low, high
