"""The result of a recipe: what it trained, how it went, how good it is, where it lies."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn import checks, keras_file
from kerascnn.callbacks.log import table
from kerascnn.card import model_card
from kerascnn.data import read_image, write_image
from kerascnn.files import save_atomically, write_text
from kerascnn.layers import halves, unfuse
from kerascnn.training.export import export
from kerascnn.training.folder import BEGUN, WRITTEN, read_json
from kerascnn.training.seeding import tensorflow_unasked

ZOO = Path(__file__).parents[2] / "saved_models"
IMAGE = "image.png"  # what a run has made, if that is an image


@dataclass(frozen=True)
class Result:
    """What every recipe returns.

    Attributes:
        model: the trained network with its best weights; takes raw images, 0..255.
        history: one list an epoch for each figure, such as `history["val_accuracy"]`.
        metrics: figures by their plain names, such as `metrics["accuracy"]`, judged on the test split where there is
            one and on the validation split otherwise (`extras["record"]["judged_on"]`).
        path: the folder it is saved in; None if it is not.
        extras: what a job adds; always `"record"`, the content of `result.json`, and after training `"pictures"`,
            functions without arguments by file name that draw a figure, or give an image in uint8. After `stylize`
            `"image"`, `(height, width, channels)` in uint8.
    """

    model: keras.Model
    history: Mapping[str, list[float]]
    metrics: Mapping[str, float]
    path: Path | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def encoder(self) -> keras.Model:
        """Of an autoencoder, images -> codes `(batch, code_size)`; raises ValueError for another network."""
        return halves(self.model)[0]

    @property
    def decoder(self) -> keras.Model:
        """Of an autoencoder, codes -> images; raises ValueError for another network."""
        return halves(self.model)[1]

    def save(self, folder: str | Path, *, overwrite: bool = False) -> "Result":
        """Writes model, figures, pictures and model card into `folder`; returns the Result with its `path`.

        `model.keras` holds Keras' own layers where the network is made of blocks, and loads without kerascnn; a network
        for images of any size needs `kerascnn.layers`.
        `result.json` is written last: a folder that has it is complete.

        Args:
            folder: a new one, or that of this Result.
            overwrite: replaces what is in the folder of another run.

        Raises: ValueError if another run, or a file of a name that is to be written, is in the folder.
        """
        folder = Path(folder)
        if not overwrite and not (self.path is not None and self.path.resolve() == folder.resolve()):
            _check_free(folder, self.extras["record"])
        return write(self, folder)

    def export(self, path: str | Path, format: str = "onnx") -> Path:
        """Writes the model for another runtime: "onnx", "litert" (phones) or "savedmodel"; see `training.export`.

        The file is run and compared with the model before it is kept. Returns its path.
        """
        return export(self.model, path, format)


def write(result: Result, folder: Path) -> Result:
    """`Result.save` into a folder that is free for it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_model(result.model, folder / "model.keras")
    (folder / "result.json").unlink(missing_ok=True)  # of another model, if it was there
    write_text(folder / "history.csv", table(result.history))
    for name, draw in result.extras.get("pictures", {}).items():
        _save_figure(draw(), folder / name)
    if result.path is not None and result.path.resolve() != folder.resolve():
        for picture in result.path.glob("*.png"):
            if not picture.is_symlink():  # which could bring in any file of this machine
                shutil.copy(picture, folder)
    write_text(folder / "README.md", model_card(result.extras["record"]))
    write_text(folder / "result.json", _as_text(result.extras["record"]))
    return replace(result, path=folder)


def save_model(model: keras.Model, path: Path) -> None:
    """Writes a `.keras` file, whole or not at all, with Keras' own BatchNormalization in place of ours."""
    with tensorflow_unasked():
        save_atomically(path, unfuse(model).save)


def find(name: str | Path) -> Path | None:
    """The folder that `load` would read: the one at that path, or of that name in the zoo; None where there is none."""
    return next((path for path in (Path(name), ZOO / name, ZOO / "runs" / name) if path.is_dir()), None)


def load(name: str | Path) -> Result:
    """Gives back the Result of a run, from its folder or from its name in the zoo.

    Raises: FileNotFoundError that lists the zoo, where there is neither; ValueError where the run has not ended.
    """
    folder = find(name)
    if folder is None:
        zoo = sorted(path.parent.name for path in ZOO.glob("*/result.json"))
        raise FileNotFoundError(checks.message("name", f"be a folder or one of the zoo, {zoo}", str(name)))
    if not (folder / "result.json").exists():
        mend = "Start its training again with the same call: it goes on from its last epoch."
        raise ValueError(
            checks.message("name", "be the folder of a run that has ended (with a result.json)", str(name), mend)
        )
    record = read_json(folder / "result.json", "name")
    if not {"history", "metrics"} <= set(record):
        raise ValueError(checks.message("name", "be the folder of a run, which has a history and metrics", str(name)))
    with tensorflow_unasked():
        model = keras_file.read(folder / "model.keras", "name")
    image = {"image": read_image(folder / IMAGE)} if (folder / IMAGE).exists() else {}
    return Result(model, record["history"], record["metrics"], folder, {"record": record, **image})


def _check_free(folder: Path, record: Mapping[str, Any]) -> None:
    """Raises ValueError if something lies in the folder that saving would replace, other than this very result."""
    mend = "Name another folder, or pass overwrite=True."
    if (folder / "result.json").exists():
        if (folder / "result.json").read_bytes() == _as_text(record).encode():
            return
        raise ValueError(checks.message("folder", "be new, and holds another result", str(folder), mend))
    theirs = [name for name in (*WRITTEN, *BEGUN) for _ in folder.glob(name)]
    if theirs:
        raise ValueError(checks.message("folder", f"be new, and holds {', '.join(theirs)}", str(folder), mend))


def _as_text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=1) + "\n"


def _save_figure(figure, path: Path) -> None:
    from kerascnn import plots

    if isinstance(figure, np.ndarray):
        write_image(path, figure)
    else:
        plots.save(figure, path)
