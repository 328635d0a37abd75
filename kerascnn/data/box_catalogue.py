"""Sets of the tensorflow-datasets catalogue whose targets are boxes."""

from __future__ import annotations

import io
from functools import partial

import numpy as np

from kerascnn import checks
from kerascnn.data.annotated import Objects, check_counts, targets_of
from kerascnn.data.boxes import count_objects
from kerascnn.data.catalogue import builder_of, only, splits_of
from kerascnn.data.dataset import Data, from_sources
from kerascnn.data.decoding import decode
from kerascnn.data.folder import common_shape
from kerascnn.data.images import FORMATS
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.sources import Pairs
from kerascnn.data.splits import carve, held_out, warn, warn_if_none_held_out

IMAGE, OBJECTS, BOX, LABEL = "image", "objects", "bbox", "label"
APART = ("is_crowd", "is_difficult")
"""The features of a set, as `coco` and `voc` call them."""


def from_box_catalogue(name: str, options: Options) -> Data:
    """The tfds set `name` with the objects in its feature "objects" and tfds' own splits.

    All objects are read once; images stay in memory if they fit, else they are read again whenever they are needed. A
    split that has no object at all, as the test images of a contest, is left out. Raises as `from_catalogue`, and
    ValueError for a set without objects and as `annotated.targets_of`.
    """
    builder = builder_of(name)
    channels, class_names = _features(name, builder.info.features)
    report = {"warnings": [], "skipped": []}
    files = {ours: _examples(builder, theirs) for ours, theirs in splits_of(name, builder.info.splits).items()}
    looks = _with_objects(name, {split: _looks(split, examples) for split, examples in files.items()}, report)
    sizes = np.array([size for _, split in looks.values() for size in split])
    shape = common_shape(np.insert(sizes, 2, channels, axis=1), options, report)
    objects = [each for split, _ in looks.values() for each in split]
    targets, kept = targets_of(objects, sizes.tolist(), shape[:2], range(len(class_names)), options, report)
    report["bytes"] = len(kept) * int(np.prod(shape)) + targets.nbytes
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    chosen, start = {}, 0
    for split, (found, _) in looks.items():
        here = (start <= kept) & (kept < start + len(found))
        chosen[split] = files[split], kept[here] - start, targets[here]
        start += len(found)
    read = _in_memory if report["in_memory"] else _streamed
    given = {"class_names": class_names, "name": name, "targets": options.targets, "report": report}
    return read(chosen, partial(decode, shape=shape, resize=options.resize), shape, options, **given)


def _features(name, features) -> tuple[int, tuple[str, ...]]:
    """The channels of the images and the names of the classes; raises ValueError for a set without objects."""
    if IMAGE not in features or OBJECTS not in features or not {BOX, LABEL} <= {*features[OBJECTS].feature}:
        rule = f"be a set of images with a feature {OBJECTS!r} of {BOX!r} and {LABEL!r}"
        raise ValueError(checks.message("data", rule, name, f"Its features are {sorted(features)}."))
    return features[IMAGE].shape[-1] or 3, tuple(features[OBJECTS].feature[LABEL].names)


def _examples(builder, split):
    """Examples of a split in the order on disk, the images as bytes."""
    import tensorflow_datasets as tfds

    examples = builder.as_dataset(split=split, decoders={IMAGE: tfds.decode.SkipDecoding()}, shuffle_files=False)
    return examples.map(lambda example: (example[IMAGE], example[OBJECTS]))


def _looks(split, examples) -> tuple[list[Objects], list[tuple[int, int]]]:
    """The objects of each image of a split, in its pixels, and its size."""
    from PIL import Image

    from kerascnn.boxes import convert

    objects, sizes = [], []
    for number, (file, found) in enumerate(examples.as_numpy_iterator()):
        with Image.open(io.BytesIO(file), formats=FORMATS) as opened:  # as it lies: tfds does not turn it upright
            size = opened.size[::-1]
        apart = next((found[key] for key in APART if key in found), np.zeros(len(found[LABEL]), bool))
        boxes = convert(found[BOX].reshape(-1, 4), "rel_yxyx", "xyxy", size)
        objects.append(Objects(f"{split}[{number}]", boxes, tuple(found[LABEL].tolist()), np.asarray(apart, bool)))
        sizes.append(size)
    return objects, sizes


def _with_objects(name, looks, report) -> dict:
    """The splits that have any; raises ValueError if training is none of them."""
    for split in [split for split, (objects, _) in looks.items() if not any(len(each.boxes) for each in objects)]:
        warn(f"The {split} split of {name} has no objects and is left out.", report)
        looks = {other: look for other, look in looks.items() if other != split}
    if "train" not in looks:
        raise ValueError(checks.message("data", "have objects in its training split", name))
    return looks


def _in_memory(chosen, decode_one, shape, options: Options, *, class_names, report, **fields) -> Data:
    import tensorflow as tf

    sources = {}
    for split, (examples, members, targets) in chosen.items():
        decoded = _only(examples, members).map(decode_one, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        images = np.empty((len(members), *shape), np.uint8)
        for i, image in enumerate(decoded.as_numpy_iterator()):
            images[i] = image
        sources[split] = Pairs(images, targets, count_objects(targets, len(class_names)))
    sources = carve(sources, options, report)
    check_counts({split: source.counts for split, source in sources.items()}, class_names, report)
    return from_sources(sources, class_names, report=report, **fields)


def _streamed(chosen, decode_one, shape, options: Options, *, class_names, report, **fields) -> Data:
    import tensorflow as tf

    chosen = dict(chosen)
    if "validation" not in chosen:
        warn_if_none_held_out(options, report)
        examples, members, targets = chosen["train"]
        parts = held_out(len(members), options.validation, options.seed)
        for split, part in zip(("train", "validation"), parts, strict=True):
            chosen[split] = examples, members[part], targets[part]
    counts = {split: count_objects(targets, len(class_names)) for split, (_, _, targets) in chosen.items()}
    check_counts(counts, class_names, report)

    def finish(file, target):
        return decode_one(file), target

    datasets = {}
    for split, (examples, members, targets) in chosen.items():
        pairs = tf.data.Dataset.zip(_only(examples, members), tf.data.Dataset.from_tensor_slices(targets))
        datasets[split] = pairs.map(finish, num_parallel_calls=tf.data.AUTOTUNE)
    sizes = {f"{split}_size": len(members) for split, (_, members, _) in chosen.items()}
    return Data(**datasets, **sizes, image_shape=shape, class_names=class_names, report=report, **fields)


def _only(examples, members: np.ndarray):
    """The image files of the examples that `members` number."""
    return only(examples.map(lambda file, _: file), members)
