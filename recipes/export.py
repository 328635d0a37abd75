"""A trained network as a file for phones, browsers and servers."""

from pathlib import Path
from typing import Literal

import kerascnn.training


def export(model: str | Path, path: str | Path, *, format: Literal["onnx", "litert", "savedmodel"] = "onnx") -> Path:
    """Writes a saved network for another runtime, and checks the file by running it against the network.

    The file takes raw images, 0..255, of any batch size and gives what the network gives, in float32. It needs neither
    Keras nor kerascnn. Answers that differ by more than 1e-4 are an error.

    Args:
        model: Folder of a finished run, or a name in the zoo.
        path: File to write; .onnx or .tflite is added if it is missing. A SavedModel is a folder.
        format: "onnx" (ONNX Runtime), "litert" (phones and small boards) or "savedmodel" (TensorFlow Serving). The
            first two need `pip install "kerascnn[onnx]"` or `"kerascnn[litert]"`.

    Raises:
        ValueError: for a wrong argument.
        FileNotFoundError: if there is no such run.
        ImportError: that says what to install, if the format's packages are missing.

    Examples:
        python -m recipes export --model digits-resnet20 --path digits.onnx
    """
    path = kerascnn.training.load(model).export(path, format)
    print(f"Wrote {path}; its answers are the network's.")
    return path
