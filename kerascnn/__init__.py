"""Convolutional networks on images with Keras 3: recipes that do a job, parts to build with, promises that are tested.

Everything is imported when it is first asked for: `import kerascnn` alone loads neither Keras nor a backend.
"""

import importlib
import os
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kerascnn.data import Data as Data
    from kerascnn.training import Result as Result
    from kerascnn.training import load as load

# TensorFlow reads this when it is first imported: notes for its own developers stay away, errors are shown.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EXPORTS = {"Data": "kerascnn.data", "Result": "kerascnn.training", "load": "kerascnn.training"}


def __getattr__(name):
    if name in EXPORTS:
        return getattr(importlib.import_module(EXPORTS[name]), name)
    if name in {part.name for part in pkgutil.iter_modules(__path__)}:
        return importlib.import_module(f"kerascnn.{name}")
    raise AttributeError(f"module 'kerascnn' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *EXPORTS, *(part.name for part in pkgutil.iter_modules(__path__))})
