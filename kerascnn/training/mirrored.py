"""Several devices on TensorFlow: a replica of the network on each, with statistics and losses of the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import keras

from kerascnn import checks
from kerascnn.layers import nested
from kerascnn.losses import Sum
from kerascnn.training.between import Alone

SHARED_OUT = ("sum_over_batch_size", "mean", "mean_with_sample_weight")  # what Keras divides by the replicas


def devices() -> list[str]:
    """The GPUs, or without any the logical CPUs."""
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.removeprefix("/device:") for device in found]


@lru_cache
def strategy(names: tuple[str, ...]) -> Any:
    """The strategy that keeps a replica on each of the devices; one a process, as a second one would number its
    exchanges as the first did, and TensorFlow keeps their shapes by these numbers.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


@contextmanager
def spread(model: keras.Model, strategy: Any) -> Iterator[list[keras.callbacks.Callback]]:
    """See `devices.spread`."""
    if not nested.is_mirrored(model):
        mend = "Pass a name or a builder: it must be built for these devices. Or train on the JAX backend."
        raise ValueError(checks.message("model", "be no keras.Model where several devices train", model.name, mend))

    def share(shared: bool) -> None:
        model._distribute_strategy = strategy if shared else None

    share(True)
    with ExitStack() as changes:
        for layer in nested.walk(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                changes.enter_context(_with(layer, "synchronized", True))
        loss = model._compile_loss
        changes.enter_context(_with(loss, "_user_loss", keras.tree.map_structure(_global, loss._user_loss)))
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        if optimizer.global_clipnorm or optimizer.clipnorm or optimizer.clipvalue:
            changes.enter_context(_with(optimizer, "apply", _summed(optimizer)))
        yield [Alone(share)]  # not in the scope, within which all predictions would be shared
    share(False)


class Global(keras.losses.Loss):
    """A loss of the batch of all replicas, where one of its part would be another: pairs, sums of masks, of objects."""

    def __init__(self, loss: Any):
        super().__init__(name=getattr(loss, "name", None))
        self.loss = loss

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """This replica's share of the loss, so that the sum over replicas is the loss."""
        import tensorflow as tf

        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        given = [None if each is None else _gathered(each) for each in (y_true, y_pred, sample_weight)]
        ranks: list[int] = []
        with _with(self.loss, "call", _noting(self.loss.call, ranks)):
            value = self.loss(*given)
        by_keras = ranks[-1] > 0 and self.loss.reduction in SHARED_OUT
        return value if by_keras else value / replicas


def _gathered(tensor: Any) -> Any:
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    tensor = tf.convert_to_tensor(tensor)
    if tensor.dtype.is_integer or tensor.dtype.is_bool:
        tensor = tf.cast(tensor, tf.int32)  # few types can be gathered
    alone = context is None or context.num_replicas_in_sync == 1
    if alone:
        return tensor
    whole = context.all_gather(tensor, axis=0)
    whole.set_shape((None, *tensor.shape[1:]))
    return whole


def _global(loss: Any) -> Any:
    if isinstance(loss, Sum):
        return Sum([(_global(part), weight) for part, weight in loss.parts], name=loss.name)
    return Global(loss) if isinstance(loss, keras.losses.Loss) else loss


def _noting(call: Callable, ranks: list[int]) -> Callable:
    def noted(*given):
        values = call(*given)
        ranks.append(len(values.shape))
        return values

    return noted


def _summed(optimizer: keras.optimizers.Optimizer) -> Callable:
    """`optimizer.apply` for gradients that are summed over the replicas before they are clipped."""
    import tensorflow as tf

    apply, clip = optimizer.apply, optimizer._clip_gradients

    def clipped(gradients):
        context = tf.distribute.get_replica_context()
        whole = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        return [gradient / context.num_replicas_in_sync for gradient in clip(whole)]  # Keras adds them up again

    def applied(gradients, variables=None):
        with _with(optimizer, "_clip_gradients", clipped):
            return apply(gradients, variables)

    return applied


@contextmanager
def _with(owner: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute with another value within a `with` block; one of the class is not left on the object."""
    own = name in vars(owner)
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)
