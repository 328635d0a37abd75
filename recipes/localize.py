"""What is it, and where? The recipe for images of one object each: its class and its box."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import keras

from kerascnn import (
    augmentation,
    backbones,
    boxes,
    checks,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    reports,
    schedules,
    training,
)
from kerascnn import data as datasets
from kerascnn.training import Result
from recipes import _pretrained
from recipes._arguments import alone, begin, check_training, resizing, shared

ENCODER_RATE = 0.1  # of the learning rate, for a pretrained backbone


@shared
@alone
def localize(
    data: str | Path | datasets.Data | tuple,
    *,
    backbone: str | keras.Model | None = None,
    weights: str | Path | None = "imagenet",
    loss: str | keras.losses.Loss = "smooth_l1 + ciou",
    box_weight: float = 1.0,
    box_format: str = "xyxy",
    passes: int = 1,
    epochs: int = 30,
    batch_size: int | None = None,
    learning_rate: float = 2e-3,
    optimizer: Literal["adamw", "sgd"] = "adamw",
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle",
    weight_decay: float | None = None,
    clip_norm: float | None = None,
    ema: float | None = None,
    accumulate: int = 1,
    augment: str | Path | augmentation.Pipeline | Callable | None = "auto",
    image_size: int | tuple[int, int] | None = None,
    resize: Literal["stretch", "letterbox", "crop"] = "letterbox",
    validation: float = 0.1,
    skip_bad: bool = False,
    patience: int | None = None,
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
    """Trains a network that says of images with one object each what it is and where.

    One backbone, two outputs: "class" with probabilities, and "box" with the left, top, right and bottom edge in pixels
    of the images that it takes. Training minimises cross-entropy + `box_weight` * `loss`. The weights of the epoch with
    the best mean IoU of the boxes on the validation split are kept.

    Args:
        data: a folder in the form of Pascal VOC or COCO; "scenes" (made up, nothing to download); a tfds set with
            objects; arrays `(x, boxes)` with left, top, right, bottom and class of each; or a `Data` of
            `load(..., targets="box")`. Each image has one object: `detect` is for more.
        backbone: a pretrained network such as "efficientnet_lite0", in Python also a keras.Model, which trains at a
            tenth of the learning rate; None takes a small one of our own, for images of about 64 pixels.
        weights: of the backbone: "imagenet", a file, or None for random ones.
        loss: of the box: "mse", "smooth_l1", "giou", "ciou" or a sum of them, of sizes as shares of the image's; in
            Python also a Keras loss of boxes `(batch, 4)` in pixels.
        box_weight: of that loss beside the cross-entropy.
        box_format: of boxes in arrays: "xyxy", "xywh", "center_xywh" or "yxyx", or "rel_" with one of them.
        passes: how often an epoch shows each image, otherwise augmented; for few images.
        epochs: passes over the training images, `passes` times as long.
        batch_size: images a step; None takes what suits their size and number.
        learning_rate: the peak of the schedule.
        optimizer: "adamw" or "sgd".
        schedule: "one-cycle" climbs for a fifth of the steps and falls to zero; "cosine" after one epoch of warm-up.
        weight_decay: of kernels only; None takes 0.0005 for sgd and 0.01 for adamw.
        clip_norm: bound on the norm of all gradients together.
        ema: momentum of a moving average of the weights, such as 0.99, which is validated and kept in their place.
        accumulate: batches whose gradients make one update, like one larger batch; the schedule counts updates.
        augment: "auto" is mild and right for the data; the path of a .yaml file with a pipeline; in Python also an
            `augmentation.Pipeline`. Boxes move with their images.
        image_size: pixels, one number or (height, width); None keeps the data's own size.
        resize: how images of another shape get there: "letterbox" (margins are black), "stretch" or "crop".
        validation: share of the training images held out, where the data has no split for it.
        skip_bad: trains without files and objects that are wrong, and lists them in result.json.
        patience: epochs without a better mean IoU after which training stops; None trains them all.
        max_seconds: of training, over all starts, after which it ends with what it has. Choose `epochs` that fit: the
            learning rate does not know of it.
        rematerialize: computes activations twice instead of keeping them, for large images: less memory, more time.
        fit_memory: halves `batch_size`, before training begins, until a step fits the memory.
        precision: "auto" takes the fastest for the real network, measured if float32 would train for a minute or more.
        devices: of this machine that share each batch, a number or "all"; None for one. Learning rates stay.
        hosts: several machines, on the JAX backend: "node1:4000,node2:4000", or "auto" in a Slurm or Kubernetes job.
        host_index: which of `hosts` this machine is, from 0; the first one writes.
        seed: fixes split, order, augmentation, weights: the same seed gives the same network, bit for bit.
        save_to: folder for the model, its figures and pictures. The same call goes on after a kill, or shows the
            finished run.
        pictures: draws what there is to see, in `save_to`.
        tensorboard: also logs for TensorBoard, in `save_to`.
        callbacks: further Keras callbacks.
        verbose: "auto" a live table, 2 one line an epoch, 0 nothing.

    Examples:
        python -m recipes localize --data scenes --epochs 12
    """
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    data = datasets.load(
        data, targets="box", box_format=box_format, image_size=image_size, validation=validation, seed=seed,
        resize=resizing(data, resize, default="letterbox"), skip_bad=skip_bad,
    )  # fmt: skip
    folder.check_data(data)
    shown = datasets.repeated(data, passes)
    batch_size = batch_size or datasets.suited_batch_size(shown)
    augment = augmentation.named(augment, data, epochs * passes, job="localize")

    def build() -> keras.Model:
        training.set_seed(seed)
        network = layers.fuse(backbones.localizer_on(backbone, data.image_shape, data.classes, weights=weights))
        rate = schedules.named(schedule, learning_rate, epochs, datasets.steps_per_epoch(shown, batch_size), accumulate)
        slow = _pretrained.rates(network, backbone, weights, ENCODER_RATE)
        update = optimizers.make(
            optimizer, rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate,
            layer_rates=slow,
        )  # fmt: skip
        network.compile(
            update,
            {"class": losses.SparseCategoricalCrossentropy(), "box": losses.boxes(loss, data.image_shape[:2])},
            loss_weights={"class": 1.0, "box": box_weight},
            metrics={"class": metrics.SparseCategoricalAccuracy(name="accuracy"), "box": metrics.BoxIoU()},
        )
        return network

    batch_size = training.fitting_batch_size(
        build, shown, batch_size, wanted=fit_memory, folder=folder, precision=precision, rematerialize=rematerialize,
        augment=augment, target_of=_parts, verbose=verbose,
    )  # fmt: skip
    network, chosen = training.built(
        build, shown, batch_size, model=backbone, epochs=epochs, precision=precision, folder=folder,
        rematerialize=rematerialize, augment=augment, target_of=_parts,
    )  # fmt: skip
    fitted = training.run(
        network, shown, epochs=epochs, batch_size=batch_size, augment=augment, target_of=_parts, seed=seed,
        monitor="val_box_iou", callbacks=callbacks, patience=patience, folder=folder, verbose=verbose,
    )  # fmt: skip
    report = reports.localization(fitted.model, data)
    record = training.record(
        localize, arguments, data=data, model=models.describe(backbone or "small_localizer"), fitted=fitted,
        report=report, precision=chosen, batch_size=batch_size, augmentation=augment and repr(augment),
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _parts(targets):
    """What each output is compared with: the class and the box of `(batch, 5)`."""
    return {"class": targets[:, 4], "box": targets[:, :4]}


def _check(*, backbone, weights, loss, box_weight, box_format, **shared) -> None:
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    _pretrained.check_encoder(backbone, weights)
    losses.boxes(loss, (1, 1))
    checks.in_range("box_weight", box_weight, 0, float("inf"), ends="()")
    checks.one_of("box_format", box_format, boxes.FORMATS)
    check_training(network=backbone, job="localize", **shared)
