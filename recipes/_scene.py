"""What the recipe `stylize` reads, and in which sizes it is seen."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kerascnn import checks, inspect, stylizing, training
from kerascnn import data as datasets

LEAST = 16  # pixels of the shorter side at the coarsest scale


@dataclass(frozen=True)
class Scene:
    """What an image is made of.

    Attributes:
        content: `(height, width, channels)` in 0..255, float32, in the size of the result.
        styles: images like it, of any sizes.
        shares: what each of them counts.
    """

    content: np.ndarray
    styles: tuple[np.ndarray, ...]
    shares: tuple[float, ...]

    def smaller(self, factor: int) -> "Scene":
        """All images by that factor smaller."""
        styles = tuple(datasets.fit(style, _divided(style, factor)) for style in self.styles)
        return Scene(datasets.fit(self.content, _divided(self.content, factor)), styles, self.shares)

    @property
    def images(self) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """The content, and the styles."""
        return self.content, self.styles

    def grey(self) -> "Scene":
        """The luminance of all images, that of the styles as bright as the content's."""
        content = stylizing.grey(self.content)
        styles = tuple(stylizing.as_bright(stylizing.grey(style), content) for style in self.styles)
        return Scene(content, styles, self.shares)

    def sizes(self, scales: int) -> list[tuple[int, int]]:
        """The (height, width) of each of so many scales, each twice as large as the one before."""
        return [_divided(self.content, 2**scale) for scale in reversed(range(scales))]

    @property
    def checksums(self) -> list[int]:
        """One an image: another one for other pixels."""
        return [zlib.crc32(np.ascontiguousarray(image)) for image in (self.content, *self.styles)]


def plain(style):
    """`style` as a record can name it: a path as text, a list as a tuple, of one as that one."""
    if isinstance(style, Mapping):
        return {str(path): share for path, share in style.items()}
    if isinstance(style, list | tuple):
        return tuple(map(plain, style)) if len(style) != 1 else plain(style[0])
    return str(style) if isinstance(style, Path) else style


def listed(layers):
    """A list of names as a tuple, which a shell can pass; all else as it is."""
    return tuple(layers) if isinstance(layers, list) else layers


def weighted(style) -> tuple[list, list[float]]:
    """The styles that `plain` gives, and the share of each. Raises: ValueError for none, or a share not above 0."""
    if isinstance(style, Mapping):
        styles, shares = list(style), list(style.values())
    else:
        styles = list(style) if isinstance(style, tuple) else [style]
        shares = [1.0] * len(styles)
    if not styles:
        raise ValueError(checks.message("style", "name at least one image", style))
    for share in shares:
        checks.in_range("style", share, 0, float("inf"), ends="()", mend="Pass a weight above 0 for each image.")
    return styles, shares


def read(name: str, image, channels: int) -> np.ndarray:
    """The image of the argument `name`, a path or an array, `(height, width, channels)` in 0..255, in float32.

    Raises: OSError that names a bad file; ValueError for an array of another form.
    """
    if isinstance(image, str | Path):
        return datasets.read_image(image, channels=channels).astype("float32")
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] not in (1, 3) or image.dtype.kind not in "uif":
        rule = "be the path of an image or an array (height, width, 3) of values in 0..255"
        raise ValueError(checks.message(name, rule, f"{image.dtype} {image.shape}"))
    return datasets.recolor(image.astype("float32"), channels)


def scene(content, style, *, image_size: int, channels: int) -> Scene:
    """The images, read and brought to `image_size` pixels at their longer sides; smaller ones stay as they are."""
    styles, shares = weighted(style)
    images = [read("content", content, channels), *(read("style", each, channels) for each in styles)]
    content, *styles = (_fitted(image, image_size) for image in images)
    return Scene(content, tuple(styles), tuple(shares))


def begun(start, content: np.ndarray, seed: int) -> np.ndarray:
    """The image to begin with, in the size of `content`: that itself, noise, or an image of the user's."""
    if isinstance(start, str) and start == "content":
        return content
    if isinstance(start, str) and start == "noise":
        return np.random.default_rng(seed).uniform(0, 255, content.shape).astype("float32")
    return datasets.fit(read("start", start, content.shape[-1]), content.shape[:2])


def check_sizes(found: Scene, seen: keras.Model, scales: int) -> None:
    """Raises ValueError for a style that is smaller than what a layer sees of it, and for too many scales."""
    side = min(found.content.shape[:2])
    if side // 2 ** (scales - 1) < LEAST:
        rule = f"leave {LEAST} pixels of the shorter side, which has {side}"
        raise ValueError(checks.message("scales", rule, scales, "Pass scales=1, or a larger image."))
    shape = (*found.content.shape[:2], seen.input_shape[-1])
    fields = inspect.receptive_fields(seen, shape)
    fields = {name: max(fields[name].size) for name in (x._keras_history.operation.name for x in seen.outputs)}
    deepest = max(fields, key=fields.get)
    least = min(min(style.shape[:2]) for style in found.styles)
    if least < fields[deepest]:
        rule = f"be images of at least {fields[deepest]} pixels a side, which the layer {deepest!r} sees at once"
        mend = "Pass a larger image, a larger image_size, or style_layers without it."
        raise ValueError(checks.message("style", rule, f"{least} pixels", mend))


def check_images(folder: training.RunFolder, found: Scene) -> None:
    """Raises ValueError if the run began with other images."""
    earlier = folder.decide("images", lambda: found.checksums)
    if earlier != found.checksums:
        mend = "Name another `save_to` folder, or delete this one."
        rule = f"have the pixels that the run in {str(folder.path)!r} began with"
        raise ValueError(checks.message("content", rule, "other images, here or as `style`", mend))


def names(images) -> str:
    """What one or more images are called: by their files, or "an array"."""
    images = images if isinstance(images, Mapping | tuple) else [images]
    return " and ".join(Path(image).name if isinstance(image, str | Path) else "an array" for image in images)


def _fitted(image: np.ndarray, side: int) -> np.ndarray:
    longer = max(image.shape[:2])
    if longer <= side:
        return image
    return datasets.fit(image, tuple(max(1, round(each * side / longer)) for each in image.shape[:2]))


def _divided(image: np.ndarray, factor: int) -> tuple[int, int]:
    return tuple(max(1, round(side / factor)) for side in image.shape[:2])
