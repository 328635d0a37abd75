"""What a result must say of the place it was made in, so that it can be made again."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

import keras

PACKAGES = ("kerascnn", "keras", "tensorflow", "jax", "torch", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python, of the packages that compute, the backend and the kind of machine."""
    found = {"python": platform.python_version(), "backend": keras.backend.backend(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue  # not installed: nothing to say of it
    return found


def git_commit() -> str | None:
    """The commit of the checkout that this package runs from, with "-dirty" for changed files; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
