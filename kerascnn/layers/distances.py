"""Distances between embeddings, in float32 whatever comes in, with gradients that are never NaN."""

from typing import Any

import keras
from keras import ops

from kerascnn import checks

DISTANCES = ("squared", "euclidean", "cosine")


def pairwise(a: Any, b: Any, kind: str = "squared") -> Any:
    """The distance of each of `a` `(n, d)` to each of `b` `(m, d)` as `(n, m)`, by one matrix product.

    `kind`: "squared" (Euclidean), "euclidean" or "cosine" (1 - cosine similarity, in 0..2). The gradient of
    "euclidean" at distance 0 is 0. Squares are the difference of two sums: good to about 1e-6 of the squared lengths.
    Raises: ValueError for another `kind`.

    >>> pairwise([[0.0, 3.0]], [[4.0, 0.0], [0.0, 3.0]], "euclidean").numpy().tolist()
    [[5.0, 0.0]]
    """
    checks.one_of("distance", kind, DISTANCES)
    a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
    if kind == "cosine":
        return 1 - ops.matmul(unit(a), ops.transpose(unit(b)))
    lengths = ops.sum(a * a, axis=1, keepdims=True) + ops.sum(b * b, axis=1)
    squared = ops.maximum(lengths - 2 * ops.matmul(a, ops.transpose(b)), 0.0)
    return squared if kind == "squared" else root(squared)


def between(a: Any, b: Any, kind: str = "squared") -> Any:
    """The distance of each of `a` to its own of `b`, both `(..., d)`, as `(...)`; kinds and errors as in `pairwise`.

    >>> between([[0.0, 3.0], [1.0, 0.0]], [[4.0, 0.0], [0.0, 2.0]], "cosine").numpy().tolist()
    [1.0, 1.0]
    """
    checks.one_of("distance", kind, DISTANCES)
    a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
    if kind == "cosine":
        return 1 - ops.sum(unit(a) * unit(b), axis=-1)
    squared = ops.sum(ops.square(a - b), axis=-1)
    return squared if kind == "squared" else root(squared)


def unit(x: Any) -> Any:
    """`x` `(..., d)` divided by its length; one of length 0 stays as it is."""
    return x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis=-1, keepdims=True), 1e-12))


def root(x: Any) -> Any:
    """The square root of numbers of at least 0, with gradient 0 at 0, where that of the root is infinite."""
    positive = x > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, x, 1.0)), 0.0)


@keras.saving.register_keras_serializable("kerascnn")
class Distance(keras.layers.Layer):
    """The distance between two embeddings, [left, right] -> `(batch,)`; kinds: see `between`.

    Inputs: two of `(batch, d)`. Raises: ValueError for another `distance`.

    >>> float(Distance("squared")([ops.ones((1, 3)), ops.zeros((1, 3))])[0])
    3.0
    """

    def __init__(self, distance: str = "euclidean", **kwargs):
        super().__init__(**kwargs)
        self.distance = checks.one_of("distance", distance, DISTANCES)

    def call(self, inputs):
        """Measures in float32."""
        left, right = inputs
        return ops.cast(between(left, right, self.distance), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """All but the last axis."""
        return tuple(input_shape[0][:-1])

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"distance": self.distance}
