"""`predict_tiled`: one large image through a network."""

import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from kerascnn import checks
from kerascnn.files import save_atomically
from kerascnn.layers import nested
from kerascnn.tiling.sides import Side, given, side, window

CLASSES = 256  # that fit into a byte


def predict_tiled(
    model: keras.Model,
    image: Any,
    *,
    tile: int | tuple[int, int] = 256,
    overlap: int | None = None,
    batch_size: int = 4,
    mirror: bool = False,
    result: str = "probabilities",
    out: np.ndarray | str | Path | None = None,
    progress: str | bool = "auto",
) -> np.ndarray:
    """What `model` gives for a whole image, `(height, width, k)` float32, from overlapping tiles.

    The image is read by windows and mirrored at its borders. Of the overlap of two tiles, the outer quarter of each is
    only seen, and over the rest one answer turns into the other by a raised cosine; the weights of a pixel sum to 1.
    Where a quarter of `overlap` is no less than what the network sees to either side, and a multiple of its strides, as
    `tile` and the sides of the image are, the answers are those of the whole image. A network without padding
    (Ronneberger et al. 2015, fig. 2) needs no fading: its tiles overlap by what it loses.

    Args:
        model: takes raw images and gives maps `(batch, height, width, k)` of their size, or smaller by the border
            that its convolutions lose.
        image: `(height, width)` or `(height, width, channels)`, uint8 or float in 0..255; also an `np.memmap` or
            anything else with `shape`, `dtype` and slices, such as a dataset of HDF5.
        tile: side of a tile in pixels, or (height, width). All tiles have this size, so that the model is compiled
            once.
        overlap: pixels that neighbouring tiles share, at most half a tile; None is a quarter of it.
        batch_size: tiles that the model sees at a time.
        mirror: whether to average over the eight symmetries of a square tile, or the four of another.
        result: "probabilities" for what the model gives, or "classes" for the index of the largest as uint8
            `(height, width)`; of a single map, whether it is above 0.5.
        out: an array to write into, an `np.memmap` too, or the path of a .npy file, which appears when it is complete
            and comes back memory-mapped.
        progress: "auto" or True for a bar where there is a terminal.

    Raises: ValueError for arguments that do not fit the model or each other.
    """
    checks.positive_int("batch_size", batch_size)
    checks.one_of("result", result, ("probabilities", "classes"))
    checks.one_of("progress", progress, ("auto", True, False))
    image = image if hasattr(image, "shape") else np.asarray(image)
    tile = tuple(checks.positive_int("tile", each) for each in (tile if np.ndim(tile) else (tile, tile)))
    network = nested.graph(model)
    _check(network, image, tile)
    *sizes, maps = given(network, tile)
    if result == "classes" and maps > CLASSES:
        raise ValueError(checks.message("result", f"be 'probabilities' for more than {CLASSES} maps", result))
    rows, columns = (side(*each, overlap) for each in zip(image.shape[:2], tile, sizes, strict=True))
    symmetries = list(product(range(0, 4, 1 if tile[0] == tile[1] else 2), (False, True))) if mirror else [(0, False)]
    shape, dtype = (image.shape[:2], np.uint8) if result == "classes" else ((*image.shape[:2], maps), np.float32)

    def fill(target: np.ndarray) -> None:
        strip = np.zeros((rows.core, columns.length, maps), np.float32)
        batches = _batches(image, rows, columns, batch_size, shown=bool(progress))
        _fill(target, strip, rows, columns, _answers(nested.for_use(model), batches, symmetries))

    return _filled(out, tuple(shape), dtype, fill)


def _check(network: keras.Model, image: Any, tile: tuple[int, ...]) -> None:
    takes, shape = network.input_shape, tuple(image.shape)
    if len(network.inputs) != 1 or len(network.outputs) != 1 or len(takes) != 4:
        rule = "take one batch of images (batch, height, width, channels) and give one of maps"
        raise ValueError(checks.message("model", rule, takes))
    if len(shape) not in (2, 3) or 0 in shape or takes[3] not in (None, *(shape[2:] or (1,))):
        rule = f"be one image (height, width, {takes[3]}) of the model's channels"
        raise ValueError(checks.message("image", rule, shape))
    if image.dtype != np.uint8 and not np.issubdtype(image.dtype, np.floating):
        rule, mend = "be uint8 or float, in 0..255", "Scale it to 0..255 and pass it as uint8."
        raise ValueError(checks.message("image", rule, image.dtype, mend))
    if len(tile) != 2 or any(fixed not in (None, size) for fixed, size in zip(takes[1:3], tile, strict=True)):
        raise ValueError(checks.message("tile", f"fit the images (height, width) of the model, {takes[1:3]}", tile))


def _batches(image: Any, rows: Side, columns: Side, batch_size: int, shown: bool) -> Iterator[tuple[list, np.ndarray]]:
    """Places of tiles, row by row, and the tiles; always as many, as another number would compile the model anew."""
    places = list(product(range(rows.count), range(columns.count)))
    chunks = [places[start : start + batch_size] for start in range(0, len(places), batch_size)]
    console = Console(file=sys.stderr)
    for chunk in track(chunks, "tiles", console=console, transient=True, disable=not (shown and console.is_terminal)):
        tiles = np.stack([window(image, rows.seen(row), columns.seen(column)) for row, column in chunk])
        yield chunk, tiles[np.arange(batch_size) % len(chunk)]


def _answers(network: keras.Model, batches: Iterator, symmetries: list) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """The place of each tile and the mean of what the network says of its mirror images, turned back."""
    for places, tiles in batches:
        total: Any = 0
        for turns, flipped in symmetries:
            seen = np.rot90(tiles[:, :, ::-1] if flipped else tiles, turns, axes=(1, 2))
            answers = np.asarray(network.predict_on_batch(np.ascontiguousarray(seen)), np.float32)
            answers = np.rot90(answers, -turns, axes=(1, 2))
            total = total + (answers[:, :, ::-1] if flipped else answers)
        yield from zip(places, total[: len(places)] / len(symmetries), strict=True)


def _fill(target: np.ndarray, strip: np.ndarray, rows: Side, columns: Side, answers: Iterator) -> None:
    """Adds up a row of tiles in `strip`, writes what no later row changes, and moves the rest to the top."""
    for (row, column), answer in answers:
        left, weights = column * columns.stride, np.outer(rows.weights(row), columns.weights(column))
        inner = answer[rows.cut : rows.cut + rows.core, columns.cut : columns.cut + columns.core]
        strip[:, left : left + columns.core] += inner * weights[..., None]
        if column == columns.count - 1:
            top = row * rows.stride
            done = rows.stride if row < rows.count - 1 else rows.size - top
            finished = strip[:done, : columns.size]
            target[top : top + done] = finished if target.ndim == 3 else _classes(finished)
            strip[: rows.ramp] = strip[rows.stride :]
            strip[rows.ramp :] = 0


def _classes(maps: np.ndarray) -> np.ndarray:
    return maps.argmax(axis=-1) if maps.shape[-1] > 1 else maps[..., 0] > 0.5


def _filled(out: Any, shape: tuple[int, ...], dtype: type, fill: Callable[[np.ndarray], None]) -> np.ndarray:
    """`out` after `fill(out)`: an array that is made if it is None, or a file that is whole or absent."""
    if not isinstance(out, str | Path):
        out = np.empty(shape, dtype) if out is None else out
        if out.shape != shape or out.dtype != dtype:
            rule = f"be an array {shape} of {np.dtype(dtype)}"
            raise ValueError(checks.message("out", rule, f"{out.shape} of {out.dtype}"))
        fill(out)
        return out

    def save(temporary: Path) -> None:
        target = np.lib.format.open_memmap(temporary, "w+", dtype, shape)
        fill(target)
        target.flush()

    if Path(out).suffix != ".npy":
        raise ValueError(checks.message("out", "be an array or the path of a .npy file", str(out)))
    save_atomically(out, save)
    return np.load(out, mmap_mode="r", allow_pickle=False)
