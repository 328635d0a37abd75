"""Which layers train: the stages of a network, freezing and unfreezing them, and lower rates for lower stages."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal

import keras
from keras import tree

from kerascnn import checks
from kerascnn.backbones.walk import Call, leaves, trace
from kerascnn.layers.nested import graph


def stages(model: keras.Model, image_shape: tuple[int, ...] | None = None) -> tuple[tuple[str, ...], ...]:
    """The names of a model's layers, from bottom to top, a tuple for each resolution of its maps.

    A layer that halves its map or more begins a stage; the few pixels that an unpadded convolution takes off do not.
    Strides 1 and 2 are one stage, the first. Layers after the last map, such as hidden dense layers, are the top stage.
    What stands below the first weights counts to the first stage, and a stage without weights to the one below it.
    Nested models are opened: the names are those of the layers inside. A model for images of any size is looked at with
    one of `image_shape`, (height, width, channels).

    Raises: ValueError for a model without a graph, with maps of unknown size, or with two layers of one name.

    >>> from kerascnn.models import vgg11
    >>> [names[-1] for names in stages(vgg11((64, 64, 3), 10, filters=(4,) * 5, units=(8,)))]
    ['stage2_conv1_act', 'stage3_conv2_act', 'stage4_conv2_act', 'stage5_pool', 'probabilities']
    """
    network = graph(model)
    leaves(network)  # which says if a name is there twice
    inputs = network.inputs
    if image_shape is not None:
        inputs = [keras.KerasTensor((None, *image_shape), network.inputs[0].dtype)]
    calls = trace(network, inputs, lambda operation, *args, **kwargs: operation.compute_output_spec(*args, **kwargs))
    levels = dict.fromkeys((layer.name for layer in network.layers if isinstance(layer, keras.layers.InputLayer)), 1)
    weighted = set()
    for call, level in zip(calls, _levels(inputs, calls), strict=True):
        if isinstance(call.operation, keras.Layer):
            levels.setdefault(call.operation.name, max(1, level))
            weighted.update([call.operation.name] if call.operation.weights else [])
    parts: list[list[str]] = []
    for _, group in groupby(sorted(levels, key=levels.get), levels.get):
        names = list(group)
        if parts and (weighted.isdisjoint(names) or weighted.isdisjoint(parts[-1])):
            parts[-1] += names
        else:
            parts.append(names)
    return tuple(map(tuple, parts))


def freeze(model: keras.Model) -> None:
    """Sets `trainable = False` on every layer, in nested models, wrappers and layers made of layers too.

    A frozen BatchNormalization keeps its statistics bit for bit. Compile again afterwards.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="norm")])
    >>> freeze(model)
    >>> model.get_layer("norm").trainable, model.trainable_weights
    (False, [])
    """
    for layer in model._flatten_layers():  # TensorFlow's do not hand the flag on if it is their own already
        layer.trainable = False


def unfreeze(model: keras.Model, names: Iterable[str], *, norms: Literal["frozen", "trained"] = "frozen") -> None:
    """Lets the layers of these names train, at any depth, with all that is inside them; others stay as they are.

    With "frozen" norms, BatchNormalization layers among them keep their statistics, scale and shift: batches of a few
    photographs would spoil what ImageNet has given them. Norms without statistics (LayerNormalization,
    GroupNormalization) train like any layer. Compile again afterwards: without that, nothing changes.

    Raises: ValueError for a name that no layer has.

    >>> low, top = keras.layers.Dense(3, name="low"), keras.layers.Dense(2, name="top")
    >>> model = keras.Sequential([keras.Input((4,)), low, top])
    >>> freeze(model)
    >>> unfreeze(model, ["top"])
    >>> low.trainable, top.trainable
    (False, True)
    """
    checks.one_of("norms", norms, ("frozen", "trained"))
    layers, names = model._flatten_layers(), set(names)
    known = {layer.name for layer in layers}
    for name in sorted(names - known):
        rule = f"be names of layers of {model.name!r}"
        raise ValueError(checks.message("names", rule, name, checks.nearest(name, known)))
    chosen = {id(inner) for layer in layers if layer.name in names for inner in layer._flatten_layers()}
    stays = keras.layers.BatchNormalization if norms == "frozen" else ()
    opened = {id(each) for each in layers if (not isinstance(each, stays) if id(each) in chosen else each.trainable)}
    for layer in layers:  # containers too: a closed one hides what is open inside it
        layer.trainable = True
    for layer in layers:
        if opened.isdisjoint(map(id, layer._flatten_layers())):
            layer.trainable = False


def layer_rates(stages: Sequence[Sequence[str]], *, decay: float = 0.5, head: float = 1.0) -> dict[str, float]:
    """A factor of the learning rate for each layer: `head * decay` in the top stage, `head * decay**2` below, and on.

    `optimizers.make(..., layer_rates=...)` takes it; layers that are not named, such as the new head, have 1. `decay`
    is in (0, 1], where 1 gives all stages the rate `head`. Paper: Howard and Ruder 2018,
    https://arxiv.org/abs/1801.06146 (discriminative fine-tuning, there with 1 / 2.6).

    >>> layer_rates([["stem"], ["block1", "block2"]], decay=0.1)
    {'stem': 0.010000000000000002, 'block1': 0.1, 'block2': 0.1}
    """
    checks.in_range("decay", decay, 0, 1, ends="(]")
    checks.in_range("head", head, 0, math.inf, ends="()")
    return {name: head * decay ** (len(stages) - number) for number, names in enumerate(stages) for name in names}


def _levels(inputs: list[keras.KerasTensor], calls: list[Call]) -> list[float]:
    """How often the map has been halved (or doubled) on the way to each call; infinite after the last map."""
    last = max((number for number, call in enumerate(calls) if call.is_map), default=-1)
    maps = {id(tensor): tensor for tensor in inputs}
    levels = {id(tensor): 0 for tensor in inputs}
    ends = []
    for number, call in enumerate(calls):
        level = max((levels[id(tensor)] for tensor in call.inputs), default=0)
        if call.is_map:
            before = next(tensor for tensor in call.inputs if id(tensor) in maps)
            maps |= {id(tensor): tensor for tensor in call.outputs}
            level += _halvings(call.operation, before, call.outputs[0])
        levels |= {id(tensor): level for tensor in call.outputs}
        ends.append(level if number <= last else math.inf)
    return ends


def _halvings(operation: keras.Operation, before: keras.KerasTensor, after: keras.KerasTensor) -> int:
    """How often an operation halves or doubles a map: by its strides, or by the sizes where it has none."""
    if hasattr(operation, "strides"):  # says more than sizes: unpadded kernels take off much of a small map
        ratio = max(tree.flatten(operation.strides))
    elif type(operation).__name__.startswith(("ZeroPadding", "Cropping")):
        ratio = 1
    else:
        ratio = _side(before) / _side(after)
    return abs(round(math.log2(ratio)))


def _side(tensor: keras.KerasTensor) -> float:
    """The geometric mean of the height, width and so on of a map, in pixels."""
    sizes = tensor.shape[1:-1]
    if None in sizes:
        mend = "Build it for images of a fixed size, or pass image_shape=(256, 256, 3)."
        raise ValueError(checks.message("model", "have maps of a known size", tensor.name, mend))
    return math.prod(sizes) ** (1 / max(1, len(sizes)))
