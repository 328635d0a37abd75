"""The graph of a network in pieces that can be computed one after the other."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from kerascnn.layers.cutting import cut

SIDE = 256  # of images, where neither the network nor the caller says how large they are
BYTES = {"float32": 4, "float64": 8, "int64": 8, "int32": 4, "uint8": 1, "bool": 1}  # 2 for the half precisions


@dataclass(frozen=True)
class Piece:
    """Nodes of a graph in their order, the symbolic tensors that go in and out, and the variables of the layers."""

    nodes: Sequence[Any]
    takes: Sequence[Any]
    gives: Sequence[Any]

    @property
    def variables(self) -> list[keras.Variable]:
        """Of all its layers, each once."""
        found = {id(each): each for node in self.nodes for each in getattr(node.operation, "variables", ())}
        return list(found.values())


def pieces(network: keras.Model, image_shape) -> list[Piece]:
    """The pieces that the graph is cut into, in their order."""
    nodes = [node for depth in sorted(network._nodes_by_depth, reverse=True) for node in network._nodes_by_depth[depth]]
    nodes = [node for node in nodes if not node.is_input]
    takes, gives = ([{id(each): each for each in ends(node)} for node in nodes] for ends in (_taken, _given))
    found, begin = [], 0
    for end in cut(takes, gives, _sizes(network, nodes, image_shape)):
        made, used, later = (_merged(part) for part in (gives[begin:end], takes[begin:end], takes[end:]))
        later |= {id(each): each for each in network.outputs}
        goes_in = [each for key, each in used.items() if key not in made]
        found.append(Piece(nodes[begin:end], goes_in, [each for key, each in made.items() if key in later]))
        begin = end
    return found


def _taken(node):
    return node.input_tensors


def _given(node):
    return node.outputs


def _merged(dicts) -> dict:
    return {key: value for each in dicts for key, value in each.items()}


def _sizes(network, nodes, image_shape) -> dict[int, int]:
    """Bytes of each symbolic tensor, for one image."""
    tensors = {}
    for each in network.inputs:
        sides = image_shape or [side or SIDE for side in each.shape[1:]]
        tensors[id(each)] = keras.KerasTensor((1, *sides), each.dtype)
    walk(nodes, tensors, lambda operation, *args, **kwargs: operation.compute_output_spec(*args, **kwargs))
    return {key: math.prod(side or 1 for side in x.shape) * BYTES.get(x.dtype, 2) for key, x in tensors.items()}


def walk(nodes, tensors: dict, call: Callable) -> None:
    """Computes the nodes one after the other; `tensors` has what they need, and gets what they make."""
    for node in nodes:
        args, kwargs = node.arguments.fill_in(tensors)
        outputs = keras.tree.flatten(call(node.operation, *args, **kwargs))
        tensors |= {id(each): value for each, value in zip(node.outputs, outputs, strict=True)}
