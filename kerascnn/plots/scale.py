"""Where values of any kind stand on an axis from 0 to 1: numbers, texts, and those that are absent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ABSENT = -0.16
"""The place of a value that is None: below the axis, apart from all others."""
WIDE = 4  # an axis is logarithmic only if its end is so many times its start
FEW = 8  # so many different numbers or fewer are steps, each with a tick of its own
APART = 0.07  # of the axis, between two ticks at least


@dataclass(frozen=True)
class Scale:
    """Values on an axis.

    Attributes:
        places: one a value, in 0..1, or `ABSENT`.
        ticks: pairs of a place and its label.
        steps: whether the values are few or texts, so that many share a place.
        logarithmic: whether equal ways are equal ratios.
    """

    places: np.ndarray
    ticks: Sequence[tuple[float, str]]
    steps: bool
    logarithmic: bool = False


def scale(values: Sequence[Any], *, logarithmic: bool | None = None) -> Scale:
    """Numbers on a linear or a logarithmic axis, all else by its text in alphabetical order.

    The axis is logarithmic where that brings the middle one of the different numbers nearer to its middle, all are
    above 0, and the largest is four times the smallest or more; `logarithmic` decides it otherwise.

    >>> scale([1, 3, 5, None]).ticks
    [(0.0, '1'), (0.5, '3'), (1.0, '5'), (-0.16, '–')]
    >>> scale(["plain", "residual", "plain"]).places.tolist()
    [0.0, 1.0, 0.0]
    """
    active = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in active) and active:
        found = _numbers(values, active, logarithmic)
    else:
        found = _texts(values, active)
    gone = [(ABSENT, "–")] if len(active) < len(values) else []
    return Scale(found.places, [*found.ticks, *gone], found.steps, found.logarithmic)


def number(value: float) -> str:
    """A number as short as a tick needs it.

    >>> [number(value) for value in (64, 12500, 0.1, 0.00025, 3e-05, 0.91237)]
    ['64', '12,500', '0.1', '0.00025', '3e-5', '0.9124']
    """
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e")


def _texts(values: Sequence[Any], active: Sequence[Any]) -> Scale:
    names = sorted({str(value) for value in active})
    place = {name: at / (len(names) - 1) if len(names) > 1 else 0.5 for at, name in enumerate(names)}
    places = np.array([ABSENT if value is None else place[str(value)] for value in values])
    return Scale(places, [(at, name) for name, at in place.items()], True)


def _numbers(values: Sequence[Any], active: Sequence[float], logarithmic: bool | None) -> Scale:
    low, high = min(active), max(active)
    if logarithmic is None:
        logarithmic = _suits_logarithms(low, float(np.median(list(set(active)))), high)
    bend = math.log if logarithmic else float

    def place(value: float) -> float:
        return (bend(value) - bend(low)) / (bend(high) - bend(low)) if high > low else 0.5

    places = np.array([ABSENT if value is None else place(value) for value in values])
    steps = len(set(active)) <= FEW
    marks = sorted(set(active)) if steps else _round_numbers(low, high, logarithmic)
    return Scale(places, _thinned([(place(mark), number(mark)) for mark in marks]), steps, logarithmic)


def _suits_logarithms(low: float, middle: float, high: float) -> bool:
    if low <= 0 or high / low < WIDE:
        return False
    linear, logarithmic = (middle - low) / (high - low), math.log(middle / low) / math.log(high / low)
    return abs(logarithmic - 0.5) < abs(linear - 0.5)


def _round_numbers(low: float, high: float, logarithmic: bool) -> list[float]:
    """Some round numbers between the two, or these themselves where there are too few."""
    if logarithmic:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        digits = (1, 2, 5) if len(powers) < 4 else (1, 3) if len(powers) < 6 else (1,)
        marks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    else:
        from matplotlib.ticker import MaxNLocator

        marks = [float(mark) for mark in MaxNLocator(5, steps=(1, 2, 5, 10)).tick_values(low, high)]
    inside = [mark for mark in marks if low <= mark <= high]
    return inside if len(inside) > 1 else [low, high]


def _thinned(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The ticks without those too close to the last one kept, of which the first is the lowest."""
    kept: list[tuple[float, str]] = []
    for place, label in ticks:
        if not kept or place - kept[-1][0] >= APART:
            kept.append((place, label))
    return kept
