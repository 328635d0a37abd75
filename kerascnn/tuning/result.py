"""The result of a sweep: what was tried, what counted, the best, and the files that show it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kerascnn import plots
from kerascnn.files import write_text
from kerascnn.training import Result
from kerascnn.tuning.importance import importance
from kerascnn.tuning.trials import Trial, as_csv, as_markdown, ranked, varying


@dataclass(frozen=True)
class TuneResult:
    """What `tune` returns.

    Attributes:
        best: the Result of the best trial's settings, judged on the test split where the data has one.
        trials: all of them, the best first.
        importance: each hyperparameter's share in the variation of the score, largest first.
        objective: the name of the score.
        direction: "max" or "min".
        path: the folder with the journal, the leaderboard, the pictures and, in "best", the best model.
    """

    best: Result
    trials: Sequence[Trial]
    importance: Mapping[str, float]
    objective: str
    direction: str
    path: Path

    @property
    def best_arguments(self) -> Mapping[str, Any]:
        """What the best trial gave to the recipe."""
        return self.trials[0].arguments

    @property
    def leaderboard(self) -> str:
        """The trials as a table in Markdown, the best first."""
        return as_markdown(self.trials, self.direction)


def write(trials: Sequence[Trial], objective: str, direction: str, folder: Path) -> dict[str, float]:
    """Writes leaderboard and pictures into `folder`; returns the importance of each hyperparameter."""
    shares = importance(trials, direction)
    best_first = ranked(trials, direction)
    write_text(folder / "leaderboard.csv", as_csv(best_first, direction))
    write_text(folder / "leaderboard.md", _page(best_first, objective, direction, shares))
    for name, draw in _pictures(best_first, objective, direction, shares).items():
        plots.save(draw(), folder / name)
    return shares


def _page(trials, objective, direction, shares) -> str:
    parts = [f"# {objective}, {'higher' if direction == 'max' else 'lower'} is better", as_markdown(trials, direction)]
    if shares:
        lines = [f"| {name} | {share:.0%} |" for name, share in shares.items()]
        parts += ["## What counted", "\n".join(["| hyperparameter | importance |", "| --- | ---: |", *lines])]
    return "\n\n".join(parts) + "\n"


def _pictures(trials, objective, direction, shares) -> dict[str, Callable[[], Any]]:
    finished = [trial for trial in trials if trial.status == "finished"]
    values = varying(finished)
    values = {name: values[name] for name in sorted(values, key=lambda name: -shares.get(name, 0.0))}
    scores = [trial.score for trial in finished]
    named = {"direction": direction, "score_name": objective.replace("_", " ")}
    pictures = {}
    if len(finished) > 1 and values:
        pictures["parallel_coordinates.png"] = partial(plots.parallel_coordinates, values, scores, **named)
        pictures["by_value.png"] = partial(plots.by_value, values, scores, importance=shares, **named)
    sized = [trial for trial in finished if trial.parameters and trial.flops]
    if len(sized) > 1:
        costs = {"parameters": [each.parameters for each in sized], "FLOPs": [each.flops for each in sized]}
        options = {"names": [each.number for each in sized], **named}
        pictures["pareto.png"] = partial(plots.pareto, costs, [each.score for each in sized], **options)
    return pictures
