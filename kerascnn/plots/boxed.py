"""Boxes drawn into the pixels of an image, for a file of its own size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerascnn import checks
from kerascnn.plots.painting import ink

SIDE = 320  # pixels of the shorter side, below which an image is enlarged so that texts can be read


def boxed(image: np.ndarray, boxes: np.ndarray, texts: Sequence[str], colours: Sequence[str]) -> np.ndarray:
    """The image in colour with boxes and a text at each, uint8 `(height, width, 3)`; the first box lies on top.

    An image whose shorter side has less than 320 pixels is enlarged by a whole number.

    `image` is uint8 `(height, width, 1 or 3)`, `boxes` are `(n, 4)`, left, top, right and bottom in its pixels;
    `colours` are "#rrggbb", one a box as the texts.
    """
    from PIL import Image, ImageDraw, ImageFont

    checks.same_length("boxes", boxes, "texts", texts)
    checks.same_length("boxes", boxes, "colours", colours)
    times = -(-SIDE // min(*image.shape[:2], SIDE))
    pixels = image.repeat(times, axis=0).repeat(times, axis=1)
    picture = Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)).copy())
    short = min(picture.size)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(max(11, short // 36))
    rows = list(zip(np.asarray(boxes, float).reshape(-1, 4) * times, texts, colours, strict=True))[::-1]
    for (left, top, right, bottom), _, colour in rows:
        left, top = round(left), round(top)
        corners = left, top, max(left, round(right) - 1), max(top, round(bottom) - 1)
        pen.rectangle(corners, outline=colour, width=max(2, short // 160))
    for box, text, colour in rows:  # after all boxes, so that no line crosses a text
        _write(pen, font, box, text, colour, picture.size)
    return np.asarray(picture)


def _write(pen, font, box: np.ndarray, text: str, colour: str, size: tuple[int, int]) -> None:
    """Writes a text on its colour above the box, or within where there is no room above."""
    width, height = pen.textbbox((0, 0), text, font=font)[2:]
    x = max(0, min(round(box[0]), size[0] - width - 4))
    y = round(box[1]) - height - 4
    y = y if y >= 0 else max(0, round(box[1]))
    pen.rectangle((x, y, x + width + 3, y + height + 3), fill=colour)
    pen.text((x + 2, y + 1), text, fill=ink(colour), font=font)
