"""Classes as rows of zeros with a one."""

from typing import Any

from keras import ops


def indicators(labels: Any, classes: int, dtype: str = "float32") -> Any:
    """A one in the place of each of `labels` `(...)`, as `(..., classes)`; zeros alone for what is no class, -1 say.

    `keras.ops.one_hot` gives the same, but raises an error on torch for what is no class.

    >>> indicators([1, -1], 2).numpy().tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    labels = ops.cast(labels, "int32")[..., None]
    return ops.cast(ops.equal(labels, ops.arange(classes, dtype="int32")), dtype)
