"""One image: decoded from a file of any common kind, turned upright, coloured and resized."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from kerascnn import checks

RESIZES = ("stretch", "letterbox", "crop")
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
GREY_MODES = ("1", "L", "LA", "I", "F")


def read_image(path: str | Path | BinaryIO, image_size=None, resize: str = "stretch", channels: int = 3) -> np.ndarray:
    """The image in `path` as a uint8 array `(height, width, channels)`, `channels` being 1 (grey) or 3 (RGB).

    `path` may be an open binary file. Reads JPEG, PNG, BMP, GIF (first frame), WebP and TIFF; grey, palette, RGB and
    CMYK, 8 or 16 bits; turns it as EXIF says; lays transparent parts over white. `image_size` is None (as it is), an
    integer or `(height, width)`.
    Raises OSError, naming the file, if it is missing, no image or cut short.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as file:
            image = _eight_bit(file).convert("RGB" if channels == 3 else "L")
    except Exception as error:  # broken files make Pillow raise a dozen kinds, from struct.error to SyntaxError
        raise OSError(f"Cannot read the image {str(path)!r}: {describe(error)}") from error
    array = np.asarray(image).reshape(image.height, image.width, channels)
    return array if image_size is None else fit(array, image_size, resize)


def header(path: str | Path | BinaryIO) -> tuple[int, int, int]:
    """`(height, width, channels)` of the upright image in `path`, from its first bytes; channels is 1 or 3."""
    from PIL import Image

    with Image.open(path, formats=FORMATS) as file:
        width, height = file.size
        if file.getexif().get(0x0112, 1) >= 5:  # the EXIF orientations with a quarter turn
            width, height = height, width
        return height, width, 1 if _is_grey(file) else 3


def fit(
    image: np.ndarray, image_size, resize: str = "stretch", *, nearest: bool = False, margin: int = 0
) -> np.ndarray:
    """`image` `(height, width, channels)`, uint8 or float32, resized to `image_size` without aliasing.

    "stretch" fills the size; "letterbox" keeps the ratio, centred, with `margin` around it; "crop" keeps the ratio too
    and cuts the middle out, as large as the size's shape allows. Raises ValueError otherwise. `nearest`, for masks,
    mixes no pixels.

    >>> fit(np.full((2, 4, 1), 7, np.uint8), 4, "letterbox")[..., 0].tolist()
    [[0, 0, 0, 0], [7, 7, 7, 7], [7, 7, 7, 7], [0, 0, 0, 0]]
    >>> fit(np.arange(8, dtype=np.uint8).reshape(2, 4, 1), 2, "crop")[..., 0].tolist()
    [[1, 2], [5, 6]]
    """
    checks.one_of("resize", resize, RESIZES)
    height, width = (image_size, image_size) if np.isscalar(image_size) else image_size
    if image.shape[:2] == (height, width):
        return image
    if resize == "stretch":
        return _resized(image, height, width, None, nearest)
    if resize == "crop":
        return _resized(image, height, width, middle(image.shape, height, width), nearest)
    top, left, high, wide = letterboxed(image.shape[:2], height, width)
    boxed = np.full((height, width, image.shape[2]), margin, image.dtype)
    boxed[top : top + high, left : left + wide] = _resized(image, high, wide, None, nearest)
    return boxed


def recolor(images: np.ndarray, channels: int) -> np.ndarray:
    """`images` `(..., 1 or 3)` with 1 or 3 channels; grey is the luminance of ITU-R 601 that Pillow uses."""
    if images.shape[-1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    grey = images @ np.array([0.299, 0.587, 0.114], np.float32)
    return (np.rint(grey) if images.dtype == np.uint8 else grey).astype(images.dtype)[..., None]


def describe(error: Exception) -> str:
    """What went wrong with a file, in a few words and without its path."""
    from PIL import UnidentifiedImageError

    if isinstance(error.__cause__, Exception):
        return describe(error.__cause__)
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return f"{getattr(error, 'strerror', None) or error}"


def letterboxed(size, height: int, width: int) -> tuple[int, int, int, int]:
    """Where an image of `size` lies in a letterbox of `height` and `width`: top, left, and its height and width there.

    >>> letterboxed((40, 80), 40, 40)
    (10, 0, 20, 40)
    """
    scale = min(height / size[0], width / size[1])
    high, wide = (max(1, round(scale * side)) for side in size)
    return (height - high) // 2, (width - wide) // 2, high, wide


def middle(shape, height, width) -> tuple[float, float, float, float]:
    """The largest box in the middle of an image of `shape` with the ratio of `height` to `width`, as Pillow has it."""
    scale = min(shape[0] / height, shape[1] / width)
    top, left = max(0, shape[0] - scale * height) / 2, max(0, shape[1] - scale * width) / 2
    return left, top, shape[1] - left, shape[0] - top


def _resized(image, height, width, box, nearest):
    from PIL import Image

    order = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR

    def one(plane):
        return np.asarray(Image.fromarray(plane).resize((width, height), order, box))

    if image.dtype == np.uint8 and image.shape[2] == 3:
        return one(image)
    return np.stack([one(np.ascontiguousarray(image[..., c])) for c in range(image.shape[2])], axis=-1)


def _eight_bit(file):
    """The decoded image, upright, in one of the modes L, RGB and CMYK (transparency gone)."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I"):  # 16-bit grey
        return Image.fromarray(np.rint(np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _is_grey(image) -> bool:
    if image.mode == "P":
        palette = np.reshape(image.getpalette("RGB"), (-1, 3))
        return bool((palette == palette[:, :1]).all())
    return image.mode in GREY_MODES or image.mode.startswith("I;16")


def common_size(sizes, cap: int = 224) -> tuple[int, int]:
    """The size all images are brought to: theirs if they share one, else the median in multiples of 8, up to `cap`.

    >>> common_size([(30, 40), (30, 40)]), common_size([(30, 40), (60, 90), (61, 301)])
    ((30, 40), (64, 88))
    """
    sizes = np.asarray(sizes)
    if (sizes == sizes[0]).all():
        return tuple(map(int, sizes[0]))
    return tuple(min(max(8, 8 * int(median / 8 + 0.5)), cap) for median in np.median(sizes, axis=0))
