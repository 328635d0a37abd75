"""The forms that boxes come in."""

from typing import Any

import numpy as np
from keras import ops

from kerascnn import checks

TO_EDGES = {
    "xyxy": lambda left, top, right, bottom: (left, top, right, bottom),
    "yxyx": lambda top, left, bottom, right: (left, top, right, bottom),
    "xywh": lambda left, top, width, height: (left, top, left + width, top + height),
    "center_xywh": lambda x, y, width, height: (x - width / 2, y - height / 2, x + width / 2, y + height / 2),
}
FROM_EDGES = {
    "xyxy": lambda left, top, right, bottom: (left, top, right, bottom),
    "yxyx": lambda left, top, right, bottom: (top, left, bottom, right),
    "xywh": lambda left, top, right, bottom: (left, top, right - left, bottom - top),
    "center_xywh": lambda left, top, right, bottom: (
        (left + right) / 2,
        (top + bottom) / 2,
        right - left,
        bottom - top,
    ),
}
FORMATS = (*TO_EDGES, *(f"rel_{name}" for name in TO_EDGES))


def convert(boxes: Any, source: str, target: str, image_size: tuple[float, float] | None = None) -> Any:
    """Boxes `(..., 4)` of the form `source` in the form `target`, float32.

    "xyxy" are the left, top, right and bottom edge in pixels, counted from 0 at the image's left and top edge: a box of
    the whole image is 0, 0, width, height. "yxyx" has the vertical ones first, "xywh" width and height after the left
    and top edge, "center_xywh" after the middle. With "rel_" before it, a form has shares of the image's width and
    height instead of pixels; to come from pixels or go to them `image_size`, (height, width), is needed. Arrays and
    lists give an array, tensors of the backend a tensor. Raises: ValueError for an unknown form, a missing or wrong
    size, and a last axis other than 4.

    >>> convert([[10, 20, 30, 60]], "xyxy", "center_xywh").tolist()
    [[20.0, 40.0, 20.0, 40.0]]
    >>> convert([[0.25, 0.5, 0.5, 0.5]], "rel_xywh", "xyxy", (100, 200)).tolist()
    [[50.0, 50.0, 150.0, 100.0]]
    """
    checks.one_of("source", source, FORMATS)
    checks.one_of("target", target, FORMATS)
    plain = isinstance(boxes, np.ndarray | list | tuple)
    boxes = np.asarray(boxes, np.float32) if plain else ops.cast(boxes, "float32")
    if not boxes.shape or boxes.shape[-1] != 4:
        raise ValueError(checks.message("boxes", "be of shape (..., 4)", tuple(boxes.shape)))
    edges = TO_EDGES[source.removeprefix("rel_")](*(boxes[..., k] for k in range(4)))
    relative = source.startswith("rel_"), target.startswith("rel_")
    if relative[0] != relative[1]:
        height, width = _checked(image_size, source, target)
        scales = (width, height, width, height) if relative[0] else (1 / width, 1 / height, 1 / width, 1 / height)
        edges = [edge * scale for edge, scale in zip(edges, scales, strict=True)]
    return (np if plain else ops).stack(FROM_EDGES[target.removeprefix("rel_")](*edges), axis=-1)


def _checked(image_size, source, target):
    sizes = image_size if isinstance(image_size, tuple | list) else ()
    if len(sizes) != 2 or not all(size > 0 for size in sizes):
        rule = f"be (height, width) in pixels to go from {source!r} to {target!r}"
        raise ValueError(checks.message("image_size", rule, image_size))
    return map(float, sizes)
