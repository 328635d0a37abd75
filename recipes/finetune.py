"""A pretrained network for a few hundred images of your own: the recipe for fine-tuning."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import keras

from kerascnn import (
    augmentation,
    backbones,
    blocks,
    checks,
    class_weights,
    layers,
    losses,
    models,
    optimizers,
    reports,
    schedules,
    training,
)
from kerascnn import data as datasets
from kerascnn.metrics import SparseCategoricalAccuracy
from kerascnn.training import Result, Stage
from recipes import _pretrained
from recipes._arguments import alone, begin, check_training, shared

HEAD_RATE = 3e-4  # of a head on features that stay


@shared
@alone
def finetune(
    data: str | Path | datasets.Data | tuple,
    *,
    backbone: str | Path | keras.Model | Result = "efficientnet_lite0",
    weights: str | Path | keras.Model | Result | None = "imagenet",
    keep: Literal["convolutional", "all but output"] = "convolutional",
    image_size: int | tuple[int, int] | None = None,
    resize: Literal["stretch", "letterbox", "crop"] = "crop",
    pooling: Literal["auto", "average", "max", "flatten"] = "auto",
    units: tuple[int, ...] = (),
    dropout: float = 0.2,
    head_epochs: int = 20,
    head_views: int | None = 2,
    epochs: int = 10,
    unfreeze: int | Literal["auto", "all"] | None = "auto",
    gradual: bool = False,
    layer_decay: float = 0.5,
    norms: Literal["frozen", "trained"] = "frozen",
    batch_size: int | None = None,
    learning_rate: float = 3e-4,
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle",
    weight_decay: float = 0.01,
    label_smoothing: float = 0.1,
    clip_norm: float | None = None,
    ema: float | None = None,
    accumulate: int = 1,
    class_weight: Literal["balanced"] | Mapping[int, float] | None = None,
    augment: str | Path | augmentation.Pipeline | Callable | None = "auto",
    validation: float = 0.1,
    skip_bad: bool = False,
    best: bool = False,
    views: Literal[1, 2, 6] = 2,
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
    """Trains a new head on a pretrained backbone, then the backbone's upper stages with it.

    First the head alone: the frozen backbone sees each image a few times, and the head trains on these features, from
    the means of the classes on. Then `unfreeze` stages of the backbone train too, the lower the slower. What is frozen
    stays as it is, bit for bit, the statistics of all its normalisations included.

    Args:
        data: as `classify` takes it: a folder with one sub-folder a class, a tfds name, arrays or a `Data`.
        backbone: a name of `backbones.BACKBONES` ("efficientnet_lite0", "resnet50", "convnext_tiny", ...) or of
            `models.MODELS` ("resnet20"); or a trained network, whose head is replaced, an autoencoder by its encoder: a
            folder of a run, a name in the zoo, a .keras file, in Python also a Result or a keras.Model.
        weights: of a backbone that is a name: "imagenet", a file, a folder of a run, a name in the zoo, in Python also
            a Result or a keras.Model; None for random ones.
        keep: of a network of your own, its "convolutional" part, or "all but output".
        image_size: pixels, one number or (height, width); None is the backbone's own.
        resize: "crop" cuts the middle out after the short side was resized, "letterbox" adds black margins, "stretch".
        pooling: of the last map: "average", "max", "flatten", or "auto", which flattens that of an autoencoder's
            encoder, whose code depends on places, and averages all others.
        units: of hidden layers of the head.
        dropout: in the head, in [0, 1).
        head_epochs: passes of the head alone; 0 trains it with the stages at once, from the means of the classes on.
        head_views: of each image, whose features are computed once: as it is, and augmented anew for each further one;
            None augments anew in each epoch, which costs a pass through the backbone each. 1 if `augment` is None.
        epochs: passes with `unfreeze` stages; in a gradual unfreezing, of each of its stages.
        unfreeze: number of stages of the backbone that train, from the top; "all"; None or 0 for the head alone; "auto"
            is that for fewer than 1,000 training images and one stage for more.
        gradual: one stage more at a time, instead of all at once.
        layer_decay: factor of the learning rate from each stage to the one below, in (0, 1].
        norms: "trained" lets normalisations of trained stages learn; best left for some thousand images.
        batch_size: images a step; None takes what suits the number of images.
        learning_rate: the peak for the head while stages train; AdamW's.
        schedule: "one-cycle" climbs for a fifth of the steps and falls to zero; "cosine" after one epoch of warm-up.
        weight_decay: of kernels only.
        label_smoothing: share of each target that is spread over all classes, in [0, 1).
        clip_norm: bound on the norm of all gradients together.
        ema: momentum of a moving average of the weights, such as 0.99, which is kept in their place.
        accumulate: batches whose gradients make one update, like one larger batch; the schedule counts updates.
        class_weight: "balanced" makes rare classes count as much as common ones; in Python also a mapping.
        augment: as in `classify`; "auto" is mild and right for the data.
        validation: share of the training images held out, where the data has no split for it; 0 for a few images.
        skip_bad: trains without files that are no images, and lists them in result.json.
        best: keeps the epoch that is best on the validation split, for large ones, instead of the last.
        views: looks at an image that the trained model's answer is the mean of: 2 adds the mirror image.
        max_seconds: of training, over all starts, after which it ends with what it has. Choose `epochs` that fit: the
            learning rate does not know of it.
        rematerialize: computes activations twice instead of keeping them, for large images: less memory, more time.
        fit_memory: halves `batch_size`, before training begins, until a step fits the memory.
        precision: "auto" takes the fastest for the real network, measured if some thousand images train the backbone.
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
        python -m recipes finetune --data photos/
    """
    backbone, weights = _pretrained.plain(backbone), _pretrained.plain(weights)
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    pretrained, source = _pretrained.network(backbone), _pretrained.network(weights)
    pooled = _pretrained.pooling(pooling, pretrained)
    data = _pretrained.images(
        data, pretrained, image_size=image_size, resize=resize, validation=validation, seed=seed, skip_bad=skip_bad
    )
    folder.check_data(data)
    batch_size = batch_size or datasets.suited_batch_size(data)
    augment = augmentation.named(augment, data, epochs, job="finetune")
    head_views = head_views if augment else 1  # without augmentation all views are the same
    counted = class_weights.named(class_weight, data)

    def build() -> tuple[keras.Model, tuple[tuple[str, ...], ...], backbones.Transferred | None]:
        """The network with its new head, the stages of its backbone from the bottom, and what went over to it."""
        training.set_seed(seed)
        lower, moved = _pretrained.trunk(pretrained, source, keep, data.image_shape, data.classes)
        head = _pretrained.head_name(lower)
        x = blocks.classifier(lower.output, data.classes, pooling=pooled, units=units, dropout=dropout, name=head)
        network = layers.fuse(keras.Model(lower.input, x, name=lower.name))
        network = layers.rematerialize(network, data.image_shape) if rematerialize else network
        return network, backbones.stages(lower), moved

    def ready(model: keras.Model, *, names: Sequence[str], rates: Mapping[str, float], rate) -> None:
        """Lets the head and the backbone's layers of these names train; all else is frozen."""
        backbones.freeze(model)
        backbones.unfreeze(model, _pretrained.head_layers(model))
        backbones.unfreeze(model, names, norms=norms)
        model.compile(
            optimizers.adamw(
                rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate, layer_rates=rates
            ),
            losses.SparseCategoricalCrossentropy(label_smoothing=label_smoothing),
            metrics=[SparseCategoricalAccuracy()],
        )

    on_features = partial(
        _pretrained.head_on_features, data=data, augment=augment, batch_size=batch_size, seed=seed, verbose=verbose
    )

    def plan(parts: Sequence[Sequence[str]]) -> list[Stage]:
        """The head alone, then with more and more of the backbone's `parts`, from the top, the lower the slower."""
        rates = backbones.layer_rates(parts, decay=layer_decay)

        def stage(name, passes, opened, peak, seen=1, on=None):
            names = sum(parts[len(parts) - opened :], ())
            rate = schedules.named(schedule, peak, passes, max(1, seen * data.train_size // batch_size), accumulate)
            return Stage(name, passes, partial(ready, names=names, rates=rates, rate=rate), on)

        cached = (head_views, partial(on_features, views=head_views)) if head_views else ()
        head = [stage("head", head_epochs, 0, HEAD_RATE, *cached)] if head_epochs else []
        return head + [
            stage(f"top {n}", epochs, n, learning_rate)
            for n in _pretrained.openings(unfreeze, gradual, parts, data.train_size)
        ]

    def widest() -> keras.Model:
        network, parts, _ = build()
        plan(parts)[-1].ready(network)
        return network

    batch_size = training.fitting_batch_size(
        widest, data, batch_size, wanted=fit_memory, folder=folder, precision=precision, augment=augment,
        verbose=verbose,
    )  # fmt: skip
    chosen = folder.decide(
        "precision",
        lambda: _pretrained.precision(pretrained, precision, widest, data, batch_size, epochs if unfreeze else 0),
    )
    with training.dtype_policy(chosen["chosen"]), training.building():
        network, parts, moved = build()
    notes = _pretrained.notes(pretrained, moved, data.image_shape, verbose)
    if not (head_epochs and head_views):  # no stage begins the head at the means of the classes
        on_features(network)
    fitted = training.run_stages(
        network, data, plan(parts), batch_size=batch_size, augment=augment, seed=seed, folder=folder,
        keep="best" if best else "last", class_weight=counted, callbacks=callbacks, verbose=verbose,
    )  # fmt: skip
    fitted = replace(fitted, model=models.averaged(fitted.model, views))
    report = reports.classification(fitted.model, data, explain=True)
    record = training.record(
        finetune, arguments, data=data, model=network.name, fitted=fitted, report=report, precision=chosen,
        batch_size=batch_size, augmentation=augment and repr(augment), stages=list(fitted.stages), notes=notes,
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _check(
    *, backbone, weights, keep, pooling, units, dropout, head_epochs, head_views, unfreeze, layer_decay, norms,
    learning_rate, **shared,
) -> None:  # fmt: skip
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    _pretrained.check(backbone, weights)
    checks.one_of("keep", keep, ("convolutional", "all but output"))
    blocks.classifier(
        keras.Input((4, 4, 8)), 2, pooling=_pretrained.pooling(pooling, None), units=units, dropout=dropout, name="head"
    )
    checks.one_of("norms", norms, ("frozen", "trained"))
    checks.positive_int("head_epochs", head_epochs, least=1 if unfreeze in (None, 0, "auto") else 0)
    if head_views is not None:
        checks.positive_int("head_views", head_views)
    if unfreeze not in (None, "auto", "all"):
        checks.positive_int("unfreeze", unfreeze, "Pass a number of stages, 'auto', 'all' or None.", least=0)
    checks.in_range("layer_decay", layer_decay, 0, 1, ends="(]")
    check_training(optimizer="adamw", learning_rate=learning_rate, job="finetune", **shared)
