"""The measured networks of kerascnn, compiled as the recipes compile them, beside those written by hand in plain Keras.

    python -m benchmarks.keras_networks resnet20 128

is the worker of `benchmarks/steps.py`.
"""

import sys
from functools import partial

import keras
import numpy as np

from benchmarks.hand_written import NETWORKS, SHAPES, batch
from benchmarks.rounds import milliseconds, serve
from kerascnn import inspect, losses, metrics, models, optimizers, schedules, training

OURS = {
    "resnet20": "resnet20",
    "resnet64": partial(models.resnet, depths=(2, 2, 2), filters=64, stem=models.small_stem),
    "unet": "unet(filters=16, depth=3)",
}
EPOCHS, STEPS = 10, 390  # of the schedule, which decides nothing about the cost of a step


def ours(name: str) -> keras.Model:
    """As `classify` and `segment` build and compile; the loss of maps is the cross-entropy alone, as the others'."""
    if name == "unet":
        network = models.build_map(OURS[name], SHAPES[name], 2)
        optimizer = optimizers.make("adamw", schedules.named("one-cycle", 1e-3, EPOCHS, STEPS))
        network.compile(optimizer, losses.maps("crossentropy"), metrics=[metrics.MeanIoU(2), metrics.PixelAccuracy()])
        return network
    network = models.build(OURS[name], SHAPES[name], 10)
    optimizer = optimizers.make("sgd", schedules.named("one-cycle", 0.01, EPOCHS, STEPS))
    loss = losses.SparseCategoricalCrossentropy(label_smoothing=0.1)
    network.compile(optimizer, loss, metrics=[metrics.SparseCategoricalAccuracy()])
    return network


def built(name: str, kind: str) -> keras.Model:
    """The compiled network of a kind such as "kerascnn, mixed_bfloat16" or "plain Keras, float32"."""
    side, _, policy = kind.partition(", ")
    keras.utils.set_random_seed(0)
    with training.dtype_policy(policy):
        return ours(name) if side == "kerascnn" else NETWORKS[name]()


def differences(name: str, path: str, size: int = 4) -> dict[str, float]:
    """How far probabilities of the two are apart under equal weights, which are saved for torch's answer."""
    first, second = built(name, "kerascnn, float32"), built(name, "plain Keras, float32")
    for layer in first.layers:
        if layer.weights:
            second.get_layer(layer.name).set_weights(layer.get_weights())
    images, _ = batch(name, size)
    answers = [keras.ops.convert_to_numpy(model(images, training=True)) for model in (first, second)]
    weights = {f"{layer.name}/{weight.name}": weight.numpy() for layer in first.layers for weight in layer.weights}
    np.savez(path, images=images, probabilities=answers[0], **weights)
    counts = [inspect.cost(model, SHAPES[name]) for model in (first, second)]
    return {
        "difference": float(np.abs(answers[0] - answers[1]).max()),
        "parameters": sum(int(np.prod(weight.shape)) for weight in first.trainable_weights),
        "gigaflops": counts[0].flops / 1e9,
        "same": counts[0] == counts[1],
    }


def main():
    name, size = sys.argv[1], int(sys.argv[2])
    examples, steps = batch(name, size), {}

    def prepare(kind):
        model = built(name, kind)
        steps[kind] = lambda: model.train_on_batch(*examples)

    serve({
        "prepare": prepare,
        "differences": lambda path: differences(name, path),
        "milliseconds": lambda kind, count: milliseconds(steps[kind], count),
    })  # fmt: skip


if __name__ == "__main__":
    main()
