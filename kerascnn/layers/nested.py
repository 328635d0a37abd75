"""What a model holds: models nested in it, wrapped layers, other ways of answering; and running it part by part."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from kerascnn import checks


def walk(layer: keras.Layer) -> Iterator[keras.Layer]:
    """`layer` and the layers inside nested models and wrappers, parents first."""
    yield layer
    inside = layer.layers if hasattr(layer, "layers") else [getattr(layer, "layer", None)]
    for child in inside:
        if isinstance(child, keras.Layer):
            yield from walk(child)


def leaves(model: keras.Model, path: str = "") -> Iterator[tuple[str, keras.Layer]]:
    """The layers of `model` with their paths, those of a nested model in its place; a wrapper is one layer.

    >>> inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")], name="inner")
    >>> [path for path, _ in leaves(keras.Sequential([keras.Input((4,)), inner, keras.layers.ReLU(name="relu")]))]
    ['inner/dense', 'relu']
    """
    for layer in model.layers:
        name = _joined(path, layer)
        if hasattr(layer, "layers"):
            yield from leaves(layer, name)
        else:
            yield name, layer


def is_mirrored(model: keras.Model) -> bool:
    """Whether the model was made under a strategy of TensorFlow for several devices, each of which has its weights."""
    return all(hasattr(variable.value, "values") for variable in model.variables)


def for_use(model: keras.Model) -> keras.Model:
    """The model without what only its training needs, such as auxiliary outputs."""
    return model.inference() if hasattr(model, "inference") else model


def one_view(model: keras.Model) -> keras.Model:
    """The network behind a mean over several views of an image, as `models.averaged` makes it, or `model` itself."""
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    is_mean = isinstance(model.layers[-1], keras.layers.Average) and len(nested) == 1
    return nested[0] if is_mean else model


def graph(model: keras.Model) -> keras.Model:
    """The functional model that `model` is, holds (Sequential) or answers with (`inference()`).

    Raises: ValueError if there is none.
    """
    found = _graph(model)
    if found is None:
        mend = "Give a Sequential model its keras.Input; a model with its own call() has no graph."
        raise ValueError(checks.message("model", "be a Functional or built Sequential model", model, mend))
    return found


def output_in(model: keras.Model, layer: keras.Layer) -> Any:
    """The symbolic output of `layer` in the graph of `model`; a shared layer has another one in each further model."""
    return _node(model, layer).outputs[0]


def inputs_in(model: keras.Model, layer: keras.Layer) -> list:
    """The symbolic inputs of `layer` in the graph of `model`."""
    return _node(model, layer).input_tensors


def run(model: keras.Model, inputs: Any, call: Callable[..., Any], path: str = "") -> Any:
    """What `model` gives for `inputs`, tensors or symbolic ones, with each operation's work done by `call`.

    `call(path, operation, *args, **kwargs)` returns what goes on as the operation's outputs. `path` is its name behind
    those of the models that it is nested in: "backbone/stem_conv". Nested models are opened, which connects them to
    the rest; in Keras' symbolic graph they are not. A model with a `call` of its own is one operation. Auxiliary
    outputs, which `inference()` leaves out, are left out.
    Raises: ValueError, as `graph` does.
    """
    network = graph(model)
    given = zip(keras.tree.flatten(inputs), network.inputs, strict=True)
    inputs = [x if x.dtype == expected.dtype else ops.cast(x, expected.dtype) for x, expected in given]

    def visit(operation, *args, **kwargs):
        name = _joined(path, operation)
        if isinstance(operation, keras.Model) and _graph(operation) is not None:
            return run(operation, args, call, name)
        return call(name, operation, *args, **kwargs)

    # Keras' interpreter of the graph: its public way in, calling the model, lets no other call through
    outputs = network._run_through_graph(inputs, operation_fn=lambda operation: operation, call_fn=visit)
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def _node(model, layer):
    nodes = (node for level in graph(model)._nodes_by_depth.values() for node in level)
    return next(node for node in nodes if node.operation is layer)


def _graph(model):
    model = for_use(model)
    found = getattr(model, "_functional", model)
    return found if hasattr(found, "_run_through_graph") else None


def _joined(path, operation):
    return f"{path}/{operation.name}" if path else operation.name
