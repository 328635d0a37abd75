"""Networks around a tower, which maps an image to a vector: those that train it, with shared weights."""

import keras

from kerascnn import checks
from kerascnn.layers.class_centres import ClassCentres
from kerascnn.layers.distances import Distance
from kerascnn.layers.learnt_threshold import LearntThreshold


def siamese(tower: keras.Model, *, distance: str = "euclidean", name: str = "siamese") -> keras.Model:
    """[left, right] images -> the probability `(batch,)` that both show the same, by a learnt threshold of distance.

    Train it with "binary_crossentropy" on targets 1 (same) and 0; what is kept is the tower, and of the layer
    "same" its `tau`, the distance at which the probability is 1/2. The threshold starts in the middle of the distances
    between points on a sphere. `distance`: see `layers.Distance`. Raises: ValueError for a tower that has another input
    or output.

    >>> tower = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(16)])
    >>> siamese(tower).output_shape
    (None,)
    """
    images, embeddings = _through(tower, ("left", "right"))
    apart = Distance(distance, dtype="float32", name="distance")(embeddings)
    same = LearntThreshold(MIDDLE[distance], dtype="float32", name="same")(apart)
    return keras.Model(images, same, name=name)


def pair_model(tower: keras.Model, *, name: str = "pairs") -> keras.Model:
    """[left, right] images -> their embeddings `(batch, 2, d)`, for `losses.PairContrastive`. Raises: as `siamese`."""
    return _stacked(tower, ("left", "right"), name)


def triplet_model(tower: keras.Model, *, name: str = "triplets") -> keras.Model:
    """[anchor, positive, negative] images -> their embeddings `(batch, 3, d)`, for `losses.TripletDistances`.

    Raises: as `siamese`.

    >>> tower = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(16)])
    >>> triplet_model(tower).output_shape
    (None, 3, 16)
    """
    return _stacked(tower, ("anchor", "positive", "negative"), name)


def with_centres(tower: keras.Model, classes: int, *, name: str | None = None) -> keras.Model:
    """The tower with `layers.ClassCentres` on top: image -> cosines `(batch, classes)`, in float32.

    It shares the tower's layers: what is kept after training with `losses.ArcFace` and the like is the tower.

    >>> tower = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(16)])
    >>> with_centres(tower, 10).output_shape
    (None, 10)
    """
    _check(tower)
    cosines = ClassCentres(classes, dtype="float32", name="centres")(tower.outputs[0])
    return keras.Model(tower.inputs[0], cosines, name=name or f"{tower.name}_with_centres")


MIDDLE = {"squared": 1.0, "euclidean": 1.0, "cosine": 0.5}  # half of the way from the same to a right angle, or near it


def _stacked(tower, names, name):
    images, embeddings = _through(tower, names)
    rows = [
        keras.layers.Reshape((1, each.shape[-1]), name=f"{key}_row")(each)
        for key, each in zip(names, embeddings, strict=True)
    ]
    return keras.Model(images, keras.layers.Concatenate(axis=1, name="stacked")(rows), name=name)


def _through(tower, names):
    """New inputs of these names, and what the tower makes of each."""
    _check(tower)
    image = tower.inputs[0]
    images = [keras.Input(image.shape[1:], dtype=image.dtype, name=name) for name in names]
    return images, [tower(each) for each in images]


def _check(tower):
    if len(getattr(tower, "inputs", ())) != 1 or len(getattr(tower, "outputs", ())) != 1:
        mend = "backbones.embedder makes one."
        raise ValueError(checks.message("tower", "be a keras.Model of one image that gives one vector", tower, mend))
    if len(tower.outputs[0].shape) != 2:
        mend = "Put blocks.embedding on top."
        raise ValueError(checks.message("tower", "give vectors (batch, d)", tower.outputs[0].shape, mend))
