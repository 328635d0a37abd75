"""Images and masks as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kerascnn.files import write_atomically

MARK = {"Software": "kerascnn"}  # in every picture that is written here


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
    from PIL.PngImagePlugin import PngInfo

    picture = Image.fromarray(pixels)
    if palette is not None:
        picture = Image.frombytes("P", picture.size, picture.tobytes())
        picture.putpalette(palette)
    about = PngInfo()
    for key, value in MARK.items():
        about.add_text(key, value)
    write_atomically(path, lambda file: picture.save(file, format="PNG", pnginfo=about))


def is_ours(path: str | Path) -> bool:
    """Whether `write_image` or `write_mask` has written the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return MARK.items() <= picture.info.items()
    except (UnidentifiedImageError, SyntaxError):
        return False
