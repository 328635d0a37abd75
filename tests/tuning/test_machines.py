"""A sweep over several machines: processes in network namespaces of their own, which share a folder."""

import json
import os

import pytest

from kerascnn import tuning
from tests.namespaces import enter, ip, namespaces
from tests.tuning.sweep_recipe import job, run, space

OPTIONS = {"max_trials": 6, "epochs": 4, "fixed": {"pause": 0.1}}


@pytest.fixture
def machines():
    """Two network namespaces, each linked to this one; gives name and address of this machine as each sees it."""
    names = [f"kc{os.getpid()}-{number}" for number in range(2)]
    with namespaces(names):
        for number, name in enumerate(names):
            outer, inner, net = f"kco{number}", f"kci{number}", f"10.213.{number}"
            ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
            ip("addr", "add", f"{net}.1/30", "dev", outer)
            ip("link", "set", outer, "up")
            ip("-n", name, "addr", "add", f"{net}.2/30", "dev", inner)
            assert ip("-n", name, "link", "set", inner, "up").returncode == 0
        yield [(name, f"10.213.{number}.1") for number, name in enumerate(names)]


def take_part(folder, role, address, machine):
    """What one machine does: the same call on all, told apart by keras-tuner's environment variables."""
    if machine:
        enter(machine)
    names = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
    os.environ.update(zip(names, (role, address, "18213"), strict=True))
    if tuning.is_remote():
        tuning.work_for_chief(job(folder, space, **OPTIONS["fixed"]))
    else:
        run(folder, **OPTIONS)
    os._exit(0)  # not held up by gRPC's threads


@pytest.mark.slow
def test_workers_of_other_machines_and_one_that_joins_late_share_a_sweep(machines, tmp_path, forked):
    folder = tmp_path / "shared"
    (first, to_first), (second, to_second) = machines
    processes = [forked(take_part, folder, "worker-0", to_first, first)]  # before the chief
    processes.append(forked(take_part, folder, "chief", "0.0.0.0", None))
    processes.append(forked(take_part, folder, "worker-1", to_second, second))
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    events = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    begun = [event for event in events if event["event"] == "begun"]
    assert {event["tuner"] for event in begun} == {"worker-0", "worker-1"}
    alone = run(tmp_path / "alone", **OPTIONS)
    assert [event["values"] for event in begun] == [dict(trial.values) for trial in alone]
    ended = {event["trial"]: event["score"] for event in events if event["event"] == "ended"}
    assert ended == {f"{trial.number:04d}": trial.score for trial in alone}
