"""A whole sweep: its journal, its oracle, its processes, what is shown and what is kept of it."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from os import environ
from typing import Any

from kerascnn import data as datasets
from kerascnn.inspect import Cost
from kerascnn.tuning import hparams, oracles, service
from kerascnn.tuning.beginning import begin
from kerascnn.tuning.crew import Crew
from kerascnn.tuning.exploring import with_values
from kerascnn.tuning.job import Job, thin_out
from kerascnn.tuning.journal import Journal
from kerascnn.tuning.plan import Plan
from kerascnn.tuning.recorded import SAME, trial_folder
from kerascnn.tuning.rehearsal import Estimate, NothingFits, rehearse
from kerascnn.tuning.trials import Trial, ranked
from kerascnn.tuning.watching import Watch

JOURNAL = "journal.jsonl"
STATUS = {"COMPLETED": "finished", "FAILED": "failed", "INVALID": "failed"}
GRACE = 60  # seconds in which workers of other machines hear that the sweep has ended


class Sweep:
    """A sweep in its folder, from its beginning or from where its last start was stopped.

    Args:
        job: what a trial is.
        space: the hyperparameters of `job.space`, as `explored` finds them.
        plan: how they are searched.
        cost: the `inspect.Cost` of the network for arguments of the recipe, or None where they name none.

    Raises: ValueError if the folder belongs to another sweep, or another process works on it.
    """

    def __init__(self, job: Job, space, plan: Plan, cost: Callable[[Mapping[str, Any]], Cost | None]):
        self.job, self.space, self.plan, self._cost = job, space, plan, cost
        self._costs: dict[str, Cost | None] = {}
        self._trials: dict[str, Trial] = {}  # those that have ended, which do not change any more
        self._estimate: Estimate | None = None
        self.refused: ValueError | None = None
        self.journal = Journal(job.folder / JOURNAL)
        try:
            self.is_new = begin(self.journal, job, plan)
        except ValueError:
            self.close()
            raise
        self.oracle = oracles.make(
            plan.tuner, space.copy(), objective=job.objective, direction=job.direction, epochs=plan.epochs,
            trials=plan.max_trials, seed=plan.seed,
        )  # fmt: skip
        self.oracle.prepare(
            job.folder, self.journal, self.accepts,
            max_trials=plan.max_trials, max_seconds=plan.max_seconds, ended=self._ended,
        )  # fmt: skip
        self.epochs = oracles.planned(self.oracle, plan.epochs)
        self._watch: Watch | None = None

    def __enter__(self):
        """The sweep itself, whose folder is free for another process after the block."""
        return self

    def __exit__(self, *_):
        """Closes the journal."""
        self.close()

    def close(self) -> None:
        """Lets another process work on the folder."""
        self.journal.close()

    def costs(self, values: Mapping[str, Any]) -> Cost | None:
        """Parameters and FLOPs of the network for drawn values."""
        values = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        key = json.dumps(values, sort_keys=True)
        if key not in self._costs:
            self._costs[key] = self._cost(self.job.arguments(with_values(self.space, values)))
        return self._costs[key]

    def accepts(self, values: Mapping[str, Any]) -> bool:
        """Whether drawn values are within the bounds."""
        try:
            cost = self.costs(values)  # of every draw, as what is shown of a trial has it too
        except ValueError as error:  # a network that there cannot be: images too small for its strides, say
            self.refused = error
            return False
        bounds = {"parameters": self.plan.max_parameters, "flops": self.plan.max_flops}
        return all(getattr(cost, name) <= bound for name, bound in bounds.items() if bound is not None)

    def rehearse(self, data: datasets.Data) -> Estimate:
        """Tries the smallest and the largest network on one batch, and tells what the sweep will take."""
        epochs = sum(self.epochs) or self.plan.epochs
        try:
            found = rehearse(self.job, self.space, data, costs=self.costs, accepts=self.accepts, epochs=epochs)
        except NothingFits as error:
            raise self.refused or error from None
        self._estimate = found
        if self.plan.verbose != 0:
            print(f"{len(self.epochs) or 'unknown number of'} trials: {found}", file=sys.stderr)
        return found

    def trials(self) -> list[Trial]:
        """All trials that there are now."""
        return [self._trial(each) for each in list(self.oracle.trials.values())]

    def run(self) -> list[Trial]:
        """Runs trials until the tuner, the limits or three times the same first error end it; returns all trials.

        Raises: RuntimeError with that error.
        """
        watch = Watch(
            self.trials, self._left, planned=len(self.epochs) or None, objective=self.job.objective,
            direction=self.job.direction, verbose=self.plan.verbose,
        )  # fmt: skip
        with watch:
            self._watch = watch
            self._work()
        if self.oracle.fault:
            raise RuntimeError(
                f"The sweep was given up, as its first {SAME} trials ended with the same error: "
                f"{self.oracle.fault}. See error.txt in {str(self.job.folder / 'trials')!r}."
            )
        return self.trials()

    def _work(self) -> None:
        if service.ADDRESS[0] in environ:
            self._serve_other_machines()
        elif self.plan.workers == 1:
            service.work(self.job, self.oracle, "worker-0")
        else:
            with service.serving(self.oracle) as port:
                crew = Crew(self.job, port, self.plan.workers)
                try:
                    crew.start()
                    while crew.tend(progress=self.oracle.asked):
                        self._check_journal()
                        time.sleep(service.WAIT)
                    self._check_journal()
                finally:
                    crew.stop()

    def _serve_other_machines(self) -> None:
        """The chief of workers that others start; it ends when all have heard that there is nothing left."""
        with service.serving(self.oracle, f"{environ[service.ADDRESS[0]]}:{environ[service.ADDRESS[1]]}"):
            last = None
            while last is None or (self.oracle.tuner_ids and time.monotonic() - last < GRACE):
                time.sleep(service.WAIT)
                self._check_journal()
                if last is None and self.oracle.has_stopped and not self.oracle.ongoing_trials:
                    last = time.monotonic()

    def _check_journal(self) -> None:
        """Raises OSError if the service could not write an event, which its thread can tell only to workers."""
        if self.journal.fault is not None:
            raise self.journal.fault

    def _ended(self) -> None:
        """After each trial: weights that are not among the best go, and it is told."""
        finished = [trial for trial in ranked(self.trials(), self.job.direction) if trial.status == "finished"]
        for trial in finished[self.plan.keep :]:
            thin_out(trial_folder(self.job.folder, f"{trial.number:04d}"))
        for trial in finished if self.plan.tensorboard else ():
            hparams.log(trial, self.job.objective, self.job.folder / "tensorboard")
        if self._watch is not None:
            self._watch.update()

    def _left(self) -> float | None:
        """Seconds that the sweep still takes, by those of its trials so far."""
        done = sum(outcome.get("epochs") or 0 for outcome in list(self.oracle.outcomes.values()))
        late = None if self.plan.max_seconds is None else max(0.0, self.plan.max_seconds - self.oracle.elapsed)
        if not done:
            left = self._estimate and self._estimate.seconds / self.plan.workers
        else:
            left = self.oracle.elapsed / done * max(0, sum(self.epochs) - done) if self.epochs else None
        return min((each for each in (left, late) if each is not None), default=None)

    def _trial(self, trial) -> Trial:
        if trial.trial_id in self._trials:
            return self._trials[trial.trial_id]
        found = self._described(trial)
        if found.status != "running":
            self._trials[trial.trial_id] = found
        return found

    def _described(self, trial) -> Trial:
        drawn = trial.hyperparameters.values
        values = {name: value for name, value in drawn.items() if not name.startswith("tuner/")}  # Hyperband's own
        outcome, cost = self.oracle.outcomes.get(trial.trial_id, {}), self.costs(values)
        known = {name: outcome.get(name) for name in ("score", "epochs", "seconds", "error")}
        return Trial(
            number=int(trial.trial_id),
            values=values,
            arguments=self.job.arguments(with_values(self.space, drawn)),
            status=STATUS.get(outcome.get("status"), "running"),
            parameters=cost and cost.parameters,
            flops=cost and cost.flops,
            **known,
        )
