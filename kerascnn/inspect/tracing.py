"""The calls of which a model's work consists, found without doing it, and in no memory where it is not built."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import keras

from kerascnn import checks
from kerascnn.layers import nested


@dataclass(frozen=True)
class Call:
    """One call of an operation: its path as of `nested.run`, the symbolic tensors that it is given, what it gives."""

    path: str
    operation: keras.Operation
    inputs: tuple[keras.KerasTensor, ...]
    outputs: Any


def calls(model: keras.Model, inputs: Any) -> list[Call]:
    """The calls of a model, and of models nested in it, in their order, for symbolic inputs.

    Raises: ValueError for a model, within the model too, with a `call` of its own.
    """
    found = []

    def call(path, operation, *args, **kwargs):
        outputs = operation.compute_output_spec(*args, **kwargs)
        given = keras.tree.flatten((args, kwargs))
        found.append(Call(path, operation, tuple(x for x in given if isinstance(x, keras.KerasTensor)), outputs))
        return outputs

    nested.run(model, inputs, call)
    return found


def traced(
    model: keras.Model | Callable[[], keras.Model],
    image_shape: tuple[int, ...] | None,
    look: Callable[[keras.Model, Sequence[keras.KerasTensor]], Any],
) -> Any:
    """What `look(network, images)` says of the network that answers, and of symbolic inputs for one image.

    Args:
        model: the model, or a function that builds it. What the function builds gets no memory, however large it is,
            and leaves no trace: neither on the names nor on the random numbers of what is built next.
        image_shape: of the image, for a model that takes any size.
        look: is called where nothing has values.

    Raises: TypeError if the function gives no model; ValueError for a model with a `call` of its own.
    """
    # Keras keeps its names, its precision and the variables still without values for each thread by itself; the seeds
    # of initial weights it draws from the random numbers of the process.
    state, policy = random.getstate(), keras.config.dtype_policy()
    try:
        with ThreadPoolExecutor(max_workers=1) as apart:
            return apart.submit(_look, model, policy, image_shape, look).result()
    finally:
        random.setstate(state)


def known(shape: Sequence[int | None], name: str) -> tuple[int, ...]:
    """The shape of a tensor at the layer `name`; raises ValueError if the size of the images is not known there."""
    if None in shape:
        rule, mend = "take images of a certain size", "Pass image_shape=(height, width, channels)."
        raise ValueError(checks.message("model", rule, f"{tuple(shape)} at {name}", mend))
    return tuple(shape)


def _look(model, policy, image_shape, look) -> Any:
    keras.config.set_dtype_policy(policy)
    with keras.StatelessScope(initialize_variables=False):
        built = model if isinstance(model, keras.Model) else model()
        if not isinstance(built, keras.Model):
            raise TypeError(checks.message("model", "be a keras.Model or a function that builds one", built))
        network = nested.graph(built)
        return look(network, [keras.KerasTensor((1, *(image_shape or x.shape[1:])), x.dtype) for x in network.inputs])
