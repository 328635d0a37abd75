"""How far a pass over images is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(images: int, verbose: int | str) -> Iterator[Callable[[int], object]]:
    """A function that is told how many images more are done; the bar goes, and a line says how long it took.

    `verbose`: "auto" or 1 for the bar, where there is a terminal, and the line; 2 for the line; 0 for nothing.
    """
    console = Console(file=sys.stderr)
    columns = TextColumn("features"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    speed = TextColumn("{task.fields[now]}")
    shown = verbose in ("auto", 1) and console.is_terminal
    begun = time.perf_counter()
    with Progress(*columns, speed, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task("features", total=images, now="")

        def advance(count: int) -> None:
            done = progress.tasks[0].completed + count
            progress.update(task, completed=done, now=f"{done / (time.perf_counter() - begun):,.0f} images/s")

        yield advance
    seconds = time.perf_counter() - begun
    if verbose != 0:
        line = f"features of {images:,} images  seconds {seconds:.1f}  images/s {images / seconds:,.0f}"
        console.print(line, highlight=False, soft_wrap=True)
