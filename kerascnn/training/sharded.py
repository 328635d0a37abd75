"""Several devices on JAX, of one host or of many: each batch is cut into shares, one program computes all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from kerascnn.training.between import Alone

LARGE = 2**24  # numbers in a weight, such as the kernel of a head of very many classes, from which on it is shared out


def devices() -> list[str]:
    """The devices of this host, by Keras' names."""
    import jax

    return [_name(device) for device in jax.local_devices()]


def repeated(batches: Any, times: int) -> Any:
    """Each batch so many times over, so that each of as many devices has all of it."""
    if times == 1:
        return batches
    if hasattr(batches, "mapped"):
        return batches.mapped(_each(lambda part: np.concatenate([part] * times)))
    import tensorflow as tf

    return batches.map(_each(lambda part: tf.concat([part] * times, axis=0)))


def _each(change: Callable) -> Callable:
    return lambda *parts: keras.tree.map_structure(change, parts)


class Shares(keras.distribution.DataParallel):
    """Data parallelism whose batches can be `whole` on every device for a while, and whose `large` weights are cut.

    A large weight lies with its momenta in equal parts on the devices, cut along its longest axis where that can be
    divided; XLA sees to it that each device has what it needs when it needs it.
    """

    def __init__(self, names: list[str], large: float):
        super().__init__(devices=names, auto_shard_dataset=False)
        self.whole, self.large = False, large

    def get_data_layout(self, data_shape):
        """A share for each device, or all of it."""
        if self.whole:
            return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)
        return super().get_data_layout(data_shape)

    def get_variable_layout(self, variable):
        """A part for each device of what is large, a copy of all else."""
        shape, count = variable.shape, self.device_mesh.devices.size
        axis = max(range(len(shape)), key=shape.__getitem__, default=None)
        if axis is None or math.prod(shape) < self.large or shape[axis] % count:
            return super().get_variable_layout(variable)
        cut = [self.batch_dim_name if each == axis else None for each in range(len(shape))]
        return keras.distribution.TensorLayout(cut, self.device_mesh)


@contextmanager
def spread(model: keras.Model, machines: Any) -> Iterator[list[keras.callbacks.Callback]]:
    """See `devices.spread`."""
    large = LARGE if machines.hosts is None else math.inf  # the first host must be able to save all of a weight
    distribution = Shares(_mesh(len(machines.devices)), large)
    for variable in _variables(model):
        value = np.asarray(variable.value)
        variable._layout = distribution.get_variable_layout(variable)
        variable.assign(value)

    def share(shared: bool) -> None:
        distribution.whole = not shared

    with distribution.scope():
        yield [Alone(share)]
    for variable in _variables(model):
        value = np.asarray(variable.value)
        variable._layout = None
        variable.assign(value)


def _mesh(each: int) -> list[str]:
    """The first devices of every host, host by host, as their shares of a batch lie."""
    import jax

    hosts: dict[int, list[str]] = {}
    for device in jax.devices():
        hosts.setdefault(device.process_index, []).append(_name(device))
    return [name for index in sorted(hosts) for name in hosts[index][:each]]


def _variables(model: keras.Model) -> Iterable[keras.Variable]:
    """All that a training step changes, once each."""
    waiting = keras.tree.flatten(getattr(model._compile_metrics, "_user_metrics", None))  # not built, so not listed yet
    metrics = [each for each in waiting if isinstance(each, keras.metrics.Metric)]
    held = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return {id(each): each for each in [*held, *(each for metric in metrics for each in metric.variables)]}.values()


def _name(device: Any) -> str:
    return f"{device.platform}:{device.id}"
