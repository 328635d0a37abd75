"""How far a long job is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(what: str, total: int, unit: str, verbose: int | str) -> Iterator[Callable[[int], object]]:
    """A function that is told how many of `total` are done in addition; the bar goes, and a line says how long it took.

    `what` names the job, and `unit` what is counted, as in "features" of "images".
    `verbose`: "auto" or 1 for the bar, where there is a terminal, and the line; 2 for the line; 0 for nothing.
    """
    console = Console(file=sys.stderr)
    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    speed = TextColumn("{task.fields[now]}")
    shown = verbose in ("auto", 1) and console.is_terminal
    begun = time.perf_counter()
    with Progress(*columns, speed, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task(what, total=total, now="")

        def advance(count: int) -> None:
            done = progress.tasks[0].completed + count
            progress.update(task, completed=done, now=f"{_short(done / (time.perf_counter() - begun))} {unit}/s")

        yield advance
    seconds = time.perf_counter() - begun
    if verbose != 0:
        line = f"{what} of {total:,} {unit}  seconds {seconds:.1f}  {unit}/s {_short(total / seconds)}"
        console.print(line, highlight=False, soft_wrap=True)


def _short(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
