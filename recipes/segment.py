"""Which class is each pixel of? The recipe for segmentation."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import keras

from kerascnn import (
    augmentation,
    backbones,
    checks,
    class_weights,
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
from kerascnn.models import MAP_MODELS
from kerascnn.training import Result
from recipes import _pretrained
from recipes._arguments import alone, begin, check_model, check_training, shared

ENCODER_RATE = 0.1  # of the learning rate, for a pretrained encoder


@shared
@alone
def segment(
    data: str | Path | datasets.Data | tuple,
    *,
    model: str | Callable | keras.Model = "unet",
    backbone: str | None = None,
    weights: str | Path | None = "imagenet",
    loss: str | keras.losses.Loss = "auto",
    class_weight: Literal["balanced"] | Mapping[int, float] | None = None,
    border_weight: float | None = None,
    ignore: int = 255,
    class_values: tuple[int, ...] | None = None,
    patch: int | None = None,
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
    resize: Literal["stretch", "letterbox", "crop"] = "stretch",
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
    """Trains a network that says which class each pixel of an image is of.

    The weights of the epoch with the best mean IoU on the validation split are kept. The network takes images of any
    size; `kerascnn.tiling.predict_tiled` gives it images that are too large for the memory.

    Measured on the test split with seed 0 on 2 cores without a GPU:
    mean IoU 92.62 %, 230 s: --data scenes --model "unet(filters=16, depth=3)" --epochs 9 --batch-size 16
    --learning-rate 0.004 --precision mixed_bfloat16.

    Args:
        data: a folder with `images/` and `masks/`, matched by name; "scenes" (made up, nothing to download); a tfds set
            with masks, arrays `((x, masks), (x_val, masks_val))` or a `Data` of `load(..., targets="masks")`. Masks are
            class indices `(height, width)`, or one map of 0 and 1 a class, `(height, width, classes)`.
        model: a name ("unet", "residual_unet", "attention_unet", "fcn"), with arguments if you like:
            "unet(filters=16, depth=3)"; in Python also a builder `f(image_shape, classes)` or a keras.Model.
        backbone: a pretrained network whose feature maps the U-Net decodes, such as "efficientnet_lite0", in place of
            `model`; it trains at a tenth of the learning rate.
        weights: of the backbone: "imagenet", a file, or None for random ones.
        loss: "auto" is cross-entropy + Dice; "crossentropy", "dice", "focal", "tversky", "lovasz", "boundary", or a sum
            such as "crossentropy + 0.5 * lovasz"; in Python also a Keras loss.
        class_weight: "balanced" makes rare classes count as much as common ones; in Python also a mapping of class
            indices to weights above 0, 1 for the rest. Of the pixel-wise losses.
        border_weight: w0 of the map of weights that keeps touching objects apart (U-Net paper, equation 2: 10).
        ignore: value of pixels in a mask that count nowhere.
        class_values: values in mask files of class 0, 1, ...; None takes them as indices, and 0 and 255 for two.
        patch: side in pixels of the part of each image that a step sees, another one each time; None is all of it.
        passes: how often an epoch shows each image, otherwise augmented or cut out; for few images.
        epochs: passes over the training images, `passes` times as long.
        batch_size: images a step; None takes what suits their size and number.
        learning_rate: the peak of the schedule.
        optimizer: "adamw" or "sgd".
        schedule: "one-cycle" climbs for a fifth of the steps and falls to zero; "cosine" after one epoch of warm-up.
        weight_decay: of kernels only; None takes 0.0005 for sgd and 0.01 for adamw.
        clip_norm: bound on the norm of all gradients together.
        ema: momentum of a moving average of the weights, such as 0.99, which is validated and kept in their place.
        accumulate: batches whose gradients make one update, like one larger batch; the schedule counts updates.
        augment: "auto" is mild and right for the data; "microscopy" bends and turns; the path of a .yaml file with a
            pipeline; in Python also an `augmentation.Pipeline`. Masks move with their images.
        image_size: pixels, one number or (height, width); None keeps the data's own size.
        resize: how images of another shape get there: "stretch", "letterbox" (margins are ignored) or "crop".
        validation: share of the training images held out, where the data has no split for it.
        skip_bad: trains without files that are no images, and lists them in result.json.
        patience: epochs without a better mean IoU after which training stops; None trains them all.
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
        python -m recipes segment --data scenes --epochs 10
    """
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    data = datasets.load(
        data, targets="masks", ignore=ignore, class_values=class_values, image_size=image_size, resize=resize,
        validation=validation, seed=seed, skip_bad=skip_bad,
    )  # fmt: skip
    folder.check_data(data)
    _check_borders(border_weight, data)
    shown = datasets.repeated(data, passes)
    batch_size = batch_size or datasets.suited_batch_size(shown, patch)
    augment = augmentation.cropped(augmentation.named(augment, data, epochs * passes, job="segment"), patch, data)
    weight_of = class_weights.named(class_weight, data)
    borders = border_weight and partial(datasets.border_weights, w0=border_weight, class_weight=False)

    def build() -> keras.Model:
        training.set_seed(seed)
        shape, head = data.image_shape, "sigmoid" if data.multi_label else "softmax"
        if backbone is None:
            network = models.build_map(model, shape, data.classes, head=head)
        else:
            network = layers.fuse(backbones.unet_on(backbone, shape, data.classes, weights=weights, head=head))
        _check_whole(network, shape, patch)
        rate = schedules.named(schedule, learning_rate, epochs, datasets.steps_per_epoch(shown, batch_size), accumulate)
        slow = _pretrained.rates(network, backbone, weights, ENCODER_RATE)
        update = optimizers.make(
            optimizer, rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate,
            layer_rates=slow,
        )  # fmt: skip
        network.compile(
            update,
            losses.maps(loss, class_weight=weight_of, multi_label=data.multi_label),
            metrics=[metrics.MeanIoU(data.classes), metrics.PixelAccuracy()],
        )
        return network

    batch_size = training.fitting_batch_size(
        build, shown, batch_size, wanted=fit_memory, folder=folder, precision=precision, rematerialize=rematerialize,
        augment=augment, verbose=verbose,
    )  # fmt: skip
    network, chosen = training.built(
        build, shown, batch_size, model=model, epochs=epochs, precision=precision, folder=folder,
        rematerialize=rematerialize, augment=augment,
    )  # fmt: skip
    fitted = training.run(
        network, shown, epochs=epochs, batch_size=batch_size, augment=augment, weigh=borders, seed=seed,
        monitor="val_iou", callbacks=callbacks, patience=patience, folder=folder, verbose=verbose,
    )  # fmt: skip
    report = reports.segmentation(fitted.model, data)
    record = training.record(
        segment, arguments, data=data, model=backbone or models.describe(model), fitted=fitted, report=report,
        precision=chosen, batch_size=batch_size, augmentation=augment and repr(augment),
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _check(*, model, backbone, weights, loss, border_weight, **shared) -> None:
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    _pretrained.check_encoder(backbone, weights, networks=False)
    if backbone is None:
        check_model(model, MAP_MODELS)
    losses.maps(loss, class_weight=shared["class_weight"] and {})  # whether the loss takes weights at all
    if border_weight is not None:
        checks.in_range("border_weight", border_weight, 0, float("inf"), ends="(]")
    check_training(network=model, job="segment", **shared)


def _check_borders(border_weight: float | None, data: datasets.Data) -> None:
    """Raises ValueError for border weights of masks that do not tell objects from their background."""
    if border_weight is not None and (data.classes != 2 or data.multi_label):
        rule = "be None unless masks are of two classes, background and object"
        raise ValueError(checks.message("border_weight", rule, border_weight, f"These have {data.classes}."))


def _check_whole(network: keras.Model, image_shape: tuple[int, ...], patch: int | None) -> None:
    """Raises ValueError for a network that gives less than its image, as without padding, or that takes no patch."""
    takes = network.input_shape[1:-1]
    if patch is not None and any(side not in (None, patch) for side in takes):
        mend = "Build it with keras.Input((None, None, channels))."
        raise ValueError(checks.message("model", f"take patches of {patch} pixels", takes, mend))
    gives = network.compute_output_shape((None, *image_shape))[1:-1]
    if gives != tuple(image_shape[:-1]):
        mend = "Train one without padding in a `fit` of your own, on masks cut to its output."
        raise ValueError(checks.message("model", "give an answer for each pixel of an image", gives, mend))
