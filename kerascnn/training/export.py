"""A trained network as a file for other runtimes, checked by running that file against the network."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from kerascnn import checks
from kerascnn.files import check_writable, save_atomically
from kerascnn.layers import unfuse
from kerascnn.layers.fusion import exchanged
from kerascnn.training.precision import as_built
from kerascnn.training.runtimes import FORMATS, arrays

TOLERANCE = 1e-4  # of an output, or of 1 where it is smaller: probabilities may differ by no more
IMAGES = 3  # of random pixels that both are shown; more than one, so that a fixed batch size would not pass
OPEN = 64  # pixels of a side that the network leaves open


def export(model: keras.Model, path: str | Path, format: str = "onnx") -> Path:
    """Writes `model` for another runtime, runs what was written, and compares its answers with the model's.

    The file takes raw images `(batch, height, width, channels)`, 0..255 as float32, in batches of any size, and needs
    neither Keras nor kerascnn. It is whole and has passed its check, or is not there. It computes in float32, whatever
    the precision of the training.

    Args:
        model: a Functional or Sequential model with one input.
        path: of the file; ".onnx" or ".tflite" is added if it is missing. A SavedModel is a folder.
        format: "onnx" (ONNX Runtime and many others), "litert" (phones, small boards; formerly TensorFlow Lite) or
            "savedmodel" (TensorFlow Serving).

    Returns:
        The path that was written.

    Raises:
        ValueError: for a wrong argument, or a path that holds something else.
        ImportError: that says what to install, if the format's packages are missing.
        ArithmeticError: that says by how much, if an answer differs by more than 1e-4; nothing is then written.
    """
    kind = FORMATS[checks.one_of("format", format, FORMATS)]
    path = _place(Path(path), format)
    check_writable("path", path.parent)
    _check_packages(format)
    network = in_float32(unfuse(_of_one_image(model)))
    images = _images(network)

    def save(temporary: Path) -> None:
        kind.write(network, temporary)
        _compare(kind.run(temporary, images), arrays(network(images, training=False)), path)

    with _unlogged():
        save_atomically(path, save)
    return path


def in_float32(model: keras.Model) -> keras.Model:
    """A copy of `model` that computes in float32 throughout, or `model` itself if it does so already.

    >>> mixed = keras.layers.Dense(1, dtype="mixed_bfloat16", name="dense")
    >>> in_float32(keras.Sequential([keras.Input((2,)), mixed])).get_layer("dense").compute_dtype
    'float32'
    """
    own = as_built(model)["chosen"]
    if own == "float32":
        return model
    mixed, whole = ({"class_name": "DTypePolicy", "config": {"name": name}} for name in (own, "float32"))
    return exchanged(model, mixed, whole)


def _place(path: Path, format: str) -> Path:
    """`path` with the suffix of the format; raises ValueError where it is another's, or holds something else."""
    suffix, others = FORMATS[format].suffix, {each.suffix for each in FORMATS.values()} - {""}
    if path.suffix in others - {suffix}:
        rule = f"end in {suffix} for format={format!r}" if suffix else f"be a folder for format={format!r}"
        raise ValueError(checks.message("path", rule, str(path), "Change the path or the format."))
    if suffix and path.suffix != suffix:
        path = path.with_name(path.name + suffix)
    ours = path.is_file() if suffix else (path / "saved_model.pb").exists()
    if path.exists() and not ours:
        rule = "be free, or hold an earlier export of the same format"
        raise ValueError(checks.message("path", rule, str(path), "Name another path."))
    return path


def _check_packages(format: str) -> None:
    missing = [name for name in FORMATS[format].needs if importlib.util.find_spec(name) is None]
    if missing:
        mend = f'Missing: {", ".join(missing)}. Run: pip install "kerascnn[{format}]"'
        raise ImportError(checks.message("format", "be one whose packages are installed", format, mend))


def _of_one_image(model: keras.Model) -> keras.Model:
    """`model` with its input bare, not in a list; raises ValueError if it has not one input, or cannot be exported."""
    if keras.backend.backend() != "tensorflow":
        mend = "Load the saved model in a process with KERAS_BACKEND=tensorflow and export it there."
        raise ValueError(checks.message("model", "run on TensorFlow to be exported", keras.backend.backend(), mend))
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        names = [each.name for each in inputs]
        raise ValueError(checks.message("model", "be a Functional or Sequential model with one input", names))
    return keras.Model(inputs[0], model.output, name=model.name)


def _images(model: keras.Model) -> np.ndarray:
    """Random pixels of every brightness, in the shape and type that `model` takes."""
    shape = (IMAGES, *[size or OPEN for size in model.input_shape[1:]])
    return np.random.default_rng(0).integers(0, 256, shape).astype(model.inputs[0].dtype)


def _compare(found: Sequence[np.ndarray], expected: Sequence[np.ndarray], path: Path) -> None:
    """Raises ArithmeticError unless both hold the same numbers."""
    ours, models = ([each.shape for each in parts] for parts in (found, expected))
    if ours != models:
        raise ArithmeticError(f"{path.name} was not kept: its outputs have shapes {ours}, the model's {models}.")
    gaps = [np.abs(a - b) / np.maximum(1, np.abs(b)) for a, b in zip(found, expected, strict=True)]
    gap = max(float(each.max()) for each in gaps)
    if not gap <= TOLERANCE:
        what = f"its answers differ from the model's by {gap:.2g}, more than {TOLERANCE:g}"
        raise ArithmeticError(f"{path.name} was not kept: {what}. Try another format.")


@contextmanager
def _unlogged() -> Iterator[None]:
    """Holds back what the converters log, notes for their own developers: what counts is whether the file runs."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
