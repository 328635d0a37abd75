"""Networks of keras.applications on a tensor of ours: flat, with the names that they have in a fresh session."""

import re
import warnings
from collections import defaultdict

import keras

from kerascnn.backbones.home import models_folder
from kerascnn.backbones.walk import trace

SCALING = (keras.layers.Rescaling, keras.layers.Normalization)  # what some of them begin with
SAVED_AS = {
    "NASNet-mobile-no-top.h5": "nasnet_mobile_no_top.h5",
    "NASNet-large-no-top.h5": "nasnet_large_no_top.h5",
}


def application(x, kind: str, weights: str | None) -> keras.Model:
    """`keras.applications.KIND` without its top on `x`, a tensor `(batch, height, width, 3)` preprocessed for it.

    Preprocessing inside the application is left out, nested models are opened, and names that Keras has counted up
    (`conv2d_94`) start again from nothing, so that equal networks have equal names in every process.
    `weights`: "imagenet", which Keras downloads once and keeps, or None for random ones.
    Raises: FileNotFoundError if the file with the weights cannot be had.

    >>> application(keras.Input((32, 32, 3)), "MobileNet", None).get_layer("conv_pw_1_relu").output.shape
    (None, 16, 16, 64)
    """
    shape = tuple(x.shape[1:])
    source = _imagenet(kind, shape) if weights == "imagenet" else _made(kind, shape, None)
    names = fresh_names(source)

    def call(operation, *args, **kwargs):
        if isinstance(operation, SCALING):
            return args[0]
        copy = type(operation).from_config(operation.get_config())
        copy.name = names.get(operation.name, operation.name)
        y = copy(*args, **kwargs)
        if weights and isinstance(copy, keras.Layer):
            copy.set_weights(operation.get_weights())
        return y

    (output,) = trace(source, [x], call)[-1].outputs
    return keras.Model(keras.utils.get_source_inputs(x), output, name=source.name)


def fresh_names(model: keras.Model) -> dict[str, str]:
    """For each operation that Keras has named by its class, the name that it has in a session with nothing before.

    >>> inputs = keras.Input((4,), name="image")
    >>> x = keras.layers.Dense(2, name="dense_7")(inputs)
    >>> fresh_names(keras.Model(inputs, keras.layers.Dense(2, name="dense_9")(x)))
    {'dense_7': 'dense', 'dense_9': 'dense_1'}
    """
    counted = defaultdict(list)
    for operation in model.operations:
        base, number = re.fullmatch(r"(.+?)(?:_(\d+))?", operation.name).groups()
        if base.replace("_", "") == type(operation).__name__.lower():
            counted[base].append((int(number or 0), operation.name))
    return {
        name: f"{base}_{place}" if place else base
        for base, numbered in counted.items()
        for place, (_, name) in enumerate(sorted(numbered))
    }


def _made(kind, shape, weights):
    with warnings.catch_warnings():  # of MobileNets: that the weights were trained at 224 px, which holds for all
        warnings.filterwarnings("ignore", message=".*will be loaded as the default", category=UserWarning)
        return getattr(keras.applications, kind)(include_top=False, weights=weights, input_shape=shape)


def _imagenet(kind, shape):
    try:
        return _made(kind, shape, "imagenet")
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise FileNotFoundError(_not_there(kind, error)) from error


def _not_there(kind, error):
    found = re.search(r"(https?://\S+): (.*)", str(error))
    url, reason = found.groups() if found else ("the address that Keras has printed above", error)
    file = url.rsplit("/", 1)[-1] if found else "the file named there"
    return (
        f"The ImageNet weights of keras.applications.{kind} could not be had from {url} ({reason}). "
        f"Without a network, fetch that file elsewhere and put it at {models_folder() / SAVED_AS.get(file, file)}; "
        "or pass backbone='efficientnet_lite0', whose weights come with pip and need no download; or weights=None."
    )
