"""Several devices, of one machine or of many, that share each batch."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import keras

from kerascnn import checks
from kerascnn.data import Data, plain_batches
from kerascnn.hosts import Hosts, agreed, joined
from kerascnn.training import mirrored, sharded


@dataclass(frozen=True)
class Machines:
    """What trains: so many devices of each host.

    Attributes:
        devices: of this host, by Keras' names such as "gpu:0"; empty for the one that Keras takes by itself.
        hosts: the machines; None for this one alone.
    """

    devices: tuple[str, ...] = ()
    hosts: Hosts | None = None

    @property
    def share(self) -> tuple[int, int]:
        """Which part of every batch this host has, and of how many."""
        return (self.hosts.index, self.hosts.count) if self.hosts else (0, 1)

    @property
    def total(self) -> int:
        """The number of devices of all hosts."""
        return max(1, len(self.devices)) * self.share[1]

    @cached_property
    def strategy(self) -> Any:
        """TensorFlow's, for several devices."""
        return mirrored.strategy(self.devices)


_current = [Machines()]


def current() -> Machines:
    """What trains at the moment: what the innermost `machines` said, or one device."""
    return _current[-1]


@contextmanager
def machines(
    devices: int | Literal["all"] | None = None, hosts: Hosts | None = None, *, batch_size: int | None = None
) -> Iterator[Machines]:
    """All that is built and run within a `with` block shares its batches among so many devices of each of the hosts.

    A batch is the same as on one device, and so are its losses, to the precision of sums: batch statistics, losses and
    metrics are those of the whole batch, and the learning rate is not changed. Masks of dropout are other ones.

    Args:
        devices: of each host; "all" of them; None for one.
        hosts: see `kerascnn.hosts.named`.
        batch_size: of all devices together, if it is known already.

    Raises: ValueError for more devices than there are, and a batch that they cannot share evenly.
    """
    if devices not in (None, "all"):
        checks.positive_int("devices", devices, "Pass a number, 'all' or None.")
    with joined(hosts):
        found = Machines(() if devices in (None, 1) and hosts is None else _devices(devices, hosts), hosts)
        if found.total > 1 and isinstance(batch_size, int):
            _check_batch(batch_size, found.total)
        _current.append(found)
        try:
            yield found
        finally:
            _current.pop()


def check_batch(batch_size: int) -> None:
    """Raises ValueError if the current devices cannot share batches of this size evenly."""
    _check_batch(batch_size, current().total)


def building() -> Any:
    """A context in which a network for the current devices is built and compiled."""
    found = current()
    return found.strategy.scope() if len(found.devices) > 1 and _is_tensorflow() else nullcontext()


@contextmanager
def spread(model: keras.Model) -> Iterator[list[keras.callbacks.Callback]]:
    """A compiled model on all current devices, for one `fit` within a `with` block, whose first callbacks it gives.

    Afterwards it is one on a single device again, with the weights that it has learned.
    Raises: ValueError for a model that was not made under `building`, where TensorFlow needs that.
    """
    found = current()
    if not found.devices:
        yield []
        return
    how = mirrored.spread(model, found.strategy) if _is_tensorflow() else sharded.spread(model, found)
    with how as callbacks:
        yield callbacks
    model.train_function = model.test_function = model.predict_function = None  # which were made for the devices


def _is_tensorflow() -> bool:
    return keras.config.backend() == "tensorflow"


def _devices(wanted: int | str | None, hosts: Hosts | None) -> tuple[str, ...]:
    """The names of the devices that are to share a batch, of this host."""
    backend = keras.config.backend()
    if backend not in ("tensorflow", "jax"):
        raise ValueError(checks.message("devices", f"be None on the {backend} backend", wanted))
    there = mirrored.devices() if backend == "tensorflow" else sharded.devices()
    count = {"all": len(there), None: 1}.get(wanted, wanted)
    if count > len(there):
        raise ValueError(checks.message("devices", f"be at most {len(there)}, as there are {there}", wanted))
    if hosts is not None and agreed(lambda: count) != count:
        rule = "be the same number on all hosts"
        raise ValueError(checks.message("devices", rule, wanted, f"This host has {count}: {there}."))
    return () if count == 1 and hosts is None else tuple(there[:count])


def _check_batch(batch_size: int, total: int) -> None:
    if batch_size % total:
        near = max(total, batch_size // total * total)
        mend = f"It is that of all devices together. Pass batch_size={near}."
        raise ValueError(checks.message("batch_size", f"be a multiple of {total}, the devices", batch_size, mend))


def has_devices(*kinds: str) -> bool:
    """Whether Keras finds a device of one of the kinds, "gpu" and "tpu", say."""
    for kind in kinds:
        with suppress(RuntimeError):  # JAX raises it for a kind of device that the machine lacks
            if keras.distribution.list_devices(kind):
                return True
    return False


def judged(data: Data, batch_size: int) -> Any:
    """The validation batches of this host; each device sees all of them where they cannot be shared evenly.

    Either way every example counts the same.
    """
    found = current()
    if data.validation_size % found.total:
        return sharded.repeated(plain_batches(data, "validation", batch_size), len(found.devices))
    return plain_batches(data, "validation", batch_size, share=found.share)
