"""Sets of the tensorflow-datasets catalogue: the only place that imports it."""

from __future__ import annotations

from functools import partial

import numpy as np

from kerascnn import checks
from kerascnn.data.arrays import carve, check_classes
from kerascnn.data.dataset import Data, from_sources
from kerascnn.data.images import common_size, fit, recolor
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.sources import Arrays
from kerascnn.data.splits import stratified

SPLIT_NAMES = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
SAMPLE = 1000  # images looked at to choose a size for a set of mixed sizes


def from_catalogue(name: str, options: Options) -> Data:
    """The tfds set `name`, with tfds' own splits; a validation split is taken out of train where tfds has none.

    Raises ValueError for an unknown name or a set that is not images with one class label each, ConnectionError if it
    is not on this machine and cannot be downloaded.
    """
    builder = _builder(name)
    image_key, label_key = _keys(name, builder.info)
    class_names = tuple(builder.info.features[label_key].names)
    splits = {
        ours: next(split for split in theirs if split in builder.info.splits)
        for ours, theirs in SPLIT_NAMES.items()
        if set(theirs) & set(builder.info.splits)
    }
    encoded = {ours: _encoded(builder, theirs, image_key, label_key) for ours, theirs in splits.items()}
    shape = _image_shape(builder.info.features[image_key].shape, encoded["train"], options)
    report = {"warnings": [], "resize": options.resize if shape[:2] != builder.info.features[image_key].shape[:2] else None}
    count = sum(builder.info.splits[theirs].num_examples for theirs in splits.values())
    report["bytes"] = int(count * np.prod(shape))
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    decode = partial(_decode, shape=shape, resize=options.resize)
    if not report["in_memory"]:
        return _streamed(encoded, decode, class_names, options, name=name, report=report)
    sources = {ours: _in_memory(dataset, decode, shape) for ours, dataset in encoded.items()}
    sources = carve({ours: source for ours, source in sources.items() if _labelled(source.labels)}, options)
    check_classes(sources["train"].labels, class_names, report)
    return from_sources(sources, class_names, name=name, report=report)


def _builder(name):
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name)
    except tfds.core.registered.DatasetNotFoundError:
        near = checks.nearest(name, [*tfds.list_builders(with_community_datasets=False), "digits"])
        rule = "be an existing folder, 'digits', a tensorflow-datasets name, arrays or a Data"
        raise ValueError(checks.message("data", rule, name, near)) from None
    try:
        builder.download_and_prepare()
    except Exception as error:
        raise ConnectionError(
            f"`data` {name!r} is not in {builder.data_dir} and could not be downloaded: {error}. Connect to the network, "
            "or set the environment variable TFDS_DATA_DIR to a folder that holds it."
        ) from error
    return builder


def _keys(name, info):
    import tensorflow_datasets as tfds

    keys = info.supervised_keys or ()
    kinds = [type(info.features[key]) for key in keys if isinstance(key, str)]
    if len(kinds) != 2 or not issubclass(kinds[0], tfds.features.Image) or kinds[1] is not tfds.features.ClassLabel:
        raise ValueError(checks.message("data", "be a set of images with one class label each", name, f"It has {keys}."))
    return keys


def _encoded(builder, split, image_key, label_key):
    """`(bytes of the image file, int32 label)` in the order of the files, which tfds has shuffled when writing them."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    config = tfds.ReadConfig(try_autocache=False, add_tfds_id=False)
    raw = builder.as_dataset(split=split, decoders={image_key: tfds.decode.SkipDecoding()}, read_config=config)
    return raw.map(lambda example: (example[image_key], tf.cast(example[label_key], tf.int32)))


def _image_shape(shape, encoded, options: Options):
    channels = options.color_channels or shape[-1] or 3
    if options.image_size:
        return (*options.image_size, channels)
    if None not in shape[:2]:
        return (*shape[:2], channels)
    import tensorflow as tf

    sizes = encoded.take(SAMPLE).map(lambda file, _: tf.shape(tf.io.decode_image(file, expand_animations=False))[:2])
    return (*common_size(list(sizes.as_numpy_iterator())), channels)


def _decode(file, label, *, shape, resize):
    import tensorflow as tf

    image = tf.io.decode_image(file, expand_animations=False)
    if shape[-1] != 1:
        image = tf.io.decode_image(file, channels=shape[-1], expand_animations=False)
    fitted = tf.cond(
        tf.reduce_all(tf.equal(tf.shape(image), shape)),
        lambda: image,
        lambda: tf.numpy_function(lambda x: recolor(fit(x, shape[:2], resize), shape[-1]), [image], tf.uint8),
    )
    return tf.ensure_shape(fitted, shape), label


def _in_memory(encoded, decode, shape):
    import tensorflow as tf

    batches = list(encoded.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(1024).as_numpy_iterator())
    return Arrays(np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches]))


def _labelled(labels) -> bool:
    return labels.min() >= 0  # tfds marks a test split without labels by -1


def _streamed(encoded, decode, class_names, options, **fields):
    import tensorflow as tf

    labels = {
        ours: np.concatenate(list(dataset.map(lambda _, label: label).batch(8192).as_numpy_iterator()))
        for ours, dataset in encoded.items()
    }
    encoded = {ours: dataset for ours, dataset in encoded.items() if _labelled(labels[ours])}
    labels = {ours: labels[ours] for ours in encoded}
    if "validation" not in encoded:
        kept, held = stratified(labels["train"], options.validation, options.seed)
        whole, encoded["train"] = encoded["train"], _only(encoded["train"], kept)
        encoded["validation"] = _only(whole, held)
        labels["train"], labels["validation"] = labels["train"][kept], labels["train"][held]
    check_classes(labels["train"], class_names, fields["report"])
    fields["report"]["class_counts"] = np.bincount(labels["train"], minlength=len(class_names)).tolist()
    datasets = {ours: dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE) for ours, dataset in encoded.items()}
    sizes = {f"{ours}_size": len(values) for ours, values in labels.items()}
    shape = tuple(datasets["train"].element_spec[0].shape)
    return Data(**datasets, **sizes, image_shape=shape, class_names=class_names, **fields)


def _only(encoded, indices):
    import tensorflow as tf

    wanted = np.zeros(indices.max() + 1, bool)
    wanted[indices] = True
    numbered = encoded.take(len(wanted)).enumerate().filter(lambda i, _: tf.gather(wanted, i))
    return numbered.map(lambda _, example: example)
