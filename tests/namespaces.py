"""Network namespaces, each of which stands for a machine."""

import ctypes
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

NETWORK = 0x40000000  # CLONE_NEWNET


def ip(*words: str) -> subprocess.CompletedProcess:
    """Runs iproute2's command."""
    return subprocess.run(["ip", *words], capture_output=True, text=True)


@contextmanager
def namespaces(names: Sequence[str]) -> Iterator[None]:
    """Namespaces of these names within a `with` block; skips the test where they are not permitted."""
    if shutil.which("ip") is None or ip("netns", "add", "kc-probe").returncode:
        pytest.skip("network namespaces need iproute2 and root")
    ip("netns", "del", "kc-probe")
    for name in names:
        ip("netns", "add", name)
    yield
    for name in names:
        ip("netns", "del", name)


def enter(name: str) -> None:
    """Brings this process into a namespace."""
    with open(f"/run/netns/{name}") as network:
        assert ctypes.CDLL(None, use_errno=True).setns(network.fileno(), NETWORK) == 0
