"""Images and masks as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerascnn.files import write_atomically


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Writes a uint8 image `(height, width, channels)` of 1 or 3 channels as a PNG file, whole or not at all."""
    _save(path, image[..., 0] if image.shape[-1] == 1 else image)


def write_mask(path: str | Path, mask: np.ndarray, colours: np.ndarray) -> None:
    """Writes class indices `(height, width)` up to 255 as a PNG file, whole or not at all.

    The values of its pixels are the indices; viewers show them in `colours`, `(classes, 3)` in 0..255.
    """
    _save(path, mask.astype(np.uint8), palette=colours.round().astype(np.uint8).tobytes())


def _save(path: str | Path, pixels: np.ndarray, palette: bytes | None = None) -> None:
    from PIL import Image

    picture = Image.fromarray(pixels)
    if palette is not None:
        picture = Image.frombytes("P", picture.size, picture.tobytes())
        picture.putpalette(palette)
    write_atomically(path, lambda file: picture.save(file, format="PNG"))
