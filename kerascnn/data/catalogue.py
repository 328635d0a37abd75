"""Sets of the tensorflow-datasets catalogue: the only place that imports it."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import Data, from_sources
from kerascnn.data.decoding import decode, image_shape
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.preparing import FOLDER, prepare
from kerascnn.data.sources import Arrays
from kerascnn.data.splits import carve, check_classes, stratified, warn_if_none_held_out

NAME = re.compile(r"([\w-]+:)?[a-zA-Z]\w*(/[\w+.-]+)?(:[\d.*]+)?(/(\w+=[^,]+,?)+)?")  # community:name/config:version
SPLIT_NAMES = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
READ = 512  # examples read and decoded together: one at a time costs four times as much


def from_catalogue(name: str, options: Options) -> Data:
    """The tfds set `name`, with tfds' own splits; a validation split is taken out of train where tfds has none.

    Raises ValueError for an unknown name or a set that is not images with one class label each, OSError if it is not on
    this machine and cannot be got (ConnectionError: for want of a network).
    """
    builder = builder_of(name)
    keys = _keys(name, builder.info)
    splits = splits_of(name, builder.info.splits)
    encoded = {ours: _encoded(builder, theirs, *keys) for ours, theirs in splits.items()}
    given = builder.info.features[keys[0]].shape
    shape = image_shape(given, encoded["train"], options)
    count = sum(builder.info.splits[theirs].num_examples for theirs in splits.values())
    report = {"warnings": [], "resize": options.resize if shape[:2] != given[:2] else None}
    report["bytes"] = int(count * np.prod(shape))
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    fields = {"class_names": tuple(builder.info.features[keys[1]].names), "name": name, "report": report}
    read = _in_memory if report["in_memory"] else _streamed
    return read(encoded, partial(decode, shape=shape, resize=options.resize), options, **fields)


def builder_of(name: str):
    """The tfds builder of a set that is on this machine afterwards."""
    import tensorflow_datasets as tfds

    if not NAME.fullmatch(name):
        raise _unknown(name)
    try:
        builder = tfds.builder(name, data_dir=os.environ.get(FOLDER))  # tfds reads it only when imported
    except tfds.core.registered.DatasetNotFoundError:
        raise _unknown(name) from None
    except (ValueError, AssertionError) as error:
        rule = "name a configuration and a version that the set has"
        raise ValueError(checks.message("data", rule, name, " ".join(str(error).split()))) from error
    prepare(name, builder)
    return builder


def _unknown(name):
    import tensorflow_datasets as tfds

    near = checks.nearest(name, [*tfds.list_builders(with_community_datasets=False), "digits"])
    rule = "be an existing folder, 'digits', 'scenes', a tensorflow-datasets name, arrays or a Data"
    mend = f"{near} The working folder is {str(Path.cwd())!r}.".strip()
    return ValueError(checks.message("data", rule, name, mend))


def _keys(name, info):
    import tensorflow_datasets as tfds

    keys = info.supervised_keys or ()
    kinds = [type(info.features[key]) for key in keys if isinstance(key, str)]
    if len(kinds) != 2 or not issubclass(kinds[0], tfds.features.Image) or kinds[1] is not tfds.features.ClassLabel:
        rule = "be a set of images with one class label each"
        raise ValueError(checks.message("data", rule, name, f"Its supervised keys are {keys}."))
    return keys


def splits_of(name: str, present) -> dict[str, str]:
    """The names in tfds of our splits, as far as they are `present`; raises ValueError without one to train on."""
    found = {ours: [split for split in theirs if split in present] for ours, theirs in SPLIT_NAMES.items()}
    if not found["train"]:
        raise ValueError(checks.message("data", "have a split named 'train'", name, f"It has {sorted(present)}."))
    return {ours: splits[0] for ours, splits in found.items() if splits}


def _encoded(builder, split, image_key, label_key):
    """Batches `(image files as bytes, int32 labels)` in the order on disk, which tfds made random when writing."""
    import tensorflow as tf

    examples = records(builder, split, {image_key: tf.string, label_key: tf.int64})
    return examples.map(lambda batch: (batch[image_key], tf.cast(batch[label_key], tf.int32)))


def records(builder, split: str, kinds):
    """Batches of dicts with the features of `kinds`, name and type; those of type string are files as bytes."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    if builder.info.file_format == tfds.core.FileFormat.TFRECORD:
        features = {key: tf.io.FixedLenFeature([], dtype) for key, dtype in kinds.items()}
        examples = tf.data.TFRecordDataset(builder.info.splits[split].filepaths)
        return examples.batch(READ).map(lambda batch: tf.io.parse_example(batch, features))
    skip = {key: tfds.decode.SkipDecoding() for key, dtype in kinds.items() if dtype == tf.string}
    return builder.as_dataset(split=split, decoders=skip, batch_size=READ)


def _labelled(labels) -> bool:
    return labels.min() >= 0  # tfds marks a test split without labels by -1


def _in_memory(encoded, decode_one, options: Options, *, class_names, report, **fields):
    sources = {}
    for split, dataset in encoded.items():
        images, labels = _gathered(dataset, decode_one)
        if _labelled(labels):
            sources[split] = Arrays(images, labels)
    sources = carve(sources, options, report)
    check_classes(sources["train"].labels, class_names, report)
    return from_sources(sources, class_names, report=report, **fields)


def _gathered(encoded, decode_one):
    """All images and labels, read into one array that is made beforehand."""
    import tensorflow as tf

    def decode_batch(files, labels):
        return tf.map_fn(decode_one, files, fn_output_signature=tf.uint8), labels

    labels = _labels(encoded)
    decoded = encoded.map(decode_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    images = np.empty((len(labels), *decoded.element_spec[0].shape[1:]), np.uint8)
    for i, (batch, _) in enumerate(decoded.as_numpy_iterator()):
        images[i * READ : i * READ + len(batch)] = batch
    return images, labels


def _labels(encoded) -> np.ndarray:
    return np.concatenate([labels for _, labels in encoded.as_numpy_iterator()])


def _streamed(encoded, decode_one, options: Options, *, class_names, report, **fields):
    import tensorflow as tf

    labels = {split: _labels(dataset) for split, dataset in encoded.items()}
    examples = {split: dataset.unbatch() for split, dataset in encoded.items() if _labelled(labels[split])}
    labels = {split: labels[split] for split in examples}
    if "validation" not in examples:
        warn_if_none_held_out(options, report)
        kept, held = stratified(labels["train"], options.validation, options.seed)
        whole = examples["train"]
        examples |= {"train": only(whole, kept), "validation": only(whole, held)}
        labels |= {"train": labels["train"][kept], "validation": labels["train"][held]}
    check_classes(labels["train"], class_names, report)
    report["class_counts"] = np.bincount(labels["train"], minlength=len(class_names)).tolist()
    sizes = {f"{split}_size": len(values) for split, values in labels.items()}

    def finish(file, label):
        return decode_one(file), label

    datasets = {split: dataset.map(finish, num_parallel_calls=tf.data.AUTOTUNE) for split, dataset in examples.items()}
    shape = tuple(datasets["train"].element_spec[0].shape)
    return Data(**datasets, **sizes, image_shape=shape, class_names=class_names, report=report, **fields)


def only(examples, indices):
    """The examples of a dataset that `indices` names, in its order."""
    import tensorflow as tf

    wanted = np.zeros(indices.max() + 1, bool)
    wanted[indices] = True
    numbered = examples.take(len(wanted)).enumerate().filter(lambda i, _: tf.gather(wanted, i))
    return numbered.map(lambda _, example: example)
