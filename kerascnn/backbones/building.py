"""A backbone on raw images, with its own preprocessing inside and the weights asked for."""

import warnings
from numbers import Integral
from pathlib import Path

import keras

from kerascnn import checks, keras_file
from kerascnn.backbones.preprocessing import preprocess
from kerascnn.backbones.table import BACKBONES, Backbone
from kerascnn.backbones.transfer import transfer

Weights = str | Path | keras.Model | None


def backbone(name: str, image_shape: tuple[int | None, ...], *, weights: Weights = "imagenet") -> keras.Model:
    """A network of `BACKBONES` without its top: raw images in 0..255 -> its last map, a 32nd of their size.

    `image_shape`: (height, width, channels), or (None, None, channels) for any size; one channel is repeated to three.
    The model is flat and has the name `name`; its input is `image`, then `rescale` and the layers of the network under
    their own names.
    `weights`: "imagenet"; None for random ones; a `.keras` file or a keras.Model, of which what fits by layer, name and
    shape is taken; or a `.weights.h5` or `.h5` file of this very network without its top.

    Raises: ValueError for an unknown name, an image smaller than the network takes or of other than 1 or 3 channels,
    or weights that do not fit; FileNotFoundError if a file with weights is not there, with where to get it.

    >>> backbone("mobilenet_v2", (64, 64, 3), weights=None).output_shape
    (None, 2, 2, 1280)
    """
    entry = BACKBONES[checks.one_of("backbone", name, BACKBONES)]
    _check_shape(image_shape, entry)
    _check_weights(weights)
    inputs = keras.Input(tuple(image_shape), name="image")
    x = preprocess(inputs, entry.preprocessing)
    made = entry.build(x, weights="imagenet" if _is_imagenet(weights) else None)
    model = keras.Model(inputs, made.output, name=name)
    if weights is not None and not _is_imagenet(weights):
        _load(model, weights)
    return model


def _is_imagenet(weights):
    return isinstance(weights, str) and weights == "imagenet"


def _check_shape(image_shape, entry: Backbone) -> None:
    shape = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else ()
    sizes = () if shape[:2] == (None, None) else shape[:2]
    if len(shape) != 3 or not all(isinstance(size, Integral) and size > 0 for size in (*sizes, shape[2])):
        rule, mend = "be three positive integers", "Pass (height, width, channels), both sizes None for any size."
        raise ValueError(checks.message("image_shape", rule, image_shape, mend))
    if shape[-1] not in (1, 3):
        mend = "The backbones have seen colour photographs: convert the images to RGB or grey."
        raise ValueError(checks.message("image_shape", "have 1 or 3 channels", shape, mend))
    if min(sizes, default=entry.least) < entry.least:
        rule = f"be at least {entry.least} for the backbone {entry.name}"
        mend = f"Pass image_size={entry.size}, on which it was trained."
        raise ValueError(checks.message("image_size", rule, min(sizes), mend))


def _check_weights(weights: Weights) -> None:
    if weights is None or isinstance(weights, keras.Model) or _is_imagenet(weights):
        return
    if not isinstance(weights, (str, Path)) or Path(weights).suffix not in (".keras", ".h5"):
        rule = "be 'imagenet', None, a keras.Model, or the path of a .keras, .weights.h5 or .h5 file"
        raise ValueError(checks.message("weights", rule, weights))
    if not Path(weights).is_file():
        rule = "be a file that is there"
        raise FileNotFoundError(checks.message("weights", rule, str(weights), "Give its path from where you are."))


def _load(model: keras.Model, weights: Weights) -> None:
    if isinstance(weights, keras.Model):
        transfer(weights, model)
    elif Path(weights).suffix == ".keras":
        transfer(keras_file.read(weights, "weights"), model)
    else:
        _load_strictly(model, Path(weights))


def _load_strictly(model, path):
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Skipping nested container")  # layers that would stay as they were
            model.load_weights(path)
    except (ValueError, KeyError, OSError, UserWarning) as error:  # other layers, other shapes, no HDF5 at all
        rule = f"be a file of the weights of {model.name} without its top, all of them ({error})"
        mend = "Weights of another network go over by name from a .keras file."
        raise ValueError(checks.message("weights", rule, str(path), mend)) from error
