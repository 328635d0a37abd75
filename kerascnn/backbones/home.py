"""Where Keras keeps what it has downloaded, and we what we have converted."""

import os
from pathlib import Path


def models_folder() -> Path:
    """`$KERAS_HOME/models`, or `~/.keras/models`; it may not exist yet."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"
