"""Which class is this image of? The recipe for classification."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import keras

from kerascnn import augmentation, class_weights, losses, models, optimizers, reports, schedules, training
from kerascnn import data as datasets
from kerascnn.metrics import SparseCategoricalAccuracy
from kerascnn.training import Result
from recipes._arguments import alone, begin, check_model, check_training, shared

SAMPLE = 2048  # images that a whitening first layer is made from


@shared
@alone
def classify(
    data: str | Path | datasets.Data | tuple = "digits",
    *,
    model: str | Callable | keras.Model = "resnet20",
    epochs: int = 30,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: Literal["auto", "sgd", "adamw"] = "auto",
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle",
    weight_decay: float | None = None,
    label_smoothing: float = 0.1,
    clip_norm: float | None = None,
    ema: float | None = None,
    accumulate: int = 1,
    class_weight: Literal["balanced"] | Mapping[int, float] | None = None,
    augment: str | Path | augmentation.Pipeline | Callable | None = "auto",
    image_size: int | tuple[int, int] | None = None,
    resize: Literal["stretch", "letterbox", "crop"] = "stretch",
    skip_bad: bool = False,
    patience: int | None = None,
    views: Literal[1, 2, 6] = 1,
    max_seconds: float | None = None,
    rematerialize: bool = False,
    fit_memory: bool = False,
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto",
    devices: int | Literal["all"] | None = None,
    hosts: str | None = None,
    host_index: int | None = None,
    seed: int = 0,
    save_to: str | Path | None = None,
    pictures: bool = True,
    tensorboard: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | Literal["auto"] = "auto",
) -> Result:
    """Trains a network that says which class an image is of.

    The weights of the epoch that is best on the validation split are kept. The test split, where there is one, is
    looked at once, when all is done.

    Test accuracy and seconds of training, measured with seed 0 on 2 cores without a GPU (all but the second
    Fashion-MNIST network, whose time is 18 undisturbed epochs of 76 s, lie in the zoo):
    99.16 %, 32 s: the defaults, digits;
    93.27 %, 84 s: --data fashion_mnist --model fastnet --epochs 5 --learning-rate 0.4;
    94.24 %, 23 min: --data fashion_mnist --model "fastnet(filters=(64,256,256))" --epochs 18 --learning-rate 0.3;
    89.51 %, 59 s: --data fashion_mnist --model lenet5 --epochs 15 --learning-rate 0.002;
    88.97 %, 68 s: --data fashion_mnist --model mnist_cnn --epochs 15 --learning-rate 0.002;
    89.32 %, 492 s: --data cifar10 --model "fastnet(filters=(64,128,256))" --epochs 10 --learning-rate 0.2
    --label-smoothing 0.2 --views 6, with images from a JPEG copy of CIFAR-10;
    90.59 %, 43 min: the same with "fastnet(filters=(64,256,256))" and --epochs 24.

    Args:
        data: "digits", the name of a tfds set, a folder with one sub-folder a class, arrays `((x, y), (x_val, y_val))`
            or a `Data`.
        model: a name ("fastnet", "lenet5", "resnet20", "vgg16", ...; an unknown one is answered with the list), with
            arguments if you like: "resnet20(kernel_size=5)"; in Python also a builder `f(image_shape, classes)` or a
            keras.Model.
        epochs: passes over the training images.
        batch_size: images a step; None takes 128, and fewer for less than 2,560 training images.
        learning_rate: the peak of the schedule; None takes 0.2 for sgd and 0.001 for adamw.
        optimizer: "auto" is sgd for networks that normalise their batches and adamw for others.
        schedule: "one-cycle" climbs for a fifth of the steps and falls to zero; "cosine" after one epoch of warm-up.
        weight_decay: of kernels only; None takes 0.0005 for sgd and 0.01 for adamw.
        label_smoothing: share of each target that is spread over all classes, in [0, 1).
        clip_norm: bound on the norm of all gradients together.
        ema: momentum of a moving average of the weights, such as 0.999, which is validated and kept in their place.
        accumulate: batches whose gradients make one update, like one larger batch; the schedule counts updates.
        class_weight: "balanced" makes rare classes count as much as common ones; in Python also a mapping of class
            indices to weights above 0, 1 for the rest.
        augment: "auto" is mild and right for the data (digits are not mirrored), "none" is none; "randaugment",
            "trivialaugment", "augmix", "photos", "writing", "microscopy" or the path of a .yaml file with a pipeline;
            in Python also an `augmentation.Pipeline`, which may mix images and labels.
        image_size: pixels, one number or (height, width); None keeps the data's own size.
        resize: how images of another shape get there: "stretch", "letterbox" (black margins) or "crop" (the middle).
        skip_bad: trains without files that are no images, and lists them in result.json.
        patience: epochs without a better validation accuracy after which training stops; None trains them all.
        views: looks at an image that the trained model's answer is the mean of: 2 adds the mirror image, 6 shifts by a
            pixel too. For objects that mean the same in the mirror; costs so many times the seconds of an answer.
        max_seconds: of training, over all starts, after which it ends with what it has. Choose `epochs` that fit: the
            learning rate does not know of it.
        rematerialize: computes activations twice instead of keeping them, for large images: less memory, more time.
        fit_memory: halves `batch_size`, before training begins, until a step fits the memory.
        precision: "auto" takes the fastest for the real network, measured if float32 would train for a minute or more.
        devices: of this machine that share each batch, a number or "all"; None for one. Learning rates stay.
        hosts: several machines, on the JAX backend: "node1:4000,node2:4000", or "auto" in a Slurm or Kubernetes job.
        host_index: which of `hosts` this machine is, from 0; the first one writes.
        seed: fixes split, order, augmentation, weights, dropout: the same seed gives the same network, bit for bit.
        save_to: folder for the model, its figures and pictures. The same call goes on after a kill, or shows the
            finished run.
        pictures: draws what there is to see, in `save_to`.
        tensorboard: also logs for TensorBoard, in `save_to`.
        callbacks: further Keras callbacks.
        verbose: "auto" a live table, 2 one line an epoch, 0 nothing.

    Examples:
        python -m recipes classify --data photos/ --image-size 64 --model resnet18
    """
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    data = datasets.load(data, image_size=image_size, resize=resize, seed=seed, skip_bad=skip_bad)
    folder.check_data(data)
    batch_size = batch_size or datasets.suited_batch_size(data)
    augment = augmentation.named(augment, data, epochs)
    weights = class_weights.named(class_weight, data)
    sample = partial(datasets.sample, data, SAMPLE, seed=seed)

    def build() -> keras.Model:
        training.set_seed(seed)
        network = models.build(model, data.image_shape, data.classes)
        if not isinstance(model, keras.Model):
            network = models.whitened(network, sample)
        kind, peak = optimizers.suited(optimizer, learning_rate, network)
        rate = schedules.named(schedule, peak, epochs, datasets.steps_per_epoch(data, batch_size), accumulate)
        network.compile(
            optimizers.make(kind, rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate),
            losses.SparseCategoricalCrossentropy(label_smoothing=label_smoothing),
            metrics=[SparseCategoricalAccuracy()],
        )
        return network

    batch_size = training.fitting_batch_size(
        build, data, batch_size, wanted=fit_memory, folder=folder, precision=precision, rematerialize=rematerialize,
        augment=augment, verbose=verbose,
    )  # fmt: skip
    network, chosen = training.built(
        build, data, batch_size, model=model, epochs=epochs, precision=precision, folder=folder,
        rematerialize=rematerialize,
    )  # fmt: skip
    fitted = training.run(
        network, data, epochs=epochs, batch_size=batch_size, augment=augment, class_weight=weights, seed=seed,
        callbacks=callbacks, patience=patience, folder=folder, verbose=verbose,
    )  # fmt: skip
    fitted = replace(fitted, model=models.averaged(fitted.model, views))
    report = reports.classification(fitted.model, data)
    record = training.record(
        classify, arguments, data=data, model=models.describe(model), fitted=fitted, report=report, precision=chosen,
        batch_size=batch_size, augmentation=augment and repr(augment),
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _check(*, model, optimizer, learning_rate, **shared) -> None:
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    check_model(model)
    kind, peak = optimizers.suited(optimizer, learning_rate, keras.Sequential())
    check_training(optimizer=kind, learning_rate=peak, network=model, **shared)
