"""Networks in `.keras` files of any origin: nothing in such a file is run."""

import zipfile
from pathlib import Path

import keras

from kerascnn import checks
from kerascnn.files import check_unpacked

UNSAFE = "enable_unsafe_deserialization"  # which every refusal of Keras' safe mode names
TRUST = "If you trust who made it, call keras.config.enable_unsafe_deserialization() first, which lets it run its code."


def read(path: str | Path, name: str = "model") -> keras.Model:
    """The network in the `.keras` file at `path`, not compiled; `name` is the argument that errors tell of.

    It is loaded in Keras' safe mode: layers come by their names from Keras and from what is registered, and Python code
    in the file, as a `Lambda` layer has it, is refused.

    Raises: FileNotFoundError; ValueError that names the file if it is no whole `.keras` file, has code in it, or needs
    a class that is not there, or would fill the memory when it is unpacked.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(checks.message(name, "be a .keras file that is there", str(path)))
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        mend = "Copy it again if it was cut off; `keras.Model.save` writes one."
        raise ValueError(checks.message(name, "be a whole .keras file", str(path), mend))
    with zipfile.ZipFile(path) as archive:
        check_unpacked(name, path, archive)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever the file makes Keras raise, it is the file's
        raise ValueError(_told(name, path, error)) from error


def _told(name: str, path: Path, error: Exception) -> str:
    reason = " ".join(str(error).split())
    if UNSAFE in reason:
        mend = f"Build the network without Lambda layers, from layers that are registered. {TRUST}"
        return checks.message(name, "be a file without Python code in it, which is not run", str(path), mend)
    if "could not locate" in reason.lower():
        mend = "Import the module that defines and registers its classes first."
        return checks.message(name, f"be made of classes that are there ({reason[:300]})", str(path), mend)
    mend = "Copy it again, or save the network anew."
    return checks.message(name, f"be a .keras file that Keras can load ({reason[:300]})", str(path), mend)
