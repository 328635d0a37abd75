"""What a sweep has tried: one record a trial, the order of merit, and the leaderboard as CSV and Markdown."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kerascnn import checks

Value = int | float | str | bool
BEFORE = ("trial", "score")
AFTER = ("epochs", "seconds", "parameters", "flops", "status", "error")
"""The columns of every table, on both sides of the hyperparameters."""
LONGEST = 100  # characters of an error in Markdown; CSV has all


@dataclass(frozen=True)
class Trial:
    """One trial of a sweep.

    Attributes:
        number: counts from 0 in the order of the draws.
        values: the hyperparameters drawn, only those that were active.
        arguments: what the space made of them for the recipe.
        status: "finished", "failed" or "running".
        score: the objective; a finite number once finished.
        epochs: how many were trained.
        seconds: of wall time that it took.
        parameters: of the network.
        flops: of one image, multiply and add counted as two.
        error: what a failed trial ended with.

    Raises: ValueError for another status, and for a finished trial without a finite score.
    """

    number: int
    values: Mapping[str, Value]
    arguments: Mapping[str, Any]
    status: Literal["finished", "failed", "running"]
    score: float | None = None
    epochs: int | None = None
    seconds: float | None = None
    parameters: int | None = None
    flops: int | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        """Checks the arguments."""
        checks.one_of("status", self.status, ("finished", "failed", "running"))
        if self.status == "finished" and (self.score is None or not math.isfinite(self.score)):
            rule = "be a finite number in a finished trial"
            raise ValueError(checks.message("score", rule, self.score, 'Pass status="failed".'))


def ranked(trials: Iterable[Trial], direction: str) -> list[Trial]:
    """The finished trials, best first, then all others by number.

    Of equal scores the one with fewer parameters comes first (unknown last), then the earlier one.

    `direction`: "max" where more is better, "min" where less is.
    """
    sign = {"max": -1, "min": 1}[checks.one_of("direction", direction, ("max", "min"))]

    def merit(trial: Trial) -> tuple:
        if trial.status != "finished":
            return (1, trial.number)
        size = math.inf if trial.parameters is None else trial.parameters
        return (0, sign * trial.score, size, trial.number)

    return sorted(trials, key=merit)


def varying(trials: Sequence[Trial]) -> dict[str, list[Value | None]]:
    """The values of each hyperparameter that is not the same in all trials, one a trial, None where it is inactive.

    >>> small, large = Trial(0, {"stages": 2, "kernel": 3}, {}, "running"), Trial(1, {"stages": 4}, {}, "running")
    >>> varying([small, large])
    {'stages': [2, 4], 'kernel': [3, None]}
    """
    return {name: column for name, column in _columns(trials).items() if len(set(map(repr, column))) > 1}


def table(trials: Iterable[Trial], direction: str) -> tuple[tuple[str, ...], list[tuple]]:
    """The leaderboard: a header, and a row a trial in the order of `ranked`, with "" for what is inactive or unknown.

    The columns are those of `varying` between `BEFORE` and `AFTER`; one named as a column of these, such as epochs,
    becomes "epochs drawn".
    """
    trials = ranked(trials, direction)
    drawn = varying(trials)
    names = (f"{name} drawn" if name in BEFORE + AFTER else name for name in drawn)
    rows = [
        (trial.number, trial.score, *(column[place] for column in drawn.values()), *(getattr(trial, k) for k in AFTER))
        for place, trial in enumerate(trials)
    ]
    return (*BEFORE, *names, *AFTER), [tuple("" if cell is None else cell for cell in row) for row in rows]


def as_csv(trials: Iterable[Trial], direction: str) -> str:
    """`table` as CSV: every column, every digit."""
    header, rows = table(trials, direction)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def as_markdown(trials: Iterable[Trial], direction: str) -> str:
    """`table` to be read: the best trial in bold, numbers short, empty columns left out, what is common to all below.

    >>> print(as_markdown([Trial(7, {"stages": 2}, {}, "finished", 0.91234, parameters=61706)], "max"))
    | trial | score | parameters |
    | ---: | ---: | ---: |
    | **7** | **0.9123** | **61,706** |
    <BLANKLINE>
    The same in all trials: `stages` 2.
    """
    trials = ranked(trials, direction)
    header, rows = table(trials, direction)
    columns = [(name, [row[place] for row in rows]) for place, name in enumerate(header)]
    columns = [each for each in columns if each[0] not in AFTER or set(each[1]) - {"", "finished"}]
    written = [[_escaped(_cell(name, cell)) for cell in cells] for name, cells in columns]
    lines = [list(line) for line in zip(*written, strict=True)]
    if trials and trials[0].status == "finished":
        lines[0] = [f"**{cell}**" if cell else "" for cell in lines[0]]
    sides = ["---" if any(isinstance(cell, str) and cell for cell in cells) else "---:" for _, cells in columns]
    head = [_escaped(name) for name, _ in columns]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, sides, *lines]) + _common(trials)


def settings(values: Mapping[str, Any]) -> str:
    """Values in one line.

    >>> settings({"rate": 0.012345, "kernel": 3})
    'rate=0.0123 kernel=3'
    """
    texts = {name: f"{value:.3g}" if isinstance(value, float) else str(value) for name, value in values.items()}
    return " ".join(f"{name}={text}" for name, text in texts.items())


def _columns(trials: Sequence[Trial]) -> dict[str, list[Value | None]]:
    names = dict.fromkeys(name for trial in sorted(trials, key=lambda trial: trial.number) for name in trial.values)
    return {name: [trial.values.get(name) for trial in trials] for name in names}


def _common(trials: Sequence[Trial]) -> str:
    drawn = varying(trials)
    same = [f"`{name}` {_cell(name, cells[0])}" for name, cells in _columns(trials).items() if name not in drawn]
    return f"\n\nThe same in all trials: {', '.join(same)}." if same else ""


def _cell(name: str, value: Value) -> str:
    return "" if value == "" else WRITTEN.get(name, _plain)(value)


def _plain(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _score(value: float) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4g}"


def _count(value: float) -> str:
    """A count in four digits or so: 61,706, 2.345 M, 30.94 G."""
    size, unit = next(((size, unit) for size, unit in ((1e9, " G"), (1e6, " M")) if value >= size), (1, ""))
    return f"{value / size:.4g}{unit}" if unit else f"{value:,}"


def _error(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _escaped(text: str) -> str:
    return re.sub(r"([\\|<*`])", r"\\\1", text).replace("\n", " ")


WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "score": _score,
    "seconds": "{:,.1f}".format,
    "parameters": _count,
    "flops": _count,
    "error": _error,
}
