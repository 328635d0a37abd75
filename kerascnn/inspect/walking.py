"""Running a model operation by operation, into the models that are nested in it."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import keras
from keras import ops

from kerascnn import checks

Tap = Callable[[str, keras.Operation, Any, Any], Any]


def walk(model: keras.Model, inputs: Any, tap: Tap, path: str = "") -> Any:
    """The output of `model` for a tensor, in inference; `tap` sees, and may change, what each operation gives.

    `tap(path, operation, inputs, outputs)` returns what goes on in the place of `outputs`. `path` is the name of the
    operation, behind the names of the models that it is nested in: "backbone/stem_conv". Being run by values, a nested
    model is connected to the rest, which it is not in Keras' symbolic graph. A model with a `call` of its own is one
    operation.
    """
    given = zip(keras.tree.flatten(inputs), model.inputs, strict=True)
    inputs = [ops.cast(tensor, expected.dtype) for tensor, expected in given]
    if isinstance(model, keras.Sequential):
        (x,) = inputs
        for layer in model.layers:
            x = _tapped(layer, tap, path)(x)
        return x
    # Keras' interpreter of the graph: its public way in, calling the model, lets no tap through
    return model._run_through_graph(inputs, operation_fn=lambda operation: _tapped(operation, tap, path))


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


def layers_inside(model: keras.Model, path: str = "") -> Iterator[tuple[str, keras.Layer]]:
    """The layers of `model` with their paths, those of nested models in the place of these."""
    for layer in model.layers:
        name = _joined(path, layer)
        if hasattr(layer, "layers"):
            yield from layers_inside(layer, name)
        else:
            yield name, layer


def single(model: keras.Model) -> keras.Model:
    """The model that answers: without auxiliary outputs, and behind a mean over several views of an image.

    Raises: ValueError for a model with its own `call`, several inputs or several outputs.
    """
    model = model.inference() if hasattr(model, "inference") else model
    sides = [getattr(model, side, None) or () for side in ("inputs", "outputs")]  # of a Sequential that is not built
    if not _is_graph(model) or [len(side) for side in sides] != [1, 1]:
        rule = "be a Functional or Sequential model with one input and one output"
        raise ValueError(checks.message("model", rule, model, "Wrap it as keras.Model(inputs, outputs)."))
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    is_mean = isinstance(model.layers[-1], keras.layers.Average)
    return single(nested[0]) if is_mean and len(nested) == 1 else model


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


def _is_graph(operation) -> bool:
    return isinstance(operation, keras.Sequential) or hasattr(operation, "_run_through_graph")


def _tapped(operation, tap, path):
    path = _joined(path, operation)

    def call(*arguments, **options):
        if _is_graph(operation):
            return walk(operation, arguments[0], tap, path)
        if "training" in inspect.signature(operation.call).parameters:
            options["training"] = False
        return tap(path, operation, arguments[0] if arguments else None, operation(*arguments, **options))

    return call


def _joined(path, operation):
    return f"{path}/{operation.name}" if path else operation.name
