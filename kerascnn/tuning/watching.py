"""What one sees of a sweep while it runs: a live table, or a line a trial where there is no terminal."""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kerascnn.tuning.rehearsal import duration
from kerascnn.tuning.trials import Trial, ranked, settings, varying

ROWS = 10  # trials shown at a time
WIDEST = 48  # characters of a trial's settings


class Watch:
    """Shows trials as they begin and end.

    Args:
        trials: gives those that there are now.
        left: gives the seconds that the sweep still takes, or None where that is unknown.
        planned: number of trials, if it is known.
        objective: the name of the score.
        direction: "max" or "min".
        verbose: "auto" or 1 for the table where there is a terminal, 2 for lines, 0 for nothing.
    """

    def __init__(
        self,
        trials: Callable[[], Sequence[Trial]],
        left: Callable[[], float | None],
        *,
        planned: int | None,
        objective: str,
        direction: str,
        verbose: int | str = "auto",
        stream: Any = None,
    ):
        self.trials, self.left, self.planned = trials, left, planned
        self.objective, self.direction, self.verbose = objective, direction, verbose
        self.console = Console(file=stream or sys.stderr)
        self._told: set[int] = set()
        self._live: Live | None = None
        self._writing = threading.Lock()

    def __enter__(self):
        """Opens the table; what earlier starts have ended is not told again."""
        self._told = {trial.number for trial in self.trials() if trial.status != "running"}
        if self.verbose in ("auto", 1) and self.console.is_terminal:
            self._live = Live(get_renderable=self._view, console=self.console, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, *_):
        """Leaves the table on the screen, also when the sweep ended with an error."""
        if self._live is not None:
            self._live.stop()

    def update(self) -> None:
        """Tells of trials that have ended since the last time."""
        trials = self.trials()
        with self._writing:
            new = [trial for trial in trials if trial.status != "running" and trial.number not in self._told]
            self._told.update(trial.number for trial in new)
        for trial in new if self._live is None and self.verbose != 0 else ():
            self.console.print(self._line(trial, trials), highlight=False, soft_wrap=True, markup=False)

    def _line(self, trial: Trial, trials: Sequence[Trial]) -> str:
        best = ranked(trials, self.direction)[0]
        score = f"{self.objective} {trial.score:.4f}" if trial.status == "finished" else f"failed: {trial.error}"
        told = f"trial {self._place(trial)}  {score}"
        told += f"  best {best.score:.4f} (trial {best.number})" if best.status == "finished" else ""
        return f"{told}  {self._rest()}  {settings(_varied(trial, trials))}".rstrip()

    def _view(self) -> Group:
        trials = sorted(self.trials(), key=lambda trial: trial.number)
        best = ranked(trials, self.direction)[:1]
        table = Table("trial", "settings", self.objective, "epochs", "seconds", box=None, header_style="bold")
        for trial in trials[-ROWS:]:
            style = "bold green" if [trial] == best and trial.status == "finished" else ""
            table.add_row(self._place(trial), settings(_varied(trial, trials))[:WIDEST], *_cells(trial), style=style)
        told = f"best {best[0].score:.4f}  " if best and best[0].status == "finished" else ""
        return Group(table, Text(f"{told}{self._rest()}"))

    def _place(self, trial: Trial) -> str:
        return f"{trial.number} ({trial.number + 1}/{self.planned})" if self.planned else str(trial.number)

    def _rest(self) -> str:
        left = self.left()
        return "" if left is None else f"about {duration(left)} left"


def _varied(trial: Trial, trials: Sequence[Trial]) -> Mapping[str, Any]:
    """The values of a trial that are not the same in all, or all of them for a single one."""
    names = varying(trials) if len(trials) > 1 else trial.values
    return {name: trial.values[name] for name in names if name in trial.values}


def _cells(trial: Trial) -> tuple[str, str, str]:
    if trial.status == "finished":
        return f"{trial.score:.4f}", str(trial.epochs or ""), f"{trial.seconds:.1f}"
    return ("running" if trial.status == "running" else f"failed: {trial.error}"[:40]), "", ""
