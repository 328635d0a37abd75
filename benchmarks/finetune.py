"""What training a new head costs with cached features of the frozen backbone, and with Keras' usual frozen `fit`.

Both begin with the same network, backbone frozen and head fresh, and train the head for as many epochs with the same
optimizer, rate and images, which are in memory for both, and validate after each epoch. The usual way sends every image
through the backbone in every epoch; ours once, as the first stage of `finetune` does. Counted is all that a user waits
for: compiling, features, training, validation. Accuracies are those of the whole network on the validation images after
the last epoch.

    python benchmarks/finetune.py --data hymenoptera/ --epochs 50
"""

import argparse
import time

import keras
import numpy as np

from kerascnn import backbones, blocks, optimizers, training
from kerascnn import data as datasets

LOSS = "sparse_categorical_crossentropy"


def arrays(data, split):
    """The images and labels of a split in memory, as the usual `fit` has them too."""
    examples = list(data.split(split).as_numpy_iterator())
    return np.stack([image for image, _ in examples]), np.array([label for _, label in examples], np.int32)


def network(data, options):
    """Frozen backbone and fresh head, the same from call to call."""
    keras.utils.set_random_seed(options.seed)
    base = backbones.backbone(options.backbone, data.image_shape, weights=options.weights)
    head = blocks.classifier(base.output, data.classes, dropout=0.2, name="probabilities")
    model = keras.Model(base.input, head)
    backbones.freeze(base)
    return model


def compiled(model, options):
    model.compile(optimizers.adamw(options.learning_rate), LOSS, metrics=["accuracy"])
    return model


def usual(model, data, options):
    (x, y), validation = (arrays(data, split) for split in ("train", "validation"))
    begun = time.perf_counter()
    compiled(model, options).fit(
        x, y, batch_size=options.batch_size, epochs=options.epochs, validation_data=validation,
        validation_batch_size=options.batch_size, verbose=0,
    )  # fmt: skip
    return time.perf_counter() - begun


def cached(model, data, options):
    begun = time.perf_counter()
    below, head = training.split_at(model, "probabilities_pool")
    found = training.features(below, data, seed=options.seed, verbose=0)
    settings = {"epochs": options.epochs, "batch_size": options.batch_size, "seed": options.seed}
    training.run(compiled(head, options), found, keep="last", verbose=0, **settings)
    return time.perf_counter() - begun


def accuracy(model, data, options):
    judged = compiled(model, options).evaluate(datasets.plain_batches(data, "validation", 32), verbose=0)
    return 100 * judged[1]


def in_memory(data):
    """The same data with their images in memory, so that neither way decodes files."""
    return datasets.load(tuple(arrays(data, split) for split in ("train", "validation")), class_names=data.class_names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="a folder with one sub-folder a class, or a name")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=0.001)
    parser.add_argument("--rounds", type=int, default=1, help="trainings of each kind, in turn")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; the next has the next")
    options = parser.parse_args()
    size = backbones.BACKBONES[options.backbone].size
    data = in_memory(datasets.load(options.data, image_size=size, resize="crop"))
    print(f"{data.train_size} training and {data.validation_size} validation images, {options.epochs} epochs")
    reached = {usual: [], cached: []}
    for turn in range(options.rounds):
        for way, figures in reached.items():
            model = network(data, options)
            seconds = way(model, data, options)
            figures.append((seconds, accuracy(model, data, options)))
            print(f"round {turn + 1}, {way.__name__}: {seconds:.1f} s, {figures[-1][1]:.2f} %", flush=True)
        options.seed += 1
    (slow, one), (fast, other) = (np.mean(figures, axis=0) for figures in reached.values())
    print(f"usual / cached = {slow / fast:.1f}, accuracy {one:.2f} % / {other:.2f} %")


if __name__ == "__main__":
    main()
