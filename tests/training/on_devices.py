"""Small runs of recipes on one device and on two, in a process that has two; test_devices.py reads what they print."""

import json
import os
import sys

import keras
import numpy as np

from kerascnn import augmentation, layers
from kerascnn.training import sharded
from recipes.autoencode import autoencode
from recipes.classify import classify
from recipes.denoise import denoise
from recipes.detect import detect
from recipes.embed import embed
from recipes.finetune import finetune
from recipes.localize import localize
from recipes.segment import segment
from tests.networks import backbone

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


def finetuned(devices=None, **options):
    """A network of before in two stages, the first on features; without dropout, whose masks are others."""
    options = {**QUIET, "head_epochs": 1, "unfreeze": 1, "views": 1, "dropout": 0.0, "batch_size": 8, **options}
    return finetune((images(32, 0), images(9, 1)), backbone=backbone(8), devices=devices, **options)


def found_objects(recipe, devices, **options):
    rng = np.random.default_rng(0)
    x, boxes = rng.integers(0, 80, (25, 32, 32, 1), "uint8"), np.zeros((25, 1, 5), "float32")
    for number, (left, top) in enumerate(rng.integers(1, 16, (25, 2))):
        x[number, top : top + 14, left : left + 14] += 120
        boxes[number, 0] = left, top, left + 14, top + 14, number % 2
    data = (x[:16], boxes[:16]), (x[16:], boxes[16:])
    return recipe(data, backbone=backbone(), devices=devices, **{**QUIET, "batch_size": 8, **options})


def localized(devices=None, **options):
    """With two outputs and a loss for each."""
    return found_objects(localize, devices, **options)


def detected(devices=None, **options):
    """With a loss that is divided by the objects of the batch."""
    return found_objects(detect, devices, strides=(4,), **options)


def denoised(devices=None, **options):
    """With noise that is drawn anew for each epoch."""
    return denoise((images(32, 0), images(9, 1)), model="dncnn(depth=3, filters=8)", devices=devices,
                   **{**QUIET, "batch_size": 8, **options})  # fmt: skip


def autoencoded(devices=None, **options):
    """With images as their own targets."""
    options = {**QUIET, "code_size": 4, "batch_size": 8, **options}
    return autoencode((images(32, 0), images(9, 1)), model="dense_autoencoder(units=(16,))", devices=devices, **options)


def shared_out(devices=None, **options):
    """With a kernel that counts as large: JAX cuts it and its momentum into a part for each device."""
    parts = {}

    class Parts(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            for variable in [*self.model.trainable_variables, *self.model.optimizer.variables]:
                if len(variable.shape) == 2:
                    parts[variable.path] = variable.shape, variable.value.addressable_shards[0].data.shape

    before, sharded.LARGE = sharded.LARGE, 16
    try:
        result = classified(devices, callbacks=[Parts()] if devices else [], **options)
    finally:
        sharded.LARGE = before
    assert len(parts) == (3 if devices else 0)  # the kernel, its momentum and its average
    assert all((shape, part) == ((4, 4), (2, 4)) for shape, part in parts.values()), parts
    return result


RUNS = {
    "classify": classified,
    "finetune": finetuned,
    "segment": segmented,
    "detect": detected,
    "localize": localized,
    "embed": embedded,
    "denoise": denoised,
    "autoencode": autoencoded,
}
if keras.config.backend() == "jax":
    RUNS["large weights"] = shared_out


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
