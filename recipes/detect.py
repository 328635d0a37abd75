"""What is where? The recipe for detection: all objects of an image, with their boxes and classes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import keras
import numpy as np

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
    plots,
    reports,
    schedules,
    training,
)
from kerascnn import data as datasets
from kerascnn.models.detector import HEADS, checked_strides
from kerascnn.training import Result
from recipes import _pretrained
from recipes._arguments import alone, begin, check_training, resizing, shared

ENCODER_RATE = 0.25  # of the learning rate, for a pretrained encoder
GRID = 7  # cells a side of the 2016 paper
MONITORED = 64  # candidates an image for the figure that chooses the epoch


@shared
@alone
def detect(
    data: str | Path | datasets.Data | tuple,
    *,
    backbone: str | keras.Model | None = "efficientnet_lite0",
    weights: str | Path | None = "imagenet",
    head: Literal["anchor-free", "yolo"] = "anchor-free",
    strides: tuple[int, ...] | None = None,
    grid: int | None = None,
    box_format: str = "xyxy",
    passes: int = 1,
    epochs: int = 60,
    batch_size: int | None = None,
    learning_rate: float = 2e-3,
    optimizer: Literal["adamw", "sgd"] = "adamw",
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle",
    weight_decay: float | None = None,
    clip_norm: float | None = 10.0,
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
    """Trains a network that finds all objects of an image, their boxes and their classes, in one pass.

    The weights of the epoch with the best mean average precision (at IoU 0.5) on the validation split are kept.
    `result.model.predict(images)` takes images of any size and gives boxes in their pixels: a dict of "boxes"
    `(images, most, 4)` (left, top, right, bottom), "scores", "classes" and "names".

    Args:
        data: a folder in the form of Pascal VOC (`JPEGImages/`, `Annotations/`, `ImageSets/`) or COCO; "scenes" (made
            up, nothing to download); a tfds set with objects; arrays `(x, boxes)` with an array `(objects, 5)` for each
            image, left, top, right, bottom and class; or a `Data` of `load(..., targets="boxes")`.
        backbone: a pretrained network, in Python also a keras.Model; None takes a small one of our own, for images
            of about 64 pixels.
        weights: of the backbone: "imagenet", a file, or None for random ones.
        head: "anchor-free" predicts a box at each place of three maps; "yolo" is that of the 2016 paper, a coarse
            grid of cells with two boxes each, for images of one size.
        strides: of the maps that "anchor-free" looks at; None takes what suits the size of the images.
        grid: cells a side for "yolo"; None takes 7, as in the paper.
        box_format: of boxes in arrays: "xyxy", "xywh", "center_xywh" or "yxyx", or "rel_" with one of them.
        passes: how often an epoch shows each image, otherwise augmented; for few images.
        epochs: passes over the training images, `passes` times as long.
        batch_size: images a step; None takes what suits their size and number.
        learning_rate: the peak of the schedule; a pretrained backbone trains at a quarter of it.
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
        patience: epochs without a better mean average precision after which training stops; None trains them all.
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
        python -m recipes detect --data scenes --backbone None --epochs 24
    """
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    data = datasets.load(
        data, targets="boxes", box_format=box_format, image_size=image_size, validation=validation, seed=seed,
        resize=resizing(data, resize, default="letterbox"), skip_bad=skip_bad,
    )  # fmt: skip
    folder.check_data(data)
    shown = datasets.repeated(data, passes)
    batch_size = batch_size or datasets.suited_batch_size(shown)
    augment = augmentation.named(augment, data, epochs * passes, job="detect")

    def build() -> keras.Model:
        training.set_seed(seed)
        network = _network(backbone, weights, data, head=head, strides=strides, grid=grid or GRID)
        rate = schedules.named(schedule, learning_rate, epochs, datasets.steps_per_epoch(shown, batch_size), accumulate)
        slow = _pretrained.rates(network, backbone, weights, ENCODER_RATE)
        update = optimizers.make(
            optimizer, rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate,
            layer_rates=slow,
        )  # fmt: skip
        network.compile(
            update,
            _loss(network, data, head),
            metrics=[metrics.AveragePrecision(_decoder(network, data, head), data.classes, candidates=MONITORED)],
        )
        return network

    batch_size = training.fitting_batch_size(
        build, shown, batch_size, wanted=fit_memory, folder=folder, precision=precision, rematerialize=rematerialize,
        augment=augment, verbose=verbose,
    )  # fmt: skip
    network, chosen = training.built(
        build, shown, batch_size, model=backbone, epochs=epochs, precision=precision, folder=folder,
        rematerialize=rematerialize, augment=augment,
    )  # fmt: skip
    fitted = training.run(
        network, shown, epochs=epochs, batch_size=batch_size, augment=augment, seed=seed, monitor="val_map50",
        callbacks=callbacks, patience=patience, folder=folder, verbose=verbose,
    )  # fmt: skip
    decoder = _decoder(fitted.model, data, head)
    detector = models.Detector(
        fitted.model, decoder, data.class_names, data.image_shape[:2], resize=data.report.get("resize") or resize
    )
    assign = partial(_assignment, fitted.model, _loss(fitted.model, data, head))
    report = reports.detection(detector, data, assign=assign, best_score=True)
    fitted = replace(fitted, model=detector.with_(score=report.figures["best_score"]))
    record = training.record(
        detect, arguments, data=data, model=models.describe(backbone or "small_detector"), fitted=fitted, report=report,
        precision=chosen, batch_size=batch_size, augmentation=augment and repr(augment),
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _network(backbone, weights, data: datasets.Data, *, head: str, strides, grid: int) -> keras.Model:
    options = {"head": head, "grid": grid} | ({"strides": strides} if strides else {})
    if backbone is None:
        return models.small_detector(data.image_shape, data.classes, **options)
    return layers.fuse(backbones.detector_on(backbone, data.image_shape, data.classes, weights=weights, **options))


def _loss(network: keras.Model, data: datasets.Data, head: str) -> keras.losses.Loss:
    size = data.image_shape[:2]
    if head == "yolo":
        grid = network.output_shape[1]
        return losses.YoloLoss(size, grid, _boxes_a_cell(network, data), data.classes)
    return losses.TaskAligned(size, [each.stride for each in network.layers if isinstance(each, layers.CellBoxes)])


def _decoder(network: keras.Model, data: datasets.Data, head: str) -> boxes.Decoder:
    if head == "yolo":
        return boxes.YoloGrid(data.image_shape[:2], data.classes, _boxes_a_cell(network, data))
    return boxes.AnchorFree()


def _boxes_a_cell(network: keras.Model, data: datasets.Data) -> int:
    return (network.output_shape[-1] - data.classes) // 5


def _assignment(network: keras.Model, loss: keras.losses.Loss, image: np.ndarray, truth: np.ndarray):
    """A picture of the places or cells that answer for the objects of an image."""
    answer = loss.assign(truth[None], network(image[None], training=False))
    if isinstance(loss, losses.YoloLoss):
        owners = np.where(answer.has, answer.truth, -1).reshape(loss.grid, loss.grid)
        return plots.assignment(image, truth, [owners])
    owners = np.where(answer.mask, answer.truth, -1)[0]
    largest = max(loss.strides)
    padded = [largest * -(-side // largest) for side in loss.image_size]
    shapes = [[side // stride for side in padded] for stride in sorted(loss.strides)]
    parts = np.split(owners, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
    places = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return plots.assignment(image, truth, places, steps=sorted(loss.strides))


def _check(*, backbone, weights, head, strides, grid, box_format, **shared) -> None:
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    _pretrained.check_encoder(backbone, weights)
    checks.one_of("head", head, HEADS)
    if grid is not None:
        checks.positive_int("grid", grid)
        if head != "yolo":
            raise ValueError(
                checks.message("grid", "be None unless head is 'yolo'", grid, "Pass strides=, or head='yolo'.")
            )
    if strides is not None:
        checked_strides(strides)
    checks.one_of("box_format", box_format, boxes.FORMATS)
    check_training(network=backbone, job="detect", **shared)
