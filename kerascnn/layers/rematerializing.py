"""Training with less memory: activations that are computed again in the backward pass instead of being kept."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from kerascnn import checks
from kerascnn.layers.pieces import Piece, pieces, walk


def rematerialize(model: keras.Model, image_shape: Sequence[int | None] | None = None) -> keras.Model:
    """Lets `model` train with less memory and more time: what its layers give is computed twice, and kept once.

    The graph is cut into parts where little goes from one to the next. Training keeps what crosses the cuts; when the
    gradient comes to a part, the part is computed again from what went into it (Chen et al. 2016,
    https://arxiv.org/abs/1604.06174). Losses and gradients are those of before, dropout included, and statistics move
    once. A part that adds a loss of its own is kept whole. Predictions, weights and what is saved stay as they are: the
    model is changed in place, and returned. docs/limits.md has what it saves and costs.

    Args:
        model: Functional or a built Sequential one; a model nested in it is not cut.
        image_shape: of what it will be trained on, which decides where it is cut, for a network of images of any size.

    >>> x = image = keras.Input((8, 8, 1))
    >>> for _ in range(6):
    ...     x = keras.layers.Conv2D(2, 3, padding="same")(x)
    >>> rematerialize(keras.Model(image, x)).count_params()
    210
    """
    network = getattr(model, "_functional", None) or model
    if not hasattr(network, "_nodes_by_depth"):
        mend = "Give a Sequential model its keras.Input; a model with its own call() has no graph to cut."
        raise ValueError(checks.message("model", "be a Functional or built Sequential model", model, mend))
    if hasattr(network.call, "plain"):
        return model
    network.call = _in_parts(network, [_Part(piece) for piece in pieces(network, image_shape)])
    return model


class _Part(keras.layers.Layer):
    """Computes a piece of a graph now, and again when its gradient is asked for.

    A layer, so that Keras hands it the variables as they are, in full precision; each layer inside casts its own.
    """

    def __init__(self, piece: Piece):
        super().__init__(dtype="float32", autocast=False)
        self.piece = piece
        self.is_plain = False

    def call(self, inputs):
        if self.is_plain:
            return _computed(self.piece, inputs)
        try:
            return self._twice(inputs)
        except _OwnLossError:
            self.is_plain = True
            return _computed(self.piece, inputs)

    def _twice(self, inputs):
        """As a pure function of all that it depends on: the second time changes nothing, and draws what the first drew.

        What is no number with a gradient, seeds and raw images, is not an argument: TensorFlow would add zeros to it.
        Seeds are copied, as TensorFlow would read the variable again, which has moved on.
        """
        variables = self.piece.variables
        given = [*inputs, *(each.value if _is_float(each) else ops.copy(each.value) for each in variables)]
        moving = [place for place, each in enumerate(given) if _is_float(each)]
        first = []

        def compute(*values):
            now = dict(enumerate(given)) | dict(zip(moving, values, strict=True))
            state = [(variable, now[len(inputs) + place]) for place, variable in enumerate(variables)]
            with keras.StatelessScope(state, collect_losses=True) as scope:
                outputs = _computed(self.piece, [now[place] for place in range(len(inputs))])
            if scope.losses:
                raise _OwnLossError
            changed = [scope.get_current_value(variable) for variable in variables]
            if keras.backend.backend() == "tensorflow":  # its graph is one, and its gradients know no integers
                first.append(changed)
                changed = []
            return tuple(outputs), tuple(changed)

        outputs, changed = keras.remat(compute)(*(given[place] for place in moving))
        for variable, value, before in zip(
            variables, first[0] if first else changed, given[len(inputs) :], strict=True
        ):
            if value is not before and not variable.trainable:
                variable.assign(value)
        return list(outputs)


def _is_float(value) -> bool:
    return "float" in keras.backend.standardize_dtype(value.dtype)


class _OwnLossError(Exception):
    """A layer adds a loss, which would be lost in a pure function."""


def _computed(piece: Piece, inputs: Sequence) -> list:
    tensors = {id(each): value for each, value in zip(piece.takes, inputs, strict=True)}
    walk(piece.nodes, tensors, _trained)
    return [tensors[id(each)] for each in piece.gives]


def _trained(operation, *args, **kwargs):
    if "training" in getattr(operation, "_call_context_args", {}):
        kwargs["training"] = True
    return operation(*args, **kwargs)


def _in_parts(network, parts: Sequence[_Part]) -> Callable:
    """The `call` of a network that trains in parts. The last part is kept: its gradient comes at once."""
    plain = network.call

    def call(inputs, training=None, mask=None):
        if not training:
            return plain(inputs, training=training, mask=mask)
        given = zip(keras.tree.flatten(inputs), network.inputs, strict=True)
        tensors = {id(each): ops.cast(ops.convert_to_tensor(x), each.dtype) for x, each in given}
        for part in parts:
            values = [tensors[id(each)] for each in part.piece.takes]
            outputs = _computed(part.piece, values) if part is parts[-1] else part(values)
            tensors |= {id(each): value for each, value in zip(part.piece.gives, outputs, strict=True)}
        outputs = keras.tree.pack_sequence_as(network._outputs_struct, [tensors[id(each)] for each in network.outputs])
        return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs

    call.plain = plain
    return call
