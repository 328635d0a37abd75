"""A folder of images to an index, and an image to its neighbours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn import checks
from kerascnn.data import fit, read_image
from kerascnn.data.folder import complain
from kerascnn.data.images import RESIZES, recolor
from kerascnn.data.storage import files_below
from kerascnn.data.survey import each_file
from kerascnn.retrieval.index import Found, Index


def index_folder(
    model: keras.Model,
    folder: str | Path,
    *,
    distance: str = "cosine",
    engine: str = "exact",
    image_size: int | tuple[int, int] | None = None,
    resize: str = "stretch",
    skip_bad: bool = False,
    batch_size: int = 32,
    about: Mapping[str, Any] | None = None,
) -> Index:
    """An index of all images below `folder`, each under the path of its file, absolute and with forward slashes.

    A batch of images is in memory at a time. How images are brought to the network is kept in `index.about`, for
    `neighbours`; so are the names of files that were left out, as `"skipped"`.

    Args:
        model: takes raw images and gives a vector an image, `(batch, d)`.
        folder: with images of any size in it, at any depth; hidden files are passed over.
        distance: "cosine", "euclidean" or "squared".
        engine: "exact" or "usearch", as for `Index`.
        image_size: side or (height, width) that images are brought to; None is the model's.
        resize: "stretch", "letterbox" or "crop": as in the model's training.
        skip_bad: leave out files that cannot be read, rather than raise.
        batch_size: images that go through the network at once.
        about: further facts to keep.

    Raises:
        ValueError: for a wrong argument, a folder without images, or unreadable files, all named in one error.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(checks.message("folder", "be a folder", str(folder)))
    checks.positive_int("batch_size", batch_size)
    seen = _seen(model, image_size, resize)
    index = Index(model.output_shape[1], distance, engine, about={**(about or {}), **seen, "skipped": []})
    paths = files_below(folder.resolve())
    if not paths:
        raise ValueError(checks.message("folder", "be a folder with images in it", str(folder)))
    bad = {}
    for start in range(0, len(paths), batch_size):
        bad |= _add(index, model, paths[start : start + batch_size], seen)
    if bad and not (skip_bad and len(index)):
        complain(folder.resolve(), bad)
    index.about["skipped"] = [path.as_posix() for path in bad]
    return index


def neighbours(index: Index, model: keras.Model, image: str | Path | np.ndarray, k: int = 8) -> Found:
    """The `k` images of an index made by `index_folder` that are nearest to `image`: a file, or an array of it.

    `model` is the one that made the index; an array is `(height, width, channels)` in 0..255, of any size. The image
    itself is found too if it is in the index. Raises: ValueError for an index without the facts of `index_folder`.
    """
    if "image_shape" not in index.about:
        mend = "Make it with `index_folder`, or embed the image and call `index.search`."
        raise ValueError(checks.message("index.about", "say how images are read", index.about, mend))
    return index.search(_embedded(model, [_image(image, index.about)]), k)


def _add(index: Index, model, paths, seen) -> dict[Path, str]:
    """Embeds and stores the files of a batch; says which are bad, and why."""
    images = [None] * len(paths)

    def read(place):
        images[place] = _image(paths[place], seen)

    bad = each_file(read, paths, "Reading images")
    whole = [(path, image) for path, image in zip(paths, images, strict=True) if path not in bad]
    if whole:
        index.add(_embedded(model, [image for _, image in whole]), [path.as_posix() for path, _ in whole])
    return bad


def _seen(model, image_size, resize) -> dict[str, Any]:
    """How images come to the network: their shape there, and how they are resized."""
    shape, output = model.input_shape, model.output_shape
    if len(output) != 2 or len(shape) != 4 or shape[-1] not in (1, 3):
        mend = "Its images have 1 or 3 channels; end it with a pooling, as kerascnn.blocks.global_pool."
        raise ValueError(checks.message("model", "take images and give a vector an image", (shape, output), mend))
    size = shape[1:3] if image_size is None else image_size
    size = (size, size) if isinstance(size, int) else tuple(size)
    wrong = [side for side, own in zip(size, shape[1:3], strict=True) if side is None or own not in (None, side)]
    if wrong:
        rule = "be given, as the model takes any" if None in wrong else f"be the model's, {shape[1:3]}"
        raise ValueError(checks.message("image_size", rule, image_size))
    return {"image_shape": [*size, shape[-1]], "resize": checks.one_of("resize", resize, RESIZES)}


def _image(image: str | Path | np.ndarray, seen: Mapping[str, Any]) -> np.ndarray:
    *size, channels = seen["image_shape"]
    if isinstance(image, np.ndarray):
        return fit(recolor(image, channels), tuple(size), seen["resize"])
    return read_image(image, image_size=tuple(size), resize=seen["resize"], channels=channels)


def _embedded(model: keras.Model, images: list[np.ndarray]) -> np.ndarray:
    return np.asarray(model.predict_on_batch(np.stack(images)), np.float32)
