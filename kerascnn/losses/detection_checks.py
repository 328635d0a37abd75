"""Checks that the losses of detection share."""

from collections.abc import Sequence
from typing import Any

from kerascnn import checks


def size_of(image_size: int | Sequence[int]) -> tuple[int, int]:
    """(height, width) of one number or two. Raises ValueError otherwise."""
    size = (image_size, image_size) if not isinstance(image_size, (tuple, list)) else tuple(image_size)
    if len(size) != 2:
        raise ValueError(checks.message("image_size", "be one number or (height, width)", image_size))
    return tuple(checks.positive_int("image_size", side) for side in size)


def check_targets(y_true: Any) -> None:
    """Raises ValueError unless the targets are boxes and classes."""
    if len(y_true.shape) != 3 or y_true.shape[-1] not in (None, 5):
        rule = "have shape (batch, objects, 5): left, top, right, bottom and class"
        raise ValueError(checks.message("y_true", rule, tuple(y_true.shape), "Pass targets='boxes' to load."))


def check_places(y_pred: Any, places: int, image_size: tuple[int, int], strides: Sequence[int]) -> None:
    """Raises ValueError unless a network has as many `places` as its loss supposes."""
    if y_pred.shape[1] not in (None, places):
        rule = f"have {places} places for images of {image_size} and the strides {tuple(strides)}"
        raise ValueError(checks.message("y_pred", rule, tuple(y_pred.shape), "Give the loss those of the network."))
