"""One seed for all, without TensorFlow on other backends: Keras looks for it, which takes seconds and memory."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def tensorflow_unasked() -> Iterator[None]:
    """Within it Keras does not find TensorFlow, if that is not the backend and nobody has imported it before.

    Keras remembers what it did not find: what it does with TensorFlow's tensors on other backends is then left out.
    """
    if keras.backend.backend() == "tensorflow" or "tensorflow" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # an import of it fails
    try:
        yield
    finally:
        del sys.modules["tensorflow"]


def set_seed(seed: int) -> None:
    """`keras.utils.set_random_seed`, which imports TensorFlow on every backend, without that."""
    with tensorflow_unasked():
        keras.utils.set_random_seed(seed)
