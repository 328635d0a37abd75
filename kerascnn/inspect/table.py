"""What each layer of a model gives, costs and sees, as a table."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras

from kerascnn import checks
from kerascnn.inspect.cost import MULTIPLY_ADDS, arithmetic
from kerascnn.inspect.receptive import Field, fields
from kerascnn.inspect.tracing import calls, known, traced

TITLES = ("layer", "kind", "output", "parameters", "multiply-adds", "field", "stride", "centre", "KiB")


@dataclass(frozen=True)
class Row:
    """One call of a layer.

    Attributes:
        layer: its path: "conv1", or "backbone/conv1" in a nested model.
        kind: its class.
        shape: of what it gives for one image, without the batch; of several tensors, that of the first.
        parameters: its weights, at its first call.
        multiply_adds: for one image, biases left out; half of `inspect.cost`'s operations but for those.
        field: its receptive field, None where it is not known or there is none.
        bytes: that what it gives for one image takes.
    """

    layer: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    field: Field | None
    bytes: int


@dataclass(frozen=True)
class Table:
    """The rows of a model's layers and their sums; `str` gives it as text, `markdown` for a document.

    Attributes:
        rows: one a call of a layer, in their order.
        parameters, trainable: weights in all, and those that training changes.
        batch_size: images that training takes at once.
        slots: values that the optimizer keeps for each trainable weight.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    batch_size: int
    slots: int

    @property
    def multiply_adds(self) -> int:
        """For one image."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def activations(self) -> int:
        """Bytes of what all layers give for one batch."""
        return self.batch_size * sum(row.bytes for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes that training takes: weights, their gradients and the optimizer's values in float32, and activations.

        It is a bound for what must be kept for the gradient: a compiler that joins layers keeps less, and the library's
        own space comes on top.
        """
        return 4 * (self.parameters + (1 + self.slots) * self.trainable) + self.activations

    def markdown(self) -> str:
        """The rows as a table of Markdown, the sums below."""
        lines = [TITLES, ["-" if title in TITLES[:2] else "-:" for title in TITLES], *map(_cells, self.rows)]
        return "\n".join([*("| " + " | ".join(line) + " |" for line in lines), "", self.summary()])

    def summary(self) -> str:
        """The sums, in words."""
        return (
            f"{self.parameters:,} parameters ({self.trainable:,} trainable), {self.multiply_adds:,} multiply-adds for "
            f"an image. Training takes {self.memory / 2**20:,.1f} MiB at {self.batch_size} images a batch, "
            f"{self.activations / 2**20:,.1f} of them for what the layers give."
        )

    def __str__(self) -> str:
        """The rows in columns, the sums below."""
        lines = [TITLES, *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rule = "  ".join("-" * width for width in widths)
        texts = ["  ".join(map(_aligned, line, widths, range(len(line)))).rstrip() for line in lines]
        return "\n".join([texts[0], rule, *texts[1:], rule, self.summary()])


def table(
    model: keras.Model | Callable[[], keras.Model],
    image_shape: tuple[int, ...] | None = None,
    *,
    batch_size: int = 32,
    slots: int = 2,
) -> Table:
    """For each layer its output's shape, parameters, multiply-adds, receptive field and memory, and the sums.

    Costs are those of `cost`, fields those of `receptive_fields`. Layers of nested models stand in their place.

    Args:
        model: a Functional or Sequential model, or a function that builds one, which then takes no memory.
        image_shape: of the image, for a model that takes any size.
        batch_size: images that training takes at once, for its memory.
        slots: values that the optimizer keeps for each weight: 2 as Adam, 1 for momentum, 0 for plain descent.

    Raises: ValueError for other numbers; else as `cost`.

    >>> from keras import layers
    >>> found = table(keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(6, 5, name="conv")]))
    >>> [(row.layer, row.shape, row.parameters, row.multiply_adds, row.field.size) for row in found.rows]
    [('conv', (24, 24, 6), 156, 86400, (5, 5))]
    """
    checks.positive_int("batch_size", batch_size)
    checks.positive_int("slots", slots, least=0)

    def look(network, images):
        trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
        return Table(_rows(calls(network, images), images), network.count_params(), trainable, batch_size, slots)

    return traced(model, image_shape, look)


def _rows(found, images) -> tuple[Row, ...]:
    rows, counted = [], set()
    for call, field in zip(found, fields(found, images), strict=True):
        outputs = keras.tree.flatten(call.outputs)
        is_first = id(call.operation) not in counted and isinstance(call.operation, keras.Layer)
        counted.add(id(call.operation))
        row = Row(
            call.path,
            type(call.operation).__name__,
            known(outputs[0].shape, call.path)[1:],
            call.operation.count_params() if is_first else 0,
            arithmetic(call.operation, call.inputs, MULTIPLY_ADDS),
            field,
            sum(math.prod(known(x.shape, call.path)) * _item_bytes(x.dtype) for x in outputs),
        )
        rows.append(row)
    return tuple(rows)


def _item_bytes(dtype: str) -> int:
    bits = re.search(r"\d+$", dtype)
    return int(bits[0]) // 8 if bits else 1


def _cells(row: Row) -> list[str]:
    places = [_sides(each) for each in (row.field.size, row.field.stride, row.field.centre)] if row.field else ["?"] * 3
    counts = [f"{count:,}" if count else "" for count in (row.parameters, row.multiply_adds)]
    return [row.layer, row.kind, " x ".join(map(str, row.shape)), *counts, *places, f"{row.bytes / 2**10:,.1f}"]


def _sides(numbers: Sequence[float]) -> str:
    texts = [f"{number:.4g}" for number in numbers]
    return texts[0] if len(set(texts)) == 1 else " x ".join(texts)


def _aligned(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column < 3 else text.rjust(width)
