"""What each place of a layer sees of the image, exact through branches, borders, gaps and back to larger maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import keras
import numpy as np

from kerascnn.inspect.reaching import FAR, Reach, reach, whole
from kerascnn.inspect.tracing import Call, calls, known, traced


@dataclass(frozen=True)
class Field:
    """The receptive field of a layer; each number for (height, width), or as many spatial axes as the image has.

    Attributes:
        size: pixels from the first to the last that a place sees, those outside of the image too, where padding makes
            the layers before look beyond it. Where places differ, as behind an enlargement, the largest. Of what
            looks at a whole map (global pooling, a dense layer, and all that they gate) the part of the image.
        stride: pixels from what one place sees to what the next sees: below 1 where maps are larger than the image.
        centre: the middle of what the first place sees; 0 is the middle of the image's first pixel.
    """

    size: tuple[int, ...]
    stride: tuple[float, ...]
    centre: tuple[float, ...]


@dataclass(frozen=True)
class Node:
    """A map: its size along each axis, the numbers of the nodes it sees and how, and what is known of it."""

    sizes: tuple[int, ...]
    sources: tuple[tuple[int, tuple[Reach, ...]], ...] = ()
    is_known: bool = True
    sees_whole: bool = False


def receptive_fields(
    model: keras.Model | Callable[[], keras.Model], image_shape: tuple[int, ...] | None = None
) -> dict[str, Field]:
    """The receptive field of each layer by its path, "conv1", or "backbone/conv1" in a nested model, in their order.

    It is found from the kernels, strides, paddings and dilations, not by a gradient, whose support it bounds: all that
    can change a place lies within. Of several branches it is the union, from the first pixel to the last; a dilated
    kernel's gaps count too. The image is the model's first input. Layers that do not depend on it, or of which is not
    known what they look at (attention, layers of your own, and what follows them), are left out.

    Args:
        model: a Functional or Sequential model, or a function that builds one, which then takes no memory.
        image_shape: of the image, for a model that takes any size.

    Raises: as `cost`.

    >>> from keras import layers
    >>> image = keras.Input((32, 32, 3))
    >>> x = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    >>> receptive_fields(keras.Model(image, layers.MaxPooling2D(name="pool")(x)))["pool"]
    Field(size=(4, 4), stride=(2.0, 2.0), centre=(0.5, 0.5))
    """

    def look(network, images):
        found = calls(network, images)
        return {call.path: field for call, field in zip(found, fields(found, images), strict=True) if field}

    return traced(model, image_shape, look)


def fields(found: Sequence[Call], images: Sequence[keras.KerasTensor]) -> list[Field | None]:
    """The field of each of the `calls` for `images`, None where it is not known."""
    nodes = linked(found, images)
    strides = _strides(nodes)
    ends = [seen(nodes, axis) for axis in range(len(nodes[0].sizes))]
    return [
        _field(strides[index], [axis[index] for axis in ends]) if nodes[index].is_known and ends else None
        for index in range(len(images), len(nodes))
    ]


def linked(found: Sequence[Call], images: Sequence[keras.KerasTensor]) -> list[Node]:
    """The images and then what each of the calls gives, as nodes."""
    dims = max(0, len(images[0].shape) - 2)
    nodes = [Node(_sizes(image, dims, "image")) for image in images]
    places = {id(image): index for index, image in enumerate(images)}
    for call in found:
        sources = [_source(x, places) for x in call.inputs]
        outputs = keras.tree.flatten(call.outputs)
        places |= {id(output): len(nodes) for output in outputs}
        nodes.append(_node(call, sources, nodes, _sizes(outputs[0], dims, call.path)))
    return nodes


def seen(nodes: Sequence[Node], axis: int, *, inside: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each node the first and the last pixel of the first image that each of its places sees along an axis.

    Pixels outside of the image are seen too, unless `inside`, or a whole map was looked at. First comes after last for
    a place that sees nothing. One sweep from the last map to the image does it for all places of all maps.
    """
    counts = [node.sizes[axis] for node in nodes]
    parts = [slice(end - count, end) for count, end in zip(counts, np.cumsum(counts), strict=True)]
    bounded = np.repeat([inside or node.sees_whole for node in nodes], counts)
    nothing = np.full(sum(counts), FAR)
    pending = {}
    for index in reversed(range(len(nodes))):
        low, high = pending.pop(index, (nothing, -nothing))
        low = np.where(bounded, np.maximum(low, 0), low)
        high = np.where(bounded, np.minimum(high, counts[index] - 1), high)
        low[parts[index]] = high[parts[index]] = np.arange(counts[index])
        for source, reaches in nodes[index].sources:
            further = np.where(low <= high, reaches[axis].back(low, high), (nothing, -nothing))
            first, last = pending.get(source, (nothing, -nothing))
            pending[source] = np.minimum(first, further[0]), np.maximum(last, further[1])
    return [(low[part], high[part]) for part in parts]


def _node(call, sources, nodes, sizes) -> Node:
    links, is_known = [], True
    for place, (source, x) in enumerate(zip(sources, call.inputs, strict=True)):
        spans = list(enumerate(zip(nodes[source].sizes, sizes, strict=True)))
        found = [reach(call.operation, axis, *span, rank=len(x.shape), place=place) for axis, span in spans]
        if None in found:  # of one place that sees the whole image only the same can be made
            is_known = is_known and nodes[source].sees_whole and set(nodes[source].sizes) == {1}
            found = [whole(size) for _, (size, _) in spans]
        links.append((source, tuple(found)))
    is_known = is_known and all(nodes[source].is_known for source, _ in links)
    sees_whole = any(nodes[source].sees_whole or any(each.scale == 0 for each in found) for source, found in links)
    return Node(sizes, tuple(links), is_known, sees_whole)


def _sizes(x, dims, name) -> tuple[int, ...]:
    """The spatial sizes of a tensor, 1 each where it has no such axes."""
    return known(x.shape, name)[1 : 1 + dims] if len(x.shape) >= 2 + dims else (1,) * dims


def _source(x, places) -> int:
    """The node that a tensor comes from, before the cast, no call, to the dtype that a nested model wants."""
    while id(x) not in places:
        x = x._keras_history.operation.input
    return places[id(x)]


def _strides(nodes) -> list[tuple[float, ...]]:
    """Pixels of the image from one place of each node to the next, along each axis."""
    found = []
    for node in nodes:
        stride = [Fraction(size, own) for size, own in zip(nodes[0].sizes, node.sizes, strict=True)]
        for axis, own in enumerate(node.sizes):
            for source, reaches in reversed(node.sources):  # the first one counts
                if reaches[axis].scale:
                    stride[axis] = found[source][axis] * reaches[axis].scale / reaches[axis].parts
                elif nodes[source].sizes[axis] == own:
                    stride[axis] = found[source][axis]
        found.append(tuple(stride))
    return [tuple(map(float, stride)) for stride in found]


def _field(stride, ends) -> Field | None:
    sizes = [int((high - low).max()) + 1 for low, high in ends]
    firsts = [int(np.argmax(low <= high)) for low, high in ends]
    if min(sizes) < 1:
        return None
    centres = [float(low[first] + high[first]) / 2 for first, (low, high) in zip(firsts, ends, strict=True)]
    return Field(tuple(sizes), stride, tuple(centres))
