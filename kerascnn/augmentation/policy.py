"""Which augmentation fits which data and job."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

from kerascnn import checks
from kerascnn.augmentation.augmix import AugMix
from kerascnn.augmentation.colour import Brightness, Contrast, Hue, Saturation
from kerascnn.augmentation.crops import RandomCrop
from kerascnn.augmentation.distortions import Elastic
from kerascnn.augmentation.flips import QuarterTurn, RandomFlip
from kerascnn.augmentation.geometry import Rotate, Shift, Zoom
from kerascnn.augmentation.mosaic import Mosaic
from kerascnn.augmentation.pipeline import Pipeline
from kerascnn.augmentation.pixels import Cutout
from kerascnn.augmentation.policies import RandAugment, TrivialAugment
from kerascnn.augmentation.transform import Transform

WRITING = ("mnist", "emnist", "kmnist", "digits", "omniglot", "svhn", "letters", "binary_alpha_digits", "cmaterdb")
NO_UP = {
    "microscopy", "histology", "cells", "nuclei", "blood", "bccd", "isbi", "membrane", "membranes", "malaria",
    "camelyon", "satellite", "aerial", "eurosat", "resisc45", "so2sat", "merced",
}  # fmt: skip
"""Words in names of data whose pictures, under the microscope or from above, are as good turned or mirrored."""
TARGETS = {
    "classify": ("labels",), "finetune": ("labels",), "embed": ("labels",), "localize": ("bounding_boxes",),
    "detect": ("bounding_boxes",), "segment": ("segmentation_masks",), "denoise": ("target_images",),
    "autoencode": ("target_images",),
}  # fmt: skip
"""What has to move with the images in each job."""
IMAGES = ("target_images",)
LARGE = 20_000  # training images from which Cutout is added, in a long training
LONG = 16  # epochs from which a network has seen the images often enough to need more than small shifts
AROUND_BOXES = {"detect": {"border": "zero"}, "localize": {"border": "zero", "min_visible": 0.5}}
"""Options of a pipeline that moves boxes: a mirrored border would show objects without a box; a single object stays."""
ARGUMENTS = 4  # of an augmentation: images, indices, epoch, seed


def auto(data, epochs: int = LONG, job: str = "classify") -> Pipeline | None:
    """A mild pipeline that is right for the data (a `kerascnn.data.Data`), the number of epochs and the recipe `job`.

    Writing (sets of digits or letters by name, or all class names single digits or letters) is moved as in `writing`,
    and what `data.load` scatters over textures as in `scenes`. Pictures that have no up (by a word in the name of
    the data, as "cells" or "histology") are turned and mirrored as in `microscopy`. Grey arrays without class names may
    be writing, and are only shifted. All others are `photos`. None where images are not `(height, width, channels)`.

    Where boxes are sought, nothing is turned by other than quarter turns, as the upright box of a turned object is too
    large, and what comes in from outside is black.
    """
    checks.one_of("job", job, TARGETS)
    if len(data.image_shape) != 3:
        return None
    return PRESETS[kind(data)](data, epochs, job)


def kind(data) -> str:
    """The preset for the data: "writing", "scenes", "microscopy", "photos" or "anything"."""
    base = data.name.partition("/")[0].partition(":")[0].lower()
    if base == "scenes":
        return "scenes"
    symbols = [name for name in data.class_names if len(name) == 1 and name.isalnum()]
    lettered = 0 < len(symbols) == data.classes and getattr(data, "targets", "labels") == "labels"
    unnamed = data.name == "arrays" and data.class_names == tuple(map(str, range(data.classes)))
    if base in WRITING or (lettered and not unnamed):
        return "writing"
    if NO_UP & set(re.split(r"[\W_]+", base)):
        return "microscopy"
    return "anything" if unnamed and data.image_shape[-1] == 1 else "photos"


def writing(data, epochs: int = LONG, job: str = "classify") -> Pipeline:
    """Turned, zoomed and shifted a little before a margin of 0, and never mirrored; only shifted to be restored."""
    if TARGETS[job] == IMAGES:
        return Pipeline(Shift(0.1), border="zero")
    if job in AROUND_BOXES:
        return Pipeline(Zoom(0.1), Shift(0.1), **AROUND_BOXES[job])
    return Pipeline(Rotate(10), Zoom(0.1), Shift(0.1), border="zero")


def photos(data, epochs: int = LONG, job: str = "classify") -> Pipeline:
    """Mirrored left to right and shifted by up to 1/8, as is usual for CIFAR.

    Sets of 20,000 training images or more get a cutout of a quarter of the side too. In fewer than 16 epochs that would
    hold learning back: shifts go up to 1/20 then, and nothing is cut out. Where masks or boxes are sought, zoom,
    brightness and contrast vary in place of the cutout, and in a training of 16 epochs or more every second image in
    which all objects are sought is a mosaic; images to be restored are only mirrored, as interpolation would change
    their grain.
    """
    if TARGETS[job] == IMAGES:
        return Pipeline(RandomFlip("horizontal"))
    shift = Shift(0.125 if epochs >= LONG else 0.05)
    if TARGETS[job] == ("labels",):
        cutout = (Cutout(0.25),) if data.train_size >= LARGE and epochs >= LONG else ()
        return Pipeline(RandomFlip("horizontal"), shift, *cutout)
    moves = *_mosaic(epochs, job), RandomFlip("horizontal"), Zoom(0.2), shift
    return Pipeline(*moves, Brightness(0.2), Contrast(0.2), **AROUND_BOXES.get(job, {}))


def scenes(data, epochs: int = LONG, job: str = "classify") -> Pipeline:
    """Shifted, zoomed and lit a little, never mirrored, as there may be writing in it; only shifted to be restored."""
    if TARGETS[job] == IMAGES:
        return Pipeline(Shift(0.1))
    return Pipeline(Zoom(0.1), Shift(0.1), Brightness(0.1), Contrast(0.1), **AROUND_BOXES.get(job, {}))


def microscopy(data, epochs: int = LONG, job: str = "classify") -> Pipeline:
    """All symmetries (of square images eight: four turns, mirrored or not) and mild changes of light and stain.

    Where masks are sought, a smooth deformation too, as in the U-Net paper; where boxes are, zoom and shift, and
    mosaics as in `photos`; images to be restored get the symmetries alone.
    """
    square = data.image_shape[0] == data.image_shape[1]
    symmetries = RandomFlip("horizontal"), QuarterTurn() if square else RandomFlip("vertical")
    if TARGETS[job] == IMAGES:
        return Pipeline(*symmetries)
    bent = (Elastic(strength=max(1, min(data.image_shape[:2]) // 50)),) if "segmentation_masks" in TARGETS[job] else ()
    stain = (Saturation(0.1), Hue(0.02)) if data.image_shape[-1] == 3 else ()
    moved = (Zoom(0.2), Shift(0.1)) if job in AROUND_BOXES else ()
    moves = *_mosaic(epochs, job), *symmetries, *bent, *moved
    return Pipeline(*moves, Brightness(0.1), Contrast(0.1), *stain, **AROUND_BOXES.get(job, {}))


def anything(data, epochs: int = LONG, job: str = "classify") -> Pipeline:
    """Shifted by up to 1/8, in fewer than 16 epochs by up to 1/20."""
    return Pipeline(Shift(0.125 if epochs >= LONG else 0.05), **AROUND_BOXES.get(job, {}))


def _mosaic(epochs: int, job: str) -> tuple[Mosaic, ...]:
    return (Mosaic(p=0.5),) if job == "detect" and epochs >= LONG else ()


PRESETS = {"writing": writing, "scenes": scenes, "photos": photos, "microscopy": microscopy, "anything": anything}
POLICIES = {"randaugment": RandAugment, "trivialaugment": TrivialAugment, "augmix": AugMix}
NAMES = ("auto", "none", *PRESETS, *POLICIES)


def named(augment, data, epochs: int = LONG, job: str = "classify") -> Callable | None:
    """The augmentation that `augment` means, prepared for the data; with `data=None` only its spelling is checked.

    - "auto" (see there), or one of the presets that it chooses from: "writing", "scenes", "photos", "microscopy",
      "anything";
    - "randaugment", "trivialaugment" or "augmix": that policy after what "auto" gives, without its cutout;
    - the path of a .yaml file with a pipeline (see `Pipeline.to_yaml`);
    - None or "none"; a `Pipeline`, or one transform; or a callable.

    A callable takes `(images, indices, epoch, seed)` and should draw from the last three alone. One of `images` only,
    as a Keras layer, is taken too; its draws are its own, so that such a run is not the same again after a resume.
    Raises ValueError for an unknown name, and for a pipeline that does not fit the data.
    """
    if augment is None or augment == "none":
        return None
    if isinstance(augment, str | Path):
        augment = _spelled(str(augment), data, epochs, job)
    if isinstance(augment, Transform):
        return _fitted(augment, data, job)
    if callable(augment) and TARGETS[checks.one_of("job", job, TARGETS)] != ("labels",):
        rule = "be a Pipeline, None or a name, with which the targets move"
        raise ValueError(checks.message("augment", rule, augment, "Pass augment=Pipeline(...) of transforms."))
    if augment is None or (callable(augment) and _takes_all(augment)):
        return augment
    if not callable(augment):
        rule = f"be a Pipeline, a callable, None or one of {', '.join(map(repr, NAMES))}"
        raise ValueError(checks.message("augment", rule, augment, "Pass augment=Pipeline(Shift(0.1))."))
    return lambda images, indices, epoch, seed: augment(images)


def cropped(augment: Callable | None, size: int | None, data) -> Callable | None:
    """`augment`, then a window of `size` x `size` pixels at another place each time; as it is where `size` is None.

    Raises ValueError for a window larger than the images of `data`, and for a callable that is no `Pipeline`.
    """
    if size is None:
        return augment
    if len(data.image_shape) != 3:
        raise ValueError(checks.message("patch", "be None unless images are (height, width, channels)", size))
    if size > min(data.image_shape[:2]):
        raise ValueError(checks.message("patch", f"be at most the shorter side, {min(data.image_shape[:2])}", size))
    if augment is not None and not isinstance(augment, Pipeline):
        raise ValueError(checks.message("augment", "be a Pipeline, None or a name where `patch` is given", augment))
    before = augment or Pipeline()
    kept = {"border": before.border, "ignore": before.ignore, "min_visible": before.min_visible}
    return Pipeline(before, RandomCrop(size), **kept)


def _spelled(text: str, data, epochs: int, job: str) -> Pipeline | None:
    if text.endswith((".yaml", ".yml")):
        if not Path(text).is_file():
            raise ValueError(checks.message("augment", "be a file, where it ends in .yaml", text))
        return Pipeline.from_yaml(Path(text))
    checks.one_of("augment", text, NAMES, checks.nearest(text, NAMES) or "Or pass the path of a .yaml file.")
    if data is None:
        return None
    if text in PRESETS:
        return PRESETS[text](data, epochs, job)
    base = auto(data, epochs, job)
    if text == "auto":
        return base
    base = base or Pipeline()  # which is then said not to fit
    policy = POLICIES[text]() if text == "augmix" else POLICIES[text](colour=data.image_shape[-1] == 3)
    moves = [transform for transform in base.transforms if not isinstance(transform, Cutout)]
    return Pipeline(*moves, policy, border=base.border, min_visible=base.min_visible)


def _fitted(augment: Transform, data, job: str) -> Pipeline:
    pipeline = augment if isinstance(augment, Pipeline) else Pipeline(augment)
    if data is None:
        return pipeline
    if len(data.image_shape) != 3:
        rule = "be None or a callable for images that are not (height, width, channels)"
        raise ValueError(checks.message("augment", rule, augment))
    return pipeline.checked(data, TARGETS[checks.one_of("job", job, TARGETS)])


def _takes_all(function) -> bool:
    try:
        inspect.signature(function).bind(*range(ARGUMENTS))
    except TypeError:
        return False
    return not hasattr(function, "get_config")  # a Keras layer's call takes anything
