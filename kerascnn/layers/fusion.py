"""Exchange of Keras' BatchNormalization and ours in a finished model."""

import keras
import numpy as np

from kerascnn import checks
from kerascnn.layers.batch_normalization import BatchNormalization
from kerascnn.layers.nested import is_mirrored, walk

KERAS = {"module": "keras.layers", "class_name": "BatchNormalization", "registered_name": None}
FUSED = {
    "module": BatchNormalization.__module__,
    "class_name": "BatchNormalization",
    "registered_name": keras.saving.get_registered_name(BatchNormalization),
}


def fuse(model: keras.Model) -> keras.Model:
    """Returns a copy of `model` that trains with the fused kernel: same names, weights, dtypes and trainable flags.

    Every `keras.layers.BatchNormalization` becomes `kerascnn.layers.BatchNormalization`, in nested models and wrappers
    too. The copy is not compiled. A model without that layer is returned as it is, unless TensorFlow builds for several
    devices, which a model of before knows nothing of.
    Raises: ValueError for a subclassed model, whose layers cannot be exchanged from outside.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="norm")])
    >>> type(fuse(model).get_layer("norm")).__module__
    'kerascnn.layers.batch_normalization'
    """
    if not _has_config(model):
        mend = "In a model with its own call(), create kerascnn.layers.BatchNormalization where it makes its layers."
        raise ValueError(checks.message("model", "be a Functional or Sequential model", model, mend))
    changes = _any_of(keras.layers.BatchNormalization, model) or _is_of_one_device(model)
    return exchanged(model, KERAS, FUSED) if changes else model


def unfuse(model: keras.Model) -> keras.Model:
    """Returns a copy of `model` with Keras' own BatchNormalization, whose file loads without kerascnn.

    The reverse of `fuse`; the predictions are the same. The copy is not compiled, so that its file needs no loss or
    schedule of ours either. A subclassed model is returned as it is, as its file needs its own code anyway; one that
    only stands around a network and has `with_network`, such as `models.Detector`, is given the copy of that network.
    """
    if hasattr(model, "with_network"):
        return model.with_network(unfuse(model.network))
    return exchanged(model, FUSED, KERAS) if _has_config(model) else model


def exchanged(model: keras.Model, old: dict, new: dict) -> keras.Model:
    """A copy of `model` that is not compiled, with `new` in the place of what its config says of every `old` object.

    Both are parts of a serialised object, as "class_name". Names, weights and trainable flags are kept.
    """
    layers = [type(layer) for layer in walk(model)]
    own = {layer.__name__: layer for layer in layers if not layer.__module__.startswith(("keras.", "kerascnn."))}
    with keras.saving.custom_object_scope(own):  # a user's layers need not be registered
        copy = type(model).from_config(_renamed(model.get_config(), old, new))
    for source, target in zip(walk(model), walk(copy), strict=True):
        target.trainable = source.trainable  # reaches the layers inside, whose turn comes after
        if not hasattr(source, "layers"):
            _copy_state(source, target)
    return copy


def _has_config(model):
    return type(model).__module__.startswith("keras.") and type(model).__name__ in ("Functional", "Sequential")


def _is_of_one_device(model):
    """Whether TensorFlow builds for several devices and some of these variables were made before."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.distribute.has_strategy() and not is_mirrored(model)


def _any_of(kind, model):
    return any(type(layer) is kind for layer in walk(model))


def _renamed(config, old, new):
    """`config` with every serialised object of class `old` given to class `new`, and nested models not compiled."""
    if isinstance(config, dict):
        config = {key: _renamed(value, old, new) for key, value in config.items() if key != "compile_config"}
        return config | new if old.items() <= config.items() else config
    if isinstance(config, (list, tuple)):
        return type(config)(_renamed(value, old, new) for value in config)
    return config


def _copy_state(source, target):
    for old, new in zip(source.variables, target.variables, strict=True):
        new.assign(np.array(old))  # JAX would share the array, which training one of the two models deletes
    if hasattr(target, "finalize_state"):  # Normalization derives tensors from its variables
        target.finalize_state()
