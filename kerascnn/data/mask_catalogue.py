"""Sets of the tensorflow-datasets catalogue whose targets are masks."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from kerascnn import checks
from kerascnn.data.catalogue import READ, builder_of, only, records, splits_of
from kerascnn.data.coding import check_pixels_of, coding, names_of, pixels_of, present_in
from kerascnn.data.dataset import Data, from_sources
from kerascnn.data.decoding import decode
from kerascnn.data.folder import common_shape
from kerascnn.data.images import FORMATS
from kerascnn.data.masks import Look, fit_mask, look, read_mask
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.sources import Pairs
from kerascnn.data.splits import carve, held_out, warn_if_none_held_out

IMAGE, MASK = "image", "segmentation_mask"
"""The features of a set, as `oxford_iiit_pet` calls them."""


def from_mask_catalogue(name: str, options: Options) -> Data:
    """The tfds set `name` with the masks in its feature "segmentation_mask", one class a pixel, and tfds' own splits.

    All masks are looked at once; images and masks stay in memory if they fit, else they are read again whenever they
    are needed. Raises as `from_catalogue`, and ValueError for a set without such masks, for values that are no class,
    and for masks of other sizes than their images.
    """
    builder = builder_of(name)
    channels = _channels(name, builder.info.features)
    files = {ours: _files(builder, theirs) for ours, theirs in splits_of(name, builder.info.splits).items()}
    looks = {split: _looks(split, dataset) for split, dataset in files.items()}
    everything = [each for part in looks.values() for each in part]
    report = {"warnings": []}
    shape = common_shape(np.array([(*each.size, channels) for each in everything]), options, report)
    report["bytes"] = len(everything) * shape[0] * shape[1] * (shape[2] + 1)
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    present = present_in({f"{split}[{i}]": each for split, part in looks.items() for i, each in enumerate(part)})
    coded = coding(present, options, report, counted_from_1=True)
    names, table = names_of(coded, options), coded.table()
    pixels = {split: pixels_of(part, table, len(names)) for split, part in looks.items()}
    pair = partial(_pair, shape=shape, resize=options.resize, table=table)
    read = _in_memory if report["in_memory"] else _streamed
    return read(files, pair, pixels, options, class_names=names, report=report, name=name, targets="masks")


def _channels(name, features) -> int:
    """Of the images; raises ValueError for a set without images and masks."""
    import tensorflow_datasets as tfds

    images = {key for key, feature in features.items() if isinstance(feature, tfds.features.Image)}
    if not {IMAGE, MASK} <= images:
        rule = f"be a set of images with a feature {MASK!r}"
        raise ValueError(checks.message("data", rule, name, f"Its features are {sorted(features)}."))
    return features[IMAGE].shape[-1] or 3


def _files(builder, split):
    """Batches `(image files, mask files)` as bytes, in the order on disk."""
    import tensorflow as tf

    examples = records(builder, split, {IMAGE: tf.string, MASK: tf.string})
    return examples.map(lambda batch: (batch[IMAGE], batch[MASK]))


def _looks(split, files) -> list[Look]:
    """What the masks of a split hold; raises ValueError for one of another size than its image."""

    def one(image, mask):
        from PIL import Image

        found = look(read_mask(io.BytesIO(mask)))
        with Image.open(io.BytesIO(image), formats=FORMATS) as opened:  # as it lies: tfds does not turn it upright
            size = opened.size[::-1]
        if size != found.size:
            raise ValueError(
                checks.message(f"masks of {split}", "have the size of their images", f"{found.size}, {size}")
            )
        return found

    looks = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for images, masks in files.as_numpy_iterator():
            looks += pool.map(one, images, masks)
    return looks


def _pair(image, mask, *, shape, resize, table):
    """The uint8 image of `shape` and its mask in classes, from the bytes of their files, in a graph."""
    import tensorflow as tf

    def read(file):
        return fit_mask(table[read_mask(io.BytesIO(file))], shape[:2], resize)

    classes = tf.ensure_shape(tf.numpy_function(read, [mask], tf.uint8), shape[:2])
    return decode(image, shape=shape, resize=resize), classes


def _in_memory(files, pair, pixels: Mapping[str, np.ndarray], options: Options, *, report, **fields) -> Data:
    import tensorflow as tf

    sources = {}
    for split, dataset in files.items():
        decoded = dataset.unbatch().map(pair, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        arrays = [np.empty((len(pixels[split]), *spec.shape), np.uint8) for spec in decoded.element_spec]
        for i, parts in enumerate(decoded.batch(READ).as_numpy_iterator()):
            for array, part in zip(arrays, parts, strict=True):
                array[i * READ : i * READ + len(part)] = part
        sources[split] = Pairs(*arrays, pixels[split])
    sources = carve(sources, options, report)
    counts = {split: source.counts for split, source in sources.items()}
    check_pixels_of(counts, fields["class_names"], report, multi_label=False)
    return from_sources(sources, report=report, **fields)


def _streamed(files, pair, pixels: Mapping[str, np.ndarray], options: Options, *, report, **fields) -> Data:
    import tensorflow as tf

    examples, pixels = {split: dataset.unbatch() for split, dataset in files.items()}, dict(pixels)
    if "validation" not in examples:
        warn_if_none_held_out(options, report)
        kept, held = held_out(len(pixels["train"]), options.validation, options.seed)
        whole, counts = examples["train"], pixels["train"]
        examples |= {"train": only(whole, kept), "validation": only(whole, held)}
        pixels |= {"train": counts[kept], "validation": counts[held]}
    check_pixels_of(pixels, fields["class_names"], report, multi_label=False)
    report["class_pixels"] = pixels["train"].sum(axis=0).tolist()
    sizes = {f"{split}_size": len(counts) for split, counts in pixels.items()}
    datasets = {split: each.map(pair, num_parallel_calls=tf.data.AUTOTUNE) for split, each in examples.items()}
    return Data(**datasets, **sizes, report=report, **fields)
