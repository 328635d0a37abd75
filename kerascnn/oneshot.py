"""A classifier whose classes are known by an image or a few each: a new class needs no training."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn import checks, keras_file
from kerascnn.files import save_atomically, write_atomically, write_text
from kerascnn.layers import unfuse
from kerascnn.metrics import distance_matrix
from kerascnn.metrics.distances import DISTANCES, embedding_rows, unit

MODEL, EXAMPLES, SETTINGS = "model.keras", "classes.npz", "classifier.json"
KINDS = ("mean", "nearest")


class OneShotClassifier:
    """Says of which class an image is by its distance to a few images of each, or that it is of none of them.

    Args:
        model: takes raw images and gives a vector an image, `(batch, d)`, as an embedder does.
        distance: "squared", "euclidean" or "cosine".
        threshold: distance above which an image is of none of the classes; None always names the nearest.
            `metrics.threshold` chooses it on validation pairs.
        kind: a class is as far as the "mean" of its images (with "cosine" of their directions), or as its "nearest".

    Raises:
        ValueError: for a wrong argument.

    >>> tower = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    >>> black, white = np.zeros((1, 2, 2, 1)), np.full((1, 2, 2, 1), 255)
    >>> classifier = OneShotClassifier(tower).add(black, ["black"]).add(white, ["white"])
    >>> classifier.predict(white - 55)["labels"]
    ['white']
    """

    def __init__(
        self, model: keras.Model, *, distance: str = "euclidean", threshold: float | None = None, kind: str = "mean"
    ):
        if len(getattr(model, "output_shape", ())) != 2:
            mend = "End it with a pooling, as kerascnn.blocks.global_pool."
            raise ValueError(checks.message("model", "give a vector an image", model, mend))
        self.model = model
        self.distance = checks.one_of("distance", distance, DISTANCES)
        self.kind = checks.one_of("kind", kind, KINDS)
        checks.in_range("threshold", 0 if threshold is None else threshold, 0, float("inf"))
        self.threshold = None if threshold is None else float(threshold)
        self._home: Path | None = None  # the folder that it came from or was saved in last
        self.class_names: list[str | int] = []
        self._embeddings = np.zeros((0, model.output_shape[1]), np.float32)
        self._labels = np.zeros(0, np.int64)  # the place in `class_names` of each

    def add(self, images: Any, labels: Sequence[str | int], *, batch_size: int = 32) -> "OneShotClassifier":
        """Makes images `(n, height, width, channels)`, raw, known as of the classes `labels` `(n,)`, texts or integers.

        New classes come after the others in `class_names`; images of a known class are added to it. Changes this
        classifier and returns it, so that calls chain. Raises: ValueError for wrong shapes and kinds of labels.
        """
        names = [_name(label) for label in labels]
        checks.same_length("images", images, "labels", names)
        found = self._embed(images, batch_size)
        self.class_names += [name for name in dict.fromkeys(names) if name not in self.class_names]
        self._embeddings = np.concatenate([self._embeddings, found])
        self._labels = np.append(self._labels, [self.class_names.index(name) for name in names]).astype(np.int64)
        return self

    def predict(self, images: Any, *, batch_size: int = 32) -> dict[str, Any]:
        """What raw images `(n, height, width, channels)` are.

        Returns a dict: "labels", a list of the nearest classes, None where none is within the threshold; "distances"
        `(n, classes)` in the order of `class_names`, float32; and "none", bool `(n,)`. Of equal distances the class
        that was added first goes first. Raises: ValueError before a class is added, and for wrong shapes.
        """
        if not self.class_names:
            mend = "Call `add` with at least one image first."
            raise ValueError(checks.message("class_names", "have at least one class", [], mend))
        distances = self._distances(self._embed(images, batch_size))
        best = distances.argmin(axis=1)
        none = distances.min(axis=1) > (np.inf if self.threshold is None else self.threshold)
        labels = [None if far else self.class_names[place] for place, far in zip(best, none, strict=True)]
        return {"labels": labels, "distances": distances, "none": none}

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Writes model.keras, classes.npz and, last, classifier.json into `folder`, each whole or not at all.

        Returns the folder. A save over an earlier one that was killed half way is told by `load`.
        Raises: ValueError if a run or another classifier is there; `overwrite` replaces it.
        """
        folder = Path(folder)
        if not overwrite and folder.resolve() != self._home and (folder / MODEL).exists():
            mend = "Name another folder, or pass overwrite=True."
            raise ValueError(checks.message("folder", f"be new, and holds another {MODEL}", str(folder), mend))
        save_atomically(folder / MODEL, unfuse(self.model).save)
        arrays = {"embeddings": self._embeddings, "labels": self._labels}
        write_atomically(folder / EXAMPLES, lambda file: np.savez(file, **arrays))
        settings = {name: getattr(self, name) for name in ("distance", "threshold", "kind", "class_names")}
        settings["files"] = {name: _digest(folder / name) for name in (MODEL, EXAMPLES)}
        write_text(folder / SETTINGS, json.dumps(settings, indent=1) + "\n")
        self._home = folder.resolve()
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> "OneShotClassifier":
        """Gives back the classifier that was saved in `folder`.

        Raises: FileNotFoundError where there is none; ValueError where its files are of different saves.
        """
        folder = Path(folder)
        if not (folder / SETTINGS).is_file():
            raise FileNotFoundError(checks.message("folder", f"hold a saved classifier ({SETTINGS})", str(folder)))
        settings = json.loads((folder / SETTINGS).read_text("utf-8"))
        changed = [name for name, digest in settings["files"].items() if _digest(folder / name) != digest]
        if changed:
            mend = "A save was stopped half way, or the files were exchanged: save the classifier again."
            rule = f"hold the files that {SETTINGS} names"
            raise ValueError(checks.message("folder", rule, f"{', '.join(changed)} of another save", mend))
        model = keras_file.read(folder / MODEL, "folder")
        classifier = cls(model, **{name: settings[name] for name in ("distance", "threshold", "kind")})
        with np.load(folder / EXAMPLES, allow_pickle=False) as arrays:
            classifier._embeddings, classifier._labels = arrays["embeddings"], arrays["labels"]
        classifier.class_names = settings["class_names"]
        classifier._home = folder.resolve()
        return classifier

    def _embed(self, images, batch_size) -> np.ndarray:
        images, expected = np.asarray(images), self.model.input_shape
        fits = images.ndim == len(expected) and all(
            want in (None, side) for want, side in zip(expected, images.shape, strict=True)
        )
        if not fits or not len(images):
            raise ValueError(checks.message("images", f"be of shape {('n', *expected[1:])}", images.shape))
        return embedding_rows("embeddings", self.model.predict(images, batch_size=batch_size, verbose=0))

    def _distances(self, queries: np.ndarray) -> np.ndarray:
        classes = range(len(self.class_names))
        if self.kind == "nearest":
            each = distance_matrix(queries, self._embeddings, self.distance)
            return np.stack([each[:, self._labels == label].min(axis=1) for label in classes], axis=1)
        rows = unit(self._embeddings) if self.distance == "cosine" else self._embeddings
        means = np.stack([rows[self._labels == label].mean(axis=0) for label in classes])
        return distance_matrix(queries, means, self.distance)


def _name(label: Any) -> str | int:
    label = label.item() if isinstance(label, np.generic) else label
    if isinstance(label, bool) or not isinstance(label, str | int):
        raise ValueError(checks.message("labels", "be texts or integers", label))
    return label


def _digest(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
