"""Which augmentation fits which data."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from kerascnn import checks
from kerascnn.augmentation.pipeline import Pipeline
from kerascnn.augmentation.transforms import Cutout, RandomFlip, Rotate, Shift, Zoom

WRITING = ("mnist", "emnist", "kmnist", "digits", "omniglot", "svhn", "letters", "binary_alpha_digits", "cmaterdb")
LARGE = 20_000  # training images from which Cutout is added, in a long training
LONG = 16  # epochs from which a network has seen the images often enough to need more than small shifts
ARGUMENTS = 4  # of an augmentation: images, indices, epoch, seed


def auto(data, epochs: int = LONG) -> Pipeline | None:
    """A mild pipeline that is right for the data (a `kerascnn.data.Data`) and the number of epochs.

    Writing (sets of digits or letters by name, or all class names single digits or letters) is shifted, rotated and
    zoomed a little and never mirrored. Other images are mirrored left to right and shifted by up to 1/8, as is usual
    for CIFAR; sets of 20,000 training images or more get a cutout of a quarter of the side too. In fewer than 16 epochs
    that would hold learning back: shifts go up to 1/20 then, and nothing is cut out. Grey arrays without class names
    may be writing, and are only shifted. None where images are not `(height, width, channels)`.
    """
    if len(data.image_shape) != 3:
        return None
    if is_writing(data):
        return Pipeline(Rotate(10), Zoom(0.1), Shift(0.1), border="zero")
    shift = Shift(0.125 if epochs >= LONG else 0.05)
    if _is_unnamed(data) and data.image_shape[-1] == 1:
        return Pipeline(shift)
    cutout = (Cutout(0.25),) if data.train_size >= LARGE and epochs >= LONG else ()
    return Pipeline(RandomFlip("horizontal"), shift, *cutout)


def is_writing(data) -> bool:
    """Whether the classes are digits or letters, whose mirror images are something else."""
    base = data.name.partition("/")[0].partition(":")[0]
    symbols = [name for name in data.class_names if len(name) == 1 and name.isalnum()]
    return base in WRITING or (len(symbols) == data.classes and not _is_unnamed(data))


def _is_unnamed(data) -> bool:
    return data.name == "arrays" and data.class_names == tuple(map(str, range(data.classes)))


def named(augment, data, epochs: int = LONG) -> Callable | None:
    """The augmentation that `augment` means: "auto" (see there), None or "none", a `Pipeline`, or a callable.

    A callable takes `(images, indices, epoch, seed)` and should draw from the last three alone. One of `images` only,
    as a Keras layer, is taken too; its draws are its own, so that such a run is not the same again after a resume.
    """
    if augment is None or augment == "none":
        return None
    if augment == "auto":
        return auto(data, epochs)
    if not callable(augment):
        rule = "be 'auto', 'none', None, a Pipeline or a callable"
        raise ValueError(checks.message("augment", rule, augment, "Pass augment=Pipeline(Shift(0.1))."))
    if _takes_all(augment):
        return augment
    return lambda images, indices, epoch, seed: augment(images)


def _takes_all(function) -> bool:
    try:
        inspect.signature(function).bind(*range(ARGUMENTS))
    except TypeError:
        return False
    return not hasattr(function, "get_config")  # a Keras layer's call takes anything
