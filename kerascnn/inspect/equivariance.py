"""How far a network is from doing to its answer what is done to its image, and from taking no notice of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerascnn import checks
from kerascnn.inspect.maps import BATCH, image_batch, outputs
from kerascnn.inspect.moving import CHANGES, Places, move, moved
from kerascnn.inspect.receptive import receptive_fields
from kerascnn.inspect.walking import maps_in, named, outline, single

LEAST = 1e-12  # that is divided by


@dataclass(frozen=True)
class Curve:
    """What a change of the image does to what a layer gives, for each of its `amounts`; both errors are relative, >= 0.

    Attributes:
        amounts: of the change, `(n,)`.
        equivariance: `|f(T x) - T f(x)| / |f(x)|`, `(n,)`; 0 where the map changes as the image does. None of a layer
            that gives no map.
        invariance: `|f(T x) - f(x)| / |f(x)|`, `(n,)`; 0 where the change is not seen.
        change: "shift", "rotation" or "scale".
    """

    amounts: np.ndarray
    equivariance: np.ndarray | None
    invariance: np.ndarray
    change: str


def equivariance(
    model: keras.Model, images: Any, *, change: str = "shift", amounts: Sequence[float], layer: str | None = None
) -> Curve:
    """How far a layer, or the whole model, is from equivariance and from invariance under a change of its images.

    Images and maps are moved alike, about the centre of the image, with bilinear interpolation: a map of stride 2 goes
    half a place on for each pixel. Only the inside is compared: places whose receptive fields lie within the image
    and show nothing but the image once it is changed. A field larger than half the image counts as half of it, so
    that deep layers are compared in the middle, where the border still has some influence; what comes in from outside
    is the image mirrored at its border. Errors are taken over all images, places and channels together. An answer that
    is no map is compared as a whole.

    Args:
        model: Functional or Sequential, also one of nested models.
        images: raw images as the model takes them, `(n, height, width, channels)` in 0..255.
        change: "shift" to the right, "rotation" anticlockwise, or "scale".
        amounts: pixels, degrees, or factors (1.5 is half as large again).
        layer: its name, in nested models too; None is the model's answer.

    Raises: ValueError for an unknown layer or change, and for an amount that leaves nothing to compare.

    >>> image = keras.Input((16, 16, 1))
    >>> model = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(image))
    >>> noise = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 1))
    >>> curve = equivariance(model, noise, amounts=(0, 1, 3))
    >>> bool(curve.equivariance.max() < 1e-5), bool(curve.invariance.max() > 0.1)
    (True, True)
    """
    model, images = single(model), image_batch(images)
    checks.one_of("change", change, CHANGES)
    amounts = _checked(amounts, change)
    seen = outline(model, images[:1])
    path = list(seen)[-1] if layer is None else named("layer", layer, seen, "a layer")
    shape = maps_in(seen).get(path)
    places = None if shape is None else _places(model, images.shape, path, shape)
    moves = [move(change, amount, images.shape[1:3], places) for amount in amounts.tolist()]
    parts = [np.float32(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    squares = sum(_squares(model, part, path, moves) for part in parts)
    errors = np.sqrt(squares[:, :2] / np.maximum(squares[:, 2:], LEAST)).T
    return Curve(amounts, None if places is None else errors[0], errors[1], change)


def _places(model, images_shape, path, shape) -> Places:
    fields = receptive_fields(model, images_shape[1:])
    if path not in fields:
        raise ValueError(checks.message("layer", "have a receptive field that is known", path))
    field = fields[path]
    (height, width), (down, right), (top, left) = field.size, field.stride, field.centre
    frame = np.array([[right, 0, left], [0, down, top], [0, 0, 1]], float)
    reach = np.minimum(np.array([width, height]) - 1, np.array(images_shape[2:0:-1]) / 2) / 2
    return Places(frame, reach, shape[1:3])


def _squares(model, images, path, moves) -> np.ndarray:
    """`(moves, 3)`: the squares of what differs from equivariance and from invariance, and of what is there."""
    plain, found = outputs(model, images, [path])[path], []
    for each in moves:
        changed = outputs(model, moved(images, each.pixels, "reflect"), [path])[path]
        expected = plain if each.places is None else moved(plain, each.places, "constant")
        differences = changed - expected, changed - plain, plain
        found.append([np.square(values[:, each.inside], dtype=float).sum() for values in differences])
    return np.array(found)


def _checked(amounts, change) -> np.ndarray:
    """The amounts, `(n,)`."""
    given = np.asarray(amounts, float)
    if given.ndim != 1 or not given.size or not np.isfinite(given).all():
        raise ValueError(checks.message("amounts", "hold numbers, one or more", amounts, "Pass such as (0, 1, 2)."))
    if change == "scale" and given.min() <= 0:
        raise ValueError(checks.message("amounts", "be above 0 for a scale", amounts))
    return given
