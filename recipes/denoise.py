"""What did this image look like before the noise? The recipe for denoising, and for any image from an image."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import keras

from kerascnn import augmentation, checks, metrics, models, optimizers, reports, schedules, training
from kerascnn import data as datasets
from kerascnn import noise as noises
from kerascnn.models import MAP_MODELS
from kerascnn.training import Result
from recipes._arguments import alone, begin, check_model, check_training, shared

LOSSES = {"mse": keras.losses.MeanSquaredError, "mae": keras.losses.MeanAbsoluteError}


@shared
@alone
def denoise(
    data: str | Path | datasets.Data | tuple,
    *,
    noise: str | Callable | None = "gaussian(25)",
    model: str | Callable | keras.Model = "unet",
    predicts: Literal["residual", "image"] = "residual",
    loss: Literal["mse", "mae"] = "mse",
    compare: bool = True,
    epochs: int = 20,
    batch_size: int | None = None,
    learning_rate: float = 2e-3,
    optimizer: Literal["adamw", "sgd"] = "adamw",
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle",
    weight_decay: float | None = None,
    clip_norm: float | None = None,
    ema: float | None = None,
    accumulate: int = 1,
    augment: str | Path | augmentation.Pipeline | Callable | None = "auto",
    patch: int | None = None,
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
    """Trains a network that gives back the clean image, on clean images with made noise or on pairs of images.

    Each training image gets other noise in each epoch; those that the network is validated and judged on get the same
    noise always. The weights of the epoch with the best PSNR on the validation split are kept.

    Measured on the test split with seed 0 on 2 cores without a GPU, --model "unet(filters=16, depth=3)" --batch-size 64
    --precision mixed_bfloat16, beside the best classical filter:
    28.26 dB, 26.01 by non-local means, 343 s: --data fashion_mnist --epochs 4;
    28.89 dB, 26.24 by the bilateral filter, 10 min: --data cifar10 --epochs 5, from a JPEG copy of CIFAR-10.

    Args:
        data: clean images, as `classify` takes them, whose classes do not matter; or with `noise=None` pairs: a folder
            with `input/` and `target/`, matched by name, or arrays `((x, y), (x_val, y_val))`.
        noise: "gaussian(25)" (standard deviation of values 0..255), "gaussian(0, 50)" for any between, "poisson(30)"
            (photons of white), "salt_and_pepper(0.1)", "masked(0.2)", or a sum; in Python also a function `(images,
            indices, epoch, seed) -> images`. None for pairs.
        model: a name ("unet", "residual_unet", "dncnn", "fcn"), with arguments if you like: "dncnn(depth=7)"; in Python
            also a builder `f(image_shape, channels)` or a keras.Model.
        predicts: what a network by name computes: the "residual", which is added to its input (DnCNN), or the "image".
        loss: "mse", which PSNR measures, or "mae", which blurs less.
        compare: also says what the best of the classical filters (median, bilateral, non-local means) reaches.
        epochs: passes over the training images, `passes` times as long.
        batch_size: images a step; None takes what suits their size and number.
        learning_rate: the peak of the schedule.
        optimizer: "adamw" or "sgd".
        schedule: "one-cycle" climbs for a fifth of the steps and falls to zero; "cosine" after one epoch of warm-up.
        weight_decay: of kernels only; None takes 0.0005 for sgd and 0.01 for adamw.
        clip_norm: bound on the norm of all gradients together.
        ema: momentum of a moving average of the weights, such as 0.99, which is validated and kept in their place.
        accumulate: batches whose gradients make one update, like one larger batch; the schedule counts updates.
        augment: "auto" mirrors and turns where that is right for the data, without a change of any value.
        patch: side in pixels of the part of each image that a step sees, another one each time; None is all of it.
        passes: how often an epoch shows each image, otherwise augmented, cut out or noisy; for few images.
        image_size: pixels, one number or (height, width); None keeps the data's own size.
        resize: how images of another shape get there: "stretch", "letterbox" (black margins) or "crop" (the middle).
        validation: share of the training images held out, where the data has no split for it.
        skip_bad: trains without files that are no images, and lists them in result.json.
        patience: epochs without a better PSNR after which training stops; None trains them all.
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
        python -m recipes denoise --data fashion_mnist --noise "gaussian(25)"
    """
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    corrupt = noise and noises.named(noise)
    data = datasets.load(
        data, targets="images", image_size=image_size, resize=resize, validation=validation, seed=seed,
        skip_bad=skip_bad,
    )  # fmt: skip
    folder.check_data(data)
    _check_targets(data, noise, model, predicts)
    data = datasets.with_noise(data, corrupt, seed=seed)  # where it is validated and judged
    shown = datasets.repeated(data, passes)
    augment = augmentation.cropped(augmentation.named(augment, data, epochs * passes, job="denoise"), patch, data)
    batch_size = batch_size or datasets.suited_batch_size(shown, patch)

    def build() -> keras.Model:
        training.set_seed(seed)
        network = models.build_map(model, data.image_shape, data.channels, head=predicts)
        rate = schedules.named(schedule, learning_rate, epochs, datasets.steps_per_epoch(shown, batch_size), accumulate)
        update = optimizers.make(
            optimizer, rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate,
        )  # fmt: skip
        network.compile(
            update,
            LOSSES[loss](),
            metrics=[metrics.PSNR()],
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
        network, shown, epochs=epochs, batch_size=batch_size, augment=augment, corrupt=corrupt, seed=seed,
        monitor="val_psnr", callbacks=callbacks, patience=patience, folder=folder, verbose=verbose,
    )  # fmt: skip
    report = reports.restoration(fitted.model, data, compare=compare)
    record = training.record(
        denoise, arguments, data=data, model=models.describe(model), fitted=fitted, report=report, precision=chosen,
        batch_size=batch_size, augmentation=augment and repr(augment),
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _check(*, noise, model, predicts, loss, **shared) -> None:
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    if noise is not None:
        noises.named(noise)
    checks.one_of("predicts", predicts, ("residual", "image"))
    checks.one_of("loss", loss, LOSSES)
    check_model(model, MAP_MODELS)
    check_training(network=model, job="denoise", **shared)


def _check_targets(data: datasets.Data, noise, model, predicts: str) -> None:
    """Raises ValueError for noise on pairs, none on clean images, and a residual of images of other channels."""
    own = data.report.get("own_targets", False)
    if own and noise is None:
        mend = "Pass noise='gaussian(25)', or pairs: a folder with input/ and target/, or arrays (x, y)."
        raise ValueError(checks.message("noise", "be given where each image is its own target", noise, mend))
    if not own and noise is not None:
        rule = "be None for pairs of images, whose input is noisy already"
        mend = "Pass noise=None, or clean images alone."
        raise ValueError(checks.message("noise", rule, str(noise), mend))
    if predicts == "residual" and isinstance(model, str) and data.channels != data.image_shape[-1]:
        rule = f"be 'image' where targets have {data.channels} channels and images {data.image_shape[-1]}"
        raise ValueError(checks.message("predicts", rule, predicts))
