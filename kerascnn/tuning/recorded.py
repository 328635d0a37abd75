"""What a sweep adds to keras-tuner's oracles: every draw and every end is in the journal first."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from kerascnn import checks
from kerascnn.files import write_text
from kerascnn.training.lock import NAME as LOCK
from kerascnn.tuning.journal import Journal

VALUES, OUTCOME = "values.json", "outcome.json"  # in a trial's folder: what was drawn for it, and what came of it
DRAWS = 1000  # in a row outside the bounds, after which the space counts as exhausted
DEATHS = 3  # of the process of a trial, without progress between them, after which the trial is given up
SAME = 3  # errors, from the first trial on, after which the sweep is given up


def trial_folder(sweep: Path, trial_id: str) -> Path:
    """Where a trial of the sweep in that folder keeps its state, its figures and its outcome.

    Raises: ValueError for an id that is no number, as a chief on another machine might send it: it is part of a path.
    """
    if not (trial_id.isascii() and trial_id.isdigit()):
        raise ValueError(checks.message("trial_id", "be a number", trial_id))
    return sweep / "trials" / trial_id


class Recorded:
    """What a sweep adds to an oracle: a journal that it can be built anew from, bounds, limits, and a way to give up.

    The state of an oracle is what its past calls have made of it. So a new one is brought to the same state by the same
    calls, which the journal has in order; nothing of what keras-tuner keeps in files is read again.

    Attributes:
        outcomes: what came of each trial that has ended, by its id: status, score or error, epochs, seconds.
        asked: how often a worker has asked for a trial.
        has_stopped: whether a worker has been told that there is nothing more to do.
        fault: the error for which the sweep was given up, if it was.
    """

    def prepare(
        self,
        folder: Path,
        journal: Journal,
        accepts: Callable[[Mapping[str, Any]], bool],
        *,
        max_trials: int | None = None,
        max_seconds: float | None = None,
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        """Sets what the sweep adds, and brings the oracle to where the journal ends.

        `accepts` says of drawn values whether they may become a trial; `ended` is called after the end of each trial.
        """
        self.folder, self.accepts, self.journal, self.ended = folder, accepts, journal, ended
        self.most_trials, self.most_seconds = max_trials, max_seconds
        self.fault: str | None = None
        self.max_trials = None  # keras-tuner's own limit, which would be part of the names of the trials
        self.max_consecutive_failed_trials = 10**9
        self.verbose = 0
        self._set_project_dir(str(folder), "keras_tuner")
        self.outcomes: dict[str, Mapping[str, Any]] = {}
        self.has_stopped = False
        self.asked = 0
        self._deaths: Counter = Counter()
        self._seen: dict[str, list] = {}
        self._since = None  # while the past is gone through, nothing is written
        self._before = 0.0
        for event in journal.events:
            self._repeat(event)
        self._retry_queue = sorted((trial.trial_id for trial in self.ongoing_trials.values()), reverse=True)
        self.ongoing_trials, self.tuner_ids = {}, set()
        self._since = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds that the sweep has run, all its starts together."""
        return self._before + (time.perf_counter() - self._since if self._since else 0.0)

    @property
    def is_over(self) -> bool:
        """Whether no further trial begins, whatever the space still has."""
        full = self.most_trials is not None and len(self.trials) >= self.most_trials and not self._retry_queue
        return full or self.fault is not None or self._is_late

    @property
    def _is_late(self) -> bool:
        return self.most_seconds is not None and self._since is not None and self.elapsed >= self.most_seconds

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str):
        """The worker's own trial again if its process was replaced, else one that was interrupted, or a new one."""
        with self.journal.guarded():
            return self._begin(tuner_id)

    @keras_tuner.synchronized
    def end_trial(self, trial) -> None:
        """Writes what came of the trial before anything is made of it; a second report of the same end is nothing."""
        with self.journal.guarded():
            self._end(trial)

    def _begin(self, tuner_id: str):
        self.asked += 1
        if tuner_id in self.ongoing_trials:
            self._count_death(self.ongoing_trials[tuner_id])
        if tuner_id not in self.ongoing_trials and self._since and self.is_over:
            self.tuner_ids.discard(tuner_id)
            self.has_stopped = True
            return keras_tuner.engine.trial.Trial(self.get_space(), trial_id="none", status="STOPPED")
        known = set(self.trials)
        trial = super().create_trial(tuner_id)
        self.has_stopped |= trial.status == "STOPPED"
        if trial.status == "RUNNING" and self._since:
            facts = {"trial": trial.trial_id, "tuner": tuner_id, "at": round(self.elapsed, 3)}
            if trial.trial_id in known:
                self.journal.append("resumed", **facts)
            else:
                self.journal.append("begun", **facts, values=trial.hyperparameters.values, draws=self._seed_state)
            values = json.dumps(trial.hyperparameters.values)  # exact, which they are not on their way to a worker
            write_text(trial_folder(self.folder, trial.trial_id) / VALUES, values)
        return trial

    def _end(self, trial) -> None:
        if trial.trial_id in self.end_order:
            return
        trial.hyperparameters = self.trials[trial.trial_id].hyperparameters  # a worker has the values alone
        if self._since:
            facts = self.outcomes[trial.trial_id] = self._came_of(trial)
            self.journal.append("ended", trial=trial.trial_id, at=round(self.elapsed, 3), **facts)
        facts = self.outcomes[trial.trial_id]
        trial.status, trial.message = facts["status"], facts.get("error")
        if trial.status == "COMPLETED":
            self.update_trial(trial.trial_id, {self.objective.name: facts["score"]})
        super().end_trial(trial)
        self._look_for_fault()
        if self._since:
            self.ended()

    def _random_values(self) -> dict[str, Any] | None:
        for _ in range(DRAWS):
            values = super()._random_values()
            if values is None or self.accepts(values):
                return values
        return None

    def _came_of(self, trial) -> dict[str, Any]:
        """Status, score, error and so on: of the trial's folder, which a worker of another machine shares."""
        file = trial_folder(self.folder, trial.trial_id) / OUTCOME
        found = json.loads(file.read_text()) if file.exists() else {"error": trial.message or "no outcome was left"}
        return {"status": "FAILED" if "error" in found else "COMPLETED", **found}

    def _repeat(self, event: Mapping[str, Any]) -> None:
        self._before = event.get("at", self._before)
        if event["event"] == "begun":
            trial = self.create_trial(f"past {event['trial']}")  # workers may since have changed their trials
            if trial.hyperparameters.values != event["values"]:  # drawn by another version of keras-tuner
                trial.hyperparameters.values = dict(event["values"])
                self._record_values(trial)
            self._seed_state = event["draws"]
        elif event["event"] == "ended":
            self.outcomes[event["trial"]] = event
            self.end_trial(self.trials[event["trial"]])

    def _count_death(self, trial) -> None:
        """Ends a trial whose process dies again and again: it has died if its worker asks for a trial."""
        files = sorted(trial_folder(self.folder, trial.trial_id).rglob("*"))
        seen = [(file.name, file.stat().st_size) for file in files if file.is_file() and file.name != LOCK]
        progress = seen != self._seen.get(trial.trial_id)
        self._seen[trial.trial_id] = seen
        self._deaths[trial.trial_id] = 1 if progress else self._deaths[trial.trial_id] + 1
        if self._deaths[trial.trial_id] >= DEATHS:
            trial.status = "FAILED"
            trial.message = f"its process has died {DEATHS} times without progress, perhaps for want of memory"
            self.end_trial(trial)

    def _look_for_fault(self) -> None:
        errors = [self.trials[number].message for number in self.end_order[:SAME]]
        if len(errors) == SAME and len(set(errors)) == 1 and errors[0]:
            self.fault = errors[0]
