"""An image in a few numbers, and back: the recipe for autoencoders."""

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from kerascnn import (
    augmentation,
    backbones,
    blocks,
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
from kerascnn import noise as noises
from kerascnn.layers.codes import CODE
from kerascnn.models import AUTOENCODERS
from kerascnn.training import Result
from recipes._arguments import alone, begin, check_model, check_training, shared

MODELS = {
    "linear": "dense_autoencoder(units=(), head='linear')",
    "mlp": "dense_autoencoder",
    "conv": "conv_autoencoder",
    "sparse": "conv_autoencoder",
    "denoising": "conv_autoencoder",
    "variational": "conv_autoencoder",
}
"""The network of each kind, where none is given."""
RATES = {"linear": 0.05}  # peaks of the learning rate, where they are not `RATE`
RATE = 2e-3
ERROR = 0.1  # standard deviation of values in 0..1 around what a decoder gives, for the likelihood of images
NOISE = "gaussian(50)"  # for "denoising", where none is given
SEES, STRIDES = "efficientnet_lite0", (2, 4, 8)  # the network of the perceptual loss, and its maps


@shared
@alone
def autoencode(
    data: str | Path | datasets.Data | tuple,
    *,
    kind: Literal["linear", "mlp", "conv", "sparse", "denoising", "variational"] = "conv",
    code_size: int = 32,
    model: str | Callable | keras.Model | None = None,
    tied: bool = False,
    loss: str | Callable = "mse",
    noise: str | Callable | None = None,
    sparsity: float | None = None,
    active: float = 0.2,
    beta: float = 1.0,
    epochs: int = 20,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: Literal["adamw", "sgd"] = "adamw",
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle",
    weight_decay: float | None = None,
    clip_norm: float | None = None,
    ema: float | None = None,
    accumulate: int = 1,
    augment: str | Path | augmentation.Pipeline | Callable | None = None,
    passes: int = 1,
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
    """Trains a network that makes a code of `code_size` numbers of an image, and the image of the code again.

    `result.encoder` gives codes of images and `result.decoder` images of codes; `finetune(backbone=result)` takes the
    encoder. Labels are never trained on: where there are any, they say how much the codes know of the classes.

    Args:
        data: images, as `classify` takes them, with or without classes; those that have none may lie loosely in a
            folder, or be one array.
        kind: "linear" finds the plane of PCA; "mlp" is the deep hourglass of dense layers 1000-500-250; "conv" has a
            convolutional encoder and decoder; "sparse" has a code of which few units are active; "denoising" gets
            images with noise and gives back clean ones; "variational" has a code that is spread as N(0, 1), so that
            the decoder makes images of what is drawn from there.
        code_size: numbers that an image becomes.
        model: a name with arguments: "conv_autoencoder(filters=(16, 32), kernel_size=5, convolutions=2,
            block='residual', up='resize')" or "dense_autoencoder(units=(500,))"; in Python also a builder
            `f(image_shape, code_size)` or a keras.Model, with a layer "code", which is a `layers.SparseCode` or
            `GaussianCode` for these kinds. None takes what suits the kind.
        tied: lets each layer of the decoder have the transposed weights of the encoder's, for dense layers.
        loss: "mse", "mae", "crossentropy" (of the values, as probabilities of white), "ssim", "grey_mse" (of the
            luminance), "perceptual" (what EfficientNet-Lite0 sees), or a sum as "mse + 0.1 * ssim"; in Python also a
            loss or a function of (true, predicted) images in 0..255, such as `losses.Perceptual` of your network.
        noise: of "denoising", as `denoise` takes it; None is "gaussian(50)".
        sparsity: weight of the L1 norm of the code, for "sparse"; None finds the one with which `active` units are.
        active: share of the units that are to be active in a code, in (0, 1), where `sparsity` is None.
        beta: of "variational": weight of the divergence of codes from N(0, 1). 1 is the bound on the likelihood of the
            images, for "crossentropy" of values as probabilities, else of values with a Gaussian error of a tenth of
            white; more makes samples better and reconstructions worse.
        epochs: passes over the training images, `passes` times as long.
        batch_size: images a step; None takes what suits their size and number.
        learning_rate: the peak of the schedule; None takes 0.05 for "linear" and 0.002 for the others.
        optimizer: "adamw" or "sgd".
        schedule: "one-cycle" climbs for a fifth of the steps and falls to zero; "cosine" after one epoch of warm-up.
        weight_decay: of kernels only; None takes 0.0005 for sgd and 0.01 for adamw.
        clip_norm: bound on the norm of all gradients together.
        ema: momentum of a moving average of the weights, such as 0.99, which is validated and kept in their place.
        accumulate: batches whose gradients make one update, like one larger batch; the schedule counts updates.
        augment: None, as a code of few numbers should not have to tell mirrored images from others; "auto" mirrors and
            turns where that is right for the data; as `denoise` takes it.
        passes: how often an epoch shows each image, otherwise augmented or noisy; for few images.
        image_size: pixels, one number or (height, width); None keeps the data's own size.
        resize: how images of another shape get there: "stretch", "letterbox" (black margins) or "crop" (the middle).
        validation: share of the training images held out, where the data has no split for it.
        skip_bad: trains without files that are no images, and lists them in result.json.
        patience: epochs without a lower loss on the validation split after which training stops; None trains them all.
        max_seconds: of training, over all starts, after which it ends with what it has. Choose `epochs` that fit: the
            learning rate does not know of it.
        rematerialize: computes activations twice instead of keeping them, for large images: less memory, more time.
        fit_memory: halves `batch_size`, before training begins, until a step fits the memory.
        precision: "auto" takes the fastest for the real network, measured if float32 would train for a minute or more.
        devices: of this machine that share each batch, a number or "all"; None for one. Learning rates stay.
        hosts: several machines, on the JAX backend: "node1:4000,node2:4000", or "auto" in a Slurm or Kubernetes job.
        host_index: which of `hosts` this machine is, from 0; the first one writes.
        seed: fixes split, order, noise, weights: the same seed gives the same network, bit for bit.
        save_to: folder for the model, its figures and pictures. The same call goes on after a kill, or shows the
            finished run.
        pictures: draws what there is to see, in `save_to`.
        tensorboard: also logs for TensorBoard, in `save_to`.
        callbacks: further Keras callbacks.
        verbose: "auto" a live table, 2 one line an epoch, 0 nothing.

    Examples:
        python -m recipes autoencode --data fashion_mnist --code-size 32
    """
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    corrupt = noises.named(noise or NOISE) if kind == "denoising" else None
    read = datasets.load(
        data, targets="labels" if datasets.labelled(data) else "images", image_size=image_size, resize=resize,
        validation=validation, seed=seed, skip_bad=skip_bad,
    )  # fmt: skip
    folder.check_data(read)
    clean = datasets.load(read, targets="images")
    _check_images(clean, code_size)
    price = _price(loss, clean.image_shape)
    data = datasets.with_noise(clean, corrupt, seed=seed)  # where it is validated and judged
    shown = datasets.repeated(data, passes)
    augment = augmentation.named(augment, data, epochs * passes, job="denoise")
    batch_size = batch_size or datasets.suited_batch_size(shown)
    peak = learning_rate or RATES.get(kind, RATE)
    codes = {
        "sparse": partial(blocks.sparse_code, weight=sparsity, active=active),
        "variational": partial(blocks.gaussian_code, beta=_divergence(beta, loss, data.image_shape)),
    }

    def build() -> keras.Model:
        training.set_seed(seed)
        fixed = {"code": codes[kind]} if kind in codes else {"tied": True} if tied else {}
        network = models.build_autoencoder(model or MODELS[kind], data.image_shape, code_size, **fixed)
        _check_code(network, kind)
        rate = schedules.named(schedule, peak, epochs, datasets.steps_per_epoch(shown, batch_size), accumulate)
        update = optimizers.make(
            optimizer, rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate,
        )  # fmt: skip
        network.compile(update, price, metrics=[metrics.PSNR()])
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
        network, shown, epochs=epochs, batch_size=batch_size, augment=augment, corrupt=corrupt, seed=seed,
        monitor="val_loss", keep="last" if kind == "sparse" and sparsity is None else "best",  # as its weight changes
        callbacks=callbacks, patience=patience, folder=folder, verbose=verbose,
    )  # fmt: skip
    encoder, decoder = layers.halves(fitted.model)
    report = reports.autoencoding(
        fitted.model, data, encoder=encoder, decoder=decoder, kind=kind, code_size=code_size, labels=_labels(read),
        class_names=read.class_names, seed=seed,
    )  # fmt: skip
    record = training.record(
        autoencode, arguments, data=data, model=models.describe(model or MODELS[kind]), fitted=fitted, report=report,
        precision=chosen, batch_size=batch_size, augmentation=augment and repr(augment),
        autoencoder={"kind": kind, "code_size": code_size, **_chosen(fitted.model, corrupt)},
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _labels(data: datasets.Data) -> dict[str, np.ndarray] | None:
    """Those of each split, which nothing is trained on; None where there are none."""
    return {split: data.labels(split) for split in data.splits} if data.targets == "labels" else None


def _chosen(model: keras.Model, corrupt) -> dict[str, float | str]:
    """What a kind has of its own: the noise, or the weight that sparsity has come to."""
    code = model.get_layer(CODE)
    found = {"sparsity": float(code.penalty)} if isinstance(code, layers.SparseCode) else {}
    return found | ({"noise": str(corrupt)} if corrupt else {})


def _divergence(beta: float, loss: str | Callable, image_shape: tuple[int, ...]) -> float:
    """The weight of the divergence beside a loss that is a mean over values: of squares, or of cross-entropies.

    The logarithm of a Gaussian density falls by `square / (2 ERROR^2)` for each value.
    """
    return beta * (1 if loss == "crossentropy" else 2 * ERROR**2) / math.prod(image_shape)


def _price(loss: str | Callable, image_shape: tuple[int, ...]) -> keras.losses.Loss | Callable:
    """The loss, tried on a black image, so that what is wrong with it is said before anything slow is begun."""

    def perceptual():
        return losses.Perceptual(backbones.features(backbones.backbone(SEES, image_shape), STRIDES))

    price = losses.images(loss, perceptual)
    black = np.zeros((1, *image_shape), "float32")
    price(black, black)
    return price


def _check(*, kind, code_size, model, tied, loss, noise, sparsity, active, beta, learning_rate, **shared) -> None:
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    checks.one_of("kind", kind, MODELS)
    checks.positive_int("code_size", code_size)
    losses.images(loss, losses.ImageMSE)  # any loss will do for "perceptual", which is slow to make
    _check_kind(kind, model, tied, loss)
    if noise is not None:
        noises.named(noise)
        if kind != "denoising":
            raise ValueError(checks.message("noise", "be None unless kind='denoising'", noise))
    blocks.sparse_code(keras.Input((1,)), 1, weight=sparsity, active=active, name=CODE)
    blocks.gaussian_code(keras.Input((1,)), 1, beta=beta, name=CODE)
    peak = RATE if learning_rate is None else learning_rate
    check_training(network=model, learning_rate=peak, job="denoise", **shared)


def _check_kind(kind, model, tied, loss) -> None:
    """Raises ValueError or TypeError for a network, ties or a loss that do not go with the kind."""
    if model is not None:
        check_model(model, AUTOENCODERS)
        if kind == "linear":
            raise ValueError(checks.message("model", "be None for kind='linear'", model, "Pass kind='mlp'."))
    dense = isinstance(model or MODELS[kind], str) and (model or MODELS[kind]).strip().startswith("dense")
    if tied and (not dense or kind in ("sparse", "variational")):
        raise ValueError(checks.message("tied", "be False unless dense layers lead to a plain code", tied))
    if kind == "linear" and isinstance(loss, str) and "crossentropy" in loss:
        rule = "take any value for kind='linear', whose outputs may lie outside of 0..255"
        raise ValueError(checks.message("loss", rule, loss, "Pass loss='mse'."))


def _check_images(data: datasets.Data, code_size: int) -> None:
    """Raises ValueError for pairs of images; warns of a code with which there is nothing to learn."""
    if not data.report.get("own_targets"):
        mend = "Pass the images alone; `denoise(noise=None)` learns pairs."
        raise ValueError(checks.message("data", "be images, which are their own targets", data.name, mend))
    values = math.prod(data.image_shape)
    if code_size >= values:
        rule = f"be below the {values} values of an image, or the identity is all there is to learn"
        warnings.warn(checks.message("code_size", rule, code_size), stacklevel=3)


def _check_code(network: keras.Model, kind: str) -> None:
    """Raises ValueError for a network of the user's own whose code is not that of the kind."""
    wanted = {"sparse": layers.SparseCode, "variational": layers.GaussianCode}.get(kind, keras.Layer)
    if not isinstance(network.get_layer(CODE), wanted):
        rule = f"have a layers.{wanted.__name__} named {CODE!r} for kind={kind!r}"
        raise ValueError(checks.message("model", rule, network.name))
