"""Losses of maps, of boxes and of images by name."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import keras

from kerascnn import checks
from kerascnn.losses.boundary import Boundary
from kerascnn.losses.boxes import BoxIoU, BoxMSE, SmoothL1
from kerascnn.losses.images import SSIM, ImageMAE, ImageMSE, PixelCrossentropy, luminance
from kerascnn.losses.lovasz import Lovasz
from kerascnn.losses.pixelwise import Focal, MapCrossentropy
from kerascnn.losses.regions import SoftDice, Tversky
from kerascnn.losses.sums import Sum

MAP_LOSSES: dict[str, Callable[..., keras.losses.Loss]] = {
    "crossentropy": MapCrossentropy,
    "dice": SoftDice,
    "tversky": Tversky,
    "focal": Focal,
    "lovasz": Lovasz,
    "boundary": Boundary,
}
BOX_LOSSES: dict[str, Callable[[tuple[int, int]], keras.losses.Loss]] = {
    "mse": BoxMSE,
    "smooth_l1": SmoothL1,
    "giou": lambda size: BoxIoU("giou"),
    "diou": lambda size: BoxIoU("diou"),
    "ciou": lambda size: BoxIoU("ciou"),
}
IMAGE_LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
    "mse": ImageMSE,
    "mae": ImageMAE,
    "crossentropy": PixelCrossentropy,
    "ssim": SSIM,
    "grey_mse": partial(ImageMSE, view=luminance, name="grey_mse"),
}
AUTO = "crossentropy + dice"
WEIGHTED = ("crossentropy", "focal")  # a region loss counts each class alike already


def maps(
    loss: str | keras.losses.Loss = "auto",
    *,
    class_weight: Mapping[int, float] | Sequence[float] | None = None,
    ignore: int | None = 255,
    multi_label: bool = False,
) -> keras.losses.Loss:
    """The loss that `loss` stands for, on masks `(batch, height, width)` and probabilities `(..., classes)`.

    `loss` is a name of `MAP_LOSSES`, a sum such as "crossentropy + 0.5 * dice", "auto" for "crossentropy + dice", or a
    loss, which is returned as it is. `class_weight` goes to "crossentropy" and "focal", the other arguments to every
    named loss. Raises: ValueError for an unknown name, and for a `class_weight` that no part takes.

    >>> [(part.name, weight) for part, weight in maps("crossentropy + 0.5 * dice").parts]
    [('map_crossentropy', 1.0), ('soft_dice', 0.5)]
    >>> maps("dyce")
    Traceback (most recent call last):
    ValueError: `loss` must be one of 'boundary', 'crossentropy', 'dice', 'focal', 'lovasz', 'tversky'. Received: \
loss='dyce'. Did you mean 'dice'?
    """
    if not isinstance(loss, str):
        return _given(loss, class_weight)
    terms = _terms(AUTO if loss.strip() == "auto" else loss, MAP_LOSSES)
    if class_weight is not None and not any(name in WEIGHTED for name, _ in terms):
        mend = 'Weights belong to "crossentropy" and "focal"; a region loss counts each class alike already.'
        raise ValueError(checks.message("class_weight", f"be None for loss={loss!r}", class_weight, mend))
    options = {"ignore": ignore, "multi_label": multi_label}
    weights = {name: {"class_weight": class_weight} if name in WEIGHTED else {} for name in MAP_LOSSES}
    parts = [(MAP_LOSSES[name](**options, **weights[name]), weight) for name, weight in terms]
    return _sum(parts)


def boxes(loss: str | keras.losses.Loss, size: tuple[int, int]) -> keras.losses.Loss:
    """The loss that `loss` stands for, on boxes `(batch, 4)` "xyxy" in pixels of an image of `size` (height, width).

    `loss` is a name of `BOX_LOSSES`, a sum such as "smooth_l1 + 0.5 * ciou", or a loss, which is returned as it is.
    Raises: ValueError for an unknown name.

    >>> [(part.name, weight) for part, weight in boxes("smooth_l1 + 0.5 * ciou", (64, 64)).parts]
    [('smooth_l1', 1.0), ('ciou', 0.5)]
    """
    if not isinstance(loss, str):
        return _given(loss, None)
    return _sum([(BOX_LOSSES[name](size), weight) for name, weight in _terms(loss, BOX_LOSSES)])


def images(
    loss: str | Callable, perceptual: Callable[[], keras.losses.Loss] | None = None
) -> keras.losses.Loss | Callable:
    """The loss that `loss` stands for, on images of values in 0..255.

    `loss` is a name of `IMAGE_LOSSES`, a sum such as "mse + 0.1 * ssim", or a loss or a function of (true, predicted)
    images, which is returned as it is. `perceptual` makes what "perceptual" stands for, which is no name without it.
    Raises: ValueError for an unknown name.

    >>> [(part.name, weight) for part, weight in images("mse + 0.1 * ssim").parts]
    [('image_mse', 1.0), ('ssim', 0.1)]
    """
    if not isinstance(loss, str):
        return _given(loss, None)
    known = IMAGE_LOSSES | ({} if perceptual is None else {"perceptual": perceptual})
    return _sum([(known[name](), weight) for name, weight in _terms(loss, known)])


def _sum(parts):
    return parts[0][0] if len(parts) == 1 and parts[0][1] == 1 else Sum(parts)


def _terms(text, known):
    return [_term(term, known) for term in text.split("+")]


def _term(text: str, known: Mapping[str, Callable]) -> tuple[str, float]:
    """ "0.5 * dice" as ("dice", 0.5)."""
    match = re.fullmatch(r"\s*(?:(\d+\.?\d*|\.\d+)\s*\*\s*)?(\S*)\s*", text)
    weight, name = match.groups() if match else (None, text.strip())
    return checks.one_of("loss", name, known), float(weight or 1)


def _given(loss, class_weight):
    if not callable(loss) or inspect.isclass(loss):
        raise TypeError(checks.message("loss", "be a name, a sum of names or a keras.losses.Loss", loss))
    if class_weight is not None:
        mend = "Give the weights to the loss itself, as in MapCrossentropy(class_weight=...)."
        raise ValueError(checks.message("class_weight", "be None where `loss` is not a name", class_weight, mend))
    return loss
