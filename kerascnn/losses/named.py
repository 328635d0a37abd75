"""Losses of maps by name."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence

import keras

from kerascnn import checks
from kerascnn.losses.boundary import Boundary
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
    terms = [_term(term) for term in (AUTO if loss.strip() == "auto" else loss).split("+")]
    if class_weight is not None and not any(name in WEIGHTED for name, _ in terms):
        mend = 'Weights belong to "crossentropy" and "focal"; a region loss counts each class alike already.'
        raise ValueError(checks.message("class_weight", f"be None for loss={loss!r}", class_weight, mend))
    options = {"ignore": ignore, "multi_label": multi_label}
    weights = {name: {"class_weight": class_weight} if name in WEIGHTED else {} for name in MAP_LOSSES}
    parts = [(MAP_LOSSES[name](**options, **weights[name]), weight) for name, weight in terms]
    return parts[0][0] if len(parts) == 1 and parts[0][1] == 1 else Sum(parts)


def _term(text: str) -> tuple[str, float]:
    """ "0.5 * dice" as ("dice", 0.5)."""
    match = re.fullmatch(r"\s*(?:(\d+\.?\d*|\.\d+)\s*\*\s*)?(\S*)\s*", text)
    weight, name = match.groups() if match else (None, text.strip())
    return checks.one_of("loss", name, MAP_LOSSES), float(weight or 1)


def _given(loss, class_weight):
    if not callable(loss) or inspect.isclass(loss):
        raise TypeError(checks.message("loss", "be a name, a sum of names or a keras.losses.Loss", loss))
    if class_weight is not None:
        mend = "Give the weights to the loss itself, as in MapCrossentropy(class_weight=...)."
        raise ValueError(checks.message("class_weight", "be None where `loss` is not a name", class_weight, mend))
    return loss
