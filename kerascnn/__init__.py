"""Convolutional networks on images with Keras 3: recipes that do a job, parts to build with, promises that are tested."""

import os

# TensorFlow reads these when it is first imported, and prints a page of notes for developers of TensorFlow otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from kerascnn.data import Data as Data  # noqa: E402
from kerascnn.training import Result as Result  # noqa: E402
from kerascnn.training import load as load  # noqa: E402
