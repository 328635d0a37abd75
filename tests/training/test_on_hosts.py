"""Several hosts train as one, end together when one is lost, and go on with fewer. They are processes, here."""

import ctypes
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.namespaces import enter as namespaced
from tests.namespaces import ip, namespaces

ROOT = Path(__file__).parents[2]
SILENCE = 15  # seconds, in place of 30
NAMES = 0x04000000  # CLONE_NEWUTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="several machines need JAX"),
]


class Host:
    """A process that runs tests/training/on_hosts.py, in a network namespace or in this one."""

    def __init__(self, folder, *words, namespace=None, name=None):
        def enter():
            namespaced(namespace)
            assert ctypes.CDLL(None, use_errno=True).unshare(NAMES) == 0
            socket.sethostname(name)  # by which gloo finds the address to give to others

        own = {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "KERASCNN_HOST_SILENCE": str(SILENCE)}
        self.out, self.errors = (folder.parent / f"{folder.name}-{name or os.urandom(3).hex()}.{end}" for end in "oe")
        with self.out.open("w") as out, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.training.on_hosts", *map(str, words)], cwd=ROOT, stdout=out,
                stderr=errors, env={**os.environ, **own}, preexec_fn=enter if namespace else None,
            )  # fmt: skip

    def ended(self, seconds=240):
        """The exit status."""
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()

    def reached(self, epoch, seconds=240):
        """Waits until the host has trained so many epochs."""
        until = time.monotonic() + seconds
        while f"EPOCH {epoch}\n" not in self.out.read_text():
            assert time.monotonic() < until and self.process.poll() is None, self.errors.read_text()
            time.sleep(0.1)

    @property
    def found(self):
        line = next(line for line in self.out.read_text().splitlines() if line.startswith("FOUND"))
        return json.loads(line.removeprefix("FOUND"))


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def pair(folder, epochs, name="classify"):
    """Two hosts on this machine."""
    addresses = ",".join(f"127.0.0.1:{free_port()}" for _ in range(2))
    return [Host(folder, name, folder, epochs, addresses, index, name=f"host{index}") for index in range(2)]


def assert_same(found, expected):
    assert found["history"].keys() == expected["history"].keys()
    for figure, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][figure], values, rtol=1e-3, atol=1e-3, err_msg=figure)
    for before, after in zip(expected["weights"], found["weights"], strict=True):
        np.testing.assert_allclose(after, before, atol=3e-3)


def run_alone(folder, epochs, name="classify"):
    host = Host(folder, name, folder, epochs)
    assert host.ended() == 0, host.errors.read_text()
    return host.found


def test_two_hosts_train_as_one_and_the_first_alone_writes(tmp_path):
    both = pair(tmp_path / "both", 2)
    assert [host.ended() for host in both] == [0, 0], "".join(host.errors.read_text() for host in both)
    expected = run_alone(tmp_path / "one", 2)
    for host in both:
        assert_same(host.found, expected)
    assert both[0].found == both[1].found
    assert sorted(os.listdir(tmp_path / "both")) == sorted(os.listdir(tmp_path / "one"))


def test_all_end_when_one_is_killed_and_one_goes_on_alone(tmp_path):
    folder = tmp_path / "run"
    first, second = pair(folder, 4)
    second.reached(2)
    second.process.kill()
    second.process.wait()
    begun = time.monotonic()
    assert first.ended() == 75, first.errors.read_text()
    assert time.monotonic() - begun < SILENCE + 10
    assert "No sign of life for 15 s from host 1 of 2." in first.errors.read_text()
    assert "goes on from the last epoch that was saved" in first.errors.read_text()
    found = run_alone(folder, 4)
    assert_same(found, run_alone(tmp_path / "never-stopped", 4))


@pytest.fixture
def network():
    """Two network namespaces with a link between them; gives their names and addresses."""
    names = [f"kch{os.getpid()}-{number}" for number in range(2)]
    with namespaces(names):
        ip("link", "add", "kch0", "netns", names[0], "type", "veth", "peer", "name", "kch1", "netns", names[1])
        for number, name in enumerate(names):
            ip("-n", name, "addr", "add", f"10.214.0.{number + 1}/24", "dev", f"kch{number}")
            ip("-n", name, "link", "set", "lo", "up")
            assert ip("-n", name, "link", "set", f"kch{number}", "up").returncode == 0
        yield [(name, f"10.214.0.{number + 1}") for number, name in enumerate(names)]


def test_a_host_that_is_cut_off_ends_and_so_do_the_others_and_both_go_on(network, tmp_path):
    folder = tmp_path / "run"
    addresses = ",".join(f"{address}:4000" for _, address in network)

    def start(folder):
        return [
            Host(folder, "classify", folder, 4, addresses, index, namespace=namespace, name=address)
            for index, (namespace, address) in enumerate(network)
        ]

    both = start(folder)
    both[1].reached(2)
    ip("-n", network[1][0], "link", "set", "kch1", "down")
    begun = time.monotonic()
    assert [host.ended() for host in both] == [75, 75]
    assert time.monotonic() - begun < SILENCE + 20
    assert "No sign of life for 15 s from host 1 of 2." in both[0].errors.read_text()
    assert f"The first host, {network[0][1]}:4000, has not answered for 15 s." in both[1].errors.read_text()
    ip("-n", network[1][0], "link", "set", "kch1", "up")
    both = start(folder)
    assert [host.ended() for host in both] == [0, 0], both[0].errors.read_text()
    assert_same(both[1].found, run_alone(tmp_path / "never-stopped", 4))
