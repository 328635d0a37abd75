"""Small runs of recipes on one device and on two, in a process that has two; test_devices.py reads what they print."""

import json
import os
import sys

import keras
import numpy as np

from kerascnn import augmentation, layers
from recipes.classify import classify
from recipes.embed import embed
from recipes.segment import segment

# A bias before a normalisation has no gradient but that of rounding, which Adam makes as large as any other.
QUIET = {"verbose": 0, "epochs": 2, "augment": None, "precision": "float32"}


def network(image_shape, classes):
    image = keras.Input(image_shape)
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(classes, "softmax", name="probabilities")(x))


def map_network(image_shape, classes):
    image = keras.Input(image_shape)
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    return keras.Model(image, keras.layers.Conv2D(classes, 1, activation="softmax", name="map")(x))


def images(count, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    return (rng.integers(0, 120, (count, 8, 8, 1)) + 40 * labels[:, None, None, None]).astype("uint8"), labels


def classified(devices=None, **options):
    """With all that looks at more than one example: batch statistics, weights, a bound on the gradients."""
    mixing = augmentation.Pipeline(augmentation.RandomFlip(), augmentation.MixUp(0.4))
    options = {**QUIET, "augment": mixing, "batch_size": 16, "class_weight": {0: 2.0}, "clip_norm": 0.3, **options}
    data = images(80, 0), images(19, 1)  # 19: not to be shared evenly
    return classify(data, model=network, learning_rate=0.1, optimizer="sgd", devices=devices, ema=0.9, **options)


def embedded(devices=None, **options):
    """With a loss of pairs."""
    options = {**QUIET, "classes_per_batch": 4, "images_per_class": 4, "dimensions": 8, **options}
    return embed((images(80, 0), images(24, 1)), model=network, devices=devices, **options)


def segmented(devices=None, **options):
    """With a loss of sums over the batch."""
    (x, _), (y, _) = images(32, 0), images(10, 1)
    masks = [(each[..., 0] > 100).astype("uint8") for each in (x, y)]
    data = (x, masks[0]), (y, masks[1])
    options = {**QUIET, "batch_size": 8, "loss": "crossentropy + dice", **options}
    return segment(data, model=map_network, devices=devices, **options)


RUNS = {"classify": classified, "embed": embedded, "segment": segmented}


def main(names):
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    for name in names:
        results = [RUNS[name](devices) for devices in (None, 2)]
        weights = [[each.tolist() for each in result.model.get_weights()] for result in results]
        figures = [[dict(result.history), dict(result.metrics)] for result in results]
        print("FOUND", json.dumps([name, {"figures": figures, "weights": weights}]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
