"""Several machines: who they are."""

import re

import pytest

from kerascnn import hosts
from kerascnn.hosts import Hosts, named


def test_a_list_of_addresses():
    assert named("node-1:4000, [fe80::1]:4000", 1) == Hosts("node-1:4000", 2, 1)
    assert named(None, None) is None


@pytest.mark.parametrize("wrong", ["", "node1", "node1:4000,node1:4000", "node1:port", "a:1,,b:1", "http://a:1"])
def test_what_is_no_list_of_addresses(wrong):
    with pytest.raises(ValueError, match="`hosts` must be 'auto' or different addresses with ports.*Received: hosts="):
        named(wrong, 0)


@pytest.mark.parametrize("wrong", [None, 2, -1, True])
def test_what_is_no_place_in_the_list(wrong):
    with pytest.raises(ValueError, match=re.escape(f"`host_index` must be in 0..1. Received: host_index={wrong!r}.")):
        named("a:1,b:1", wrong)


def test_a_place_without_a_list():
    with pytest.raises(ValueError, match="`host_index` must be None without `hosts`"):
        named(None, 0)


@pytest.mark.parametrize(
    ("nodes", "first"), [("n1", "n1"), ("n1,n2", "n1"), ("n[3-5,9]", "n3"), ("n[08]x,m", "n08x"), ("a-b[2,1]", "a-b2")]
)
def test_a_job_of_slurm(nodes, first):
    environment = {"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_JOB_NODELIST": nodes}
    assert named("auto", None, environment) == Hosts(f"{first}:{hosts.PORT}", 4, 2)
    environment |= {"KERASCNN_PORT": "5000", "SLURM_STEP_NUM_TASKS": "3", "SLURM_STEP_NODELIST": "other"}
    assert named("auto", None, environment) == Hosts("other:5000", 3, 2)


def test_an_indexed_job_of_kubernetes():
    environment = {"JOB_COMPLETION_INDEX": "1", "KERASCNN_HOSTS": "train-0.train:4000,train-1.train:4000"}
    assert named("auto", None, environment) == Hosts("train-0.train:4000", 2, 1)


def test_an_environment_that_says_nothing():
    with pytest.raises(ValueError, match="`hosts` must be other than 'auto' outside of Slurm and Kubernetes"):
        named("auto", None, {})


def test_alone_all_is_as_without_hosts(tmp_path):
    with hosts.joined(None):
        assert hosts.first()
        assert hosts.agreed(lambda: (1, 2)) == (1, 2)  # as it is, not by way of a text
        hosts.meet()
        hosts.check_shared(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("UNKNOWN: Gloo AllGather failed: Connection reset by peer", True), ("`batch_size` must be even", False)],
)
def test_what_a_lost_host_breaks_is_told_from_a_wrong_argument(text, expected):
    """JAX raises the first as a ValueError too; only then is the watch awaited, which names the host."""
    error = TypeError("weights are deleted")
    error.__context__ = ValueError(text)
    assert hosts._is_of_a_computation(error) is expected
