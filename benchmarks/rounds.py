"""Processes that are measured in turn, and how the figures of many rounds become one. Needs Python alone."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
ANSWER = "answer: "  # before what a worker answers; libraries print other lines
SETTLE = 0.2  # seconds in which the threads of the process that had its turn stop waiting for work


class Worker:
    """A process with models in its memory that answers questions, one at a time, and rests in between.

    `command` is what comes after the name of the interpreter `python`; its program calls `serve`.
    """

    def __init__(self, command: Sequence[str], python: str = sys.executable, **environment: str):
        self._process = subprocess.Popen(
            [python, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, **QUIET, **environment},
        )  # fmt: skip

    def ask(self, name: str, *arguments: Any) -> Any:
        """What the function of this name answers. Raises RuntimeError if the process ends instead."""
        return ask_all([self], name, *arguments)[0]

    def _send(self, question: Sequence[Any]) -> None:
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()

    def _receive(self) -> Any:
        for line in self._process.stdout:
            if line.startswith(ANSWER):
                return json.loads(line.removeprefix(ANSWER))
        raise RuntimeError(f"{' '.join(self._process.args)} ended with {self._process.wait()}: no answer.")

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def ask_all(workers: Sequence[Worker], name: str, *arguments: Any) -> list[Any]:
    """What all answer to a question that they work on at the same time."""
    for worker in workers:
        worker._send([name, arguments])
    return [worker._receive() for worker in workers]


def serve(functions: Mapping[str, Callable]) -> None:
    """Answers the questions of a `Worker` by these functions until there are no more."""
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(ANSWER + json.dumps(functions[name](*arguments)), flush=True)


def milliseconds(step: Callable[[], object], count: int) -> list[float]:
    """The time of each of `count` calls."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - begun))
    return times


def in_turn(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each gives in each of `rounds` rounds. Every other round goes backwards, so that none is always first."""
    found = {name: [] for name in measures}
    for number in range(rounds):
        for name in list(measures)[:: -1 if number % 2 else 1]:
            time.sleep(SETTLE)
            found[name].append(measures[name]())
    return found


def ratio(values: Sequence[float], others: Sequence[float]) -> str:
    """The median of the rounds' ratios and their range, as text.

    >>> ratio([2.0, 3.0, 5.0], [1.0, 1.0, 2.0])
    '2.50 (2.00 to 3.00)'
    """
    return spread([value / other for value, other in zip(values, others, strict=True)], ".2f")


def spread(values: Sequence[float], form: str = ",.1f") -> str:
    """The median and the range as text; a single value stands by itself."""
    shown = format(statistics.median(values), form)
    return shown if len(values) == 1 else f"{shown} ({min(values):{form}} to {max(values):{form}})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table in Markdown, all columns but the first to the right."""
    print(f"| {' | '.join(head)} |")
    print("|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


def figures(**values: Any) -> None:
    """Prints what other measurements need of this one, as one line of JSON that is no part of the page."""
    print(json.dumps(values), flush=True)
