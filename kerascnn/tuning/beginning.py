"""The first line of a journal: which sweep it is."""

import json

from kerascnn.training.describe import describe
from kerascnn.tuning.job import Job
from kerascnn.tuning.journal import Journal
from kerascnn.tuning.plan import Plan
from kerascnn.tuning.recorded import SAME


def begin(journal: Journal, job: Job, plan: Plan) -> bool:
    """Writes what the sweep is, or checks that it is the same; whether it is new.

    A sweep that was given up begins anew: what it has are errors, whose cause may be mended.
    Raises: ValueError that names what differs.
    """
    facts = {
        "recipe": job.recipe.__name__,
        **describe({"data": job.data, "space": job.space, "fixed": job.fixed}),
        "objective": job.objective,
        "tuner": plan.tuner,
        "seed": plan.seed,
        **{name: getattr(plan, name) for name in ("max_parameters", "max_flops")},
    }
    facts = json.loads(json.dumps(facts))
    if _was_given_up(journal.events):
        journal.clear()
    if not journal.events:
        journal.append("sweep", **facts)
        return True
    earlier = journal.events[0]
    differ = [name for name in facts if facts[name] != earlier.get(name)]
    if differ:
        there = ", ".join(f"{name}={earlier.get(name)!r} there, {facts[name]!r} here" for name in differ)
        raise ValueError(
            f"`directory` must be a new folder or one of the same sweep. Received: {str(job.folder)!r}, where another "
            f"one lies: {there}. Name another directory, or delete this one."
        )
    return not any(event["event"] == "begun" for event in journal.events)


def _was_given_up(events) -> bool:
    errors = [event.get("error") for event in events if event["event"] == "ended"]
    return len(errors) == SAME and len(set(errors)) == 1 and errors[0] is not None
