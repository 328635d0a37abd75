"""Looking at what each operation of a model gives, those of the models nested in it too."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.layers import nested

Tap = Callable[[str, keras.Operation, Any, Any], Any]


def walk(model: keras.Model, inputs: Any, tap: Tap) -> Any:
    """The output of `model` for a tensor, in inference; `tap` sees, and may change, what each operation gives.

    `tap(path, operation, inputs, outputs)` returns what goes on in the place of `outputs`; paths are those of
    `nested.run`.
    """

    def call(path, operation, *args, **kwargs):
        if "training" in inspect.signature(operation.call).parameters:
            kwargs["training"] = False
        return tap(path, operation, args[0] if args else None, operation(*args, **kwargs))

    return nested.run(model, ops.convert_to_tensor(inputs), call)


def outline(model: keras.Model, image: Any) -> dict[str, tuple[keras.Operation, tuple[int, ...]]]:
    """The operations in their order, by path, each with the shape of what it gives for one `image` `(1, ...)`."""
    found = {}

    def note(path, operation, _, outputs):
        found[path] = (operation, tuple(getattr(outputs, "shape", ())))
        return outputs

    walk(model, image, note)
    return found


def maps_in(seen: Mapping[str, tuple[keras.Operation, tuple[int, ...]]]) -> dict[str, tuple[int, ...]]:
    """The shapes of the maps of more than one pixel in an `outline`: in one of a pixel, a pooled one, are no places."""
    return {path: shape for path, (_, shape) in seen.items() if len(shape) == 4 and shape[1] * shape[2] > 1}


def single(model: keras.Model) -> keras.Model:
    """The model that answers: without auxiliary outputs, and behind a mean over several views of an image.

    Raises: ValueError for a model with its own `call`, several inputs or several outputs.
    """
    model = nested.for_use(model)
    try:
        network = nested.graph(model)
    except ValueError:
        network = None
    if network is None or [len(network.inputs), len(network.outputs)] != [1, 1]:
        rule = "be a Functional or Sequential model with one input and one output"
        raise ValueError(checks.message("model", rule, model, "Wrap it as keras.Model(inputs, outputs)."))
    inner = nested.one_view(network)
    return model if inner is network else single(inner)


def named(name: str, wanted: str, paths: Collection[str], kind: str = "a layer that gives a map") -> str:
    """The path, of those in `paths` (of layers of that `kind`), of the layer `wanted`: its whole path, or its name.

    Raises: ValueError about the argument `name` with the nearest names where there is none.

    >>> named("layer", "conv1", ["image", "backbone/conv1"])
    'backbone/conv1'
    """
    for path in paths:
        if path == wanted or path.endswith(f"/{wanted}"):
            return path
    raise ValueError(checks.message(name, f"name {kind}", wanted, checks.nearest(wanted, paths)))
