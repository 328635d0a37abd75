"""Several devices that share each batch end with the figures and weights of one."""

import json

import keras
import numpy as np
import pytest

from kerascnn.training.devices import check_batch, machines
from tests.training.on_devices import RUNS, classified

BACKEND = keras.config.backend()


@pytest.fixture(scope="module")
def found(python):
    """What each recipe has come to on one device and on two, in a process with two logical ones."""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "KERAS_BACKEND": BACKEND}
    ended = python("-m", "tests.training.on_devices", *RUNS, timeout=900, **flags)
    assert ended.returncode == 0, ended.stderr
    lines = (line for line in ended.stdout.splitlines() if line.startswith("FOUND"))
    return dict(json.loads(line.removeprefix("FOUND")) for line in lines)


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.parametrize("name", RUNS)
def test_two_devices_have_the_losses_figures_and_weights_of_one(found, name):
    (history, metrics), (others, other_metrics) = found[name]["figures"]
    assert history.keys() == others.keys()
    for figure, values in history.items():
        np.testing.assert_allclose(others[figure], values, rtol=1e-3, atol=1e-4, err_msg=figure)
    for figure, value in metrics.items():
        assert other_metrics[figure] == pytest.approx(value, rel=1e-2, abs=1e-2), figure
    one, two = found[name]["weights"]
    for before, after in zip(one, two, strict=True):
        np.testing.assert_allclose(after, before, atol=2e-3)


@pytest.mark.backend
def test_more_devices_than_there_are():
    with pytest.raises(ValueError, match=r"`devices` must be at most \d+, as there are .* Received: devices=99"):
        classified(99)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "both", True])
def test_what_is_no_number_of_devices(wrong):
    with pytest.raises(ValueError, match="`devices` must be an integer of at least 1"), machines(wrong):
        pass


def test_a_batch_that_devices_cannot_share_is_named_with_one_that_they_can(monkeypatch):
    monkeypatch.setattr("kerascnn.training.devices._devices", lambda wanted, hosts: ("cpu:0", "cpu:1", "cpu:2"))
    with pytest.raises(ValueError, match="be a multiple of 3, the devices. Received: batch_size=128.*batch_size=126"):
        classified(3, batch_size=128)
    with machines(3):
        check_batch(126)


def test_one_device_is_what_it_always_was():
    with machines(1) as found:
        assert (found.devices, found.total, found.share) == ((), 1, (0, 1))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="of the TensorFlow backend")
def test_hosts_are_refused_on_tensorflow_with_what_to_do():
    with pytest.raises(ValueError, match="`hosts` must be None on the tensorflow backend.*KERAS_BACKEND=jax"):
        classified(hosts="localhost:4000,localhost:4001", host_index=0)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="of the TensorFlow backend")
def test_a_network_of_before_is_refused_on_tensorflow():
    from kerascnn.training import mirrored

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="`model` must be no keras.Model where several devices train"):
        with mirrored.spread(model, None):
            pass


def test_devices_and_hosts_are_not_what_a_run_is_known_by():
    from kerascnn.training.describe import describe

    assert describe({"devices": 2, "hosts": "a:1,b:1", "host_index": 1, "seed": 3}) == {"seed": 3}
