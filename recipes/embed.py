"""Which images are alike? The recipe for embeddings: vectors that are near each other for images of one class."""

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
from kerascnn import callbacks as watching
from kerascnn import data as datasets
from kerascnn.layers.nested import for_use
from kerascnn.reports.report import judged_on
from kerascnn.training import Result
from recipes import _pretrained
from recipes._arguments import alone, begin, check_model, check_training, shared

BACKBONE_RATE = 0.1  # of the learning rate, for a pretrained network
HARDEST = 0.7  # weight of hard triplets at the end of a curriculum, semi-hard ones have the rest
WATCHED = 1000  # validation images that are embedded after each epoch


@shared
@alone
def embed(
    data: str | Path | datasets.Data | tuple,
    *,
    loss: str | keras.losses.Loss = "triplet",
    mining: str | None = None,
    distance: Literal["squared", "euclidean", "cosine"] | None = None,
    margin: float | Literal["soft"] | None = None,
    dimensions: int = 128,
    model: str | Callable | keras.Model = "resnet20",
    backbone: str | None = None,
    weights: str | Path | None = "imagenet",
    pooling: Literal["average", "max", "flatten"] = "average",
    normalize: bool = True,
    classes_per_batch: int = 16,
    images_per_class: int = 4,
    within_groups: bool = False,
    views: int | None = None,
    unseen: int | tuple[str, ...] = 0,
    nested: bool = False,
    far: float | None = None,
    ways: int | None = None,
    epochs: int = 30,
    batch_size: int | None = None,
    learning_rate: float = 1e-3,
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
    """Trains a network that maps images to vectors, which are near each other for images of one class.

    `result.model.predict(images)` gives vectors `(images, dimensions)`. They serve to find similar images
    (`kerascnn.retrieval.Index`), to tell whether two show the same (`metrics["tau"]`, a threshold of their distance),
    and to name classes that training never saw, from an example of each (`kerascnn.oneshot.OneShotClassifier`).
    The weights of the epoch with the best recall at 1 on the validation split are kept.

    Args:
        data: as `classify` takes it; with `views` images without labels will do.
        loss: "triplet", "contrastive", "n-pairs", "lifted", "multi-similarity", "circle", "supervised-contrastive"
            (or "nt-xent", the same), "proxy-anchor", "arcface" or "cosface"; in Python also a Keras loss of labels and
            embeddings.
        mining: of triplets: "semi-hard" (the default), "all", "hard", "batch-hard", "distance-weighted", or
            "curriculum" from semi-hard to hard.
        distance: by which vectors are compared: "euclidean", "squared" or "cosine"; None takes that of the loss.
        margin: of the loss, in units of the distance; None takes what suits it. "soft" takes the soft form of the
            triplet loss, ln(1 + exp(d(a, p) - d(a, n))), whose margin only chooses the triplets, by 0.2.
        dimensions: of the vectors.
        model: a network as `classify` takes it, without its head.
        backbone: a pretrained network in place of `model`, such as "efficientnet_lite0"; it trains at a tenth of the
            learning rate.
        weights: of the backbone: "imagenet", a file, or None for random ones.
        pooling: of the last map; "flatten" keeps places apart, which suits characters.
        normalize: whether vectors have length 1.
        classes_per_batch: that a step shows.
        images_per_class: of each of them.
        within_groups: takes the classes of a step from one group, such as one alphabet (see `nested`).
        views: trains without labels: each image comes so often in a step, otherwise augmented, and is to be found among
            the others.
        unseen: classes that are left out of training and alone are judged: their names or those of their groups, or the
            number of the last ones.
        nested: reads class folders inside folders of groups, such as alphabet/character/drawing.png.
        far: wanted share of false accepts, by which the threshold tau is chosen; None takes the equal error rate.
        ways: also judges by tasks of so many classes that are known by one image each, `metrics["episode_accuracy"]`;
            with groups the classes of a task are of one group.
        epochs: passes over the training images.
        batch_size: images a step, from which `classes_per_batch` then follows; None leaves it as it is.
        learning_rate: the peak of the schedule.
        optimizer: "adamw" or "sgd".
        schedule: "one-cycle" climbs for a fifth of the steps and falls to zero; "cosine" after one epoch of warm-up.
        weight_decay: of kernels only; None takes 0.0005 for sgd and 0.01 for adamw.
        clip_norm: bound on the norm of all gradients together.
        ema: momentum of a moving average of the weights, such as 0.99, which is validated and kept in their place.
        accumulate: batches whose gradients make one update, like one larger batch; the schedule counts updates.
        augment: "auto" is mild and right for the data; as `classify` takes it.
        image_size: pixels, one number or (height, width); None keeps the data's own size.
        resize: how images of another shape get there: "stretch", "letterbox" or "crop".
        validation: share of the training images held out, where the data has no split for it.
        skip_bad: trains without files that are no images, and lists them in result.json.
        patience: epochs without a better recall, for `views` a lower loss, after which training stops; None trains all.
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
        python -m recipes embed --data fashion_mnist --unseen 3 --epochs 5
    """
    arguments = dict(locals())
    folder, callbacks = begin(arguments, _check)
    if folder.ended:
        return training.load(folder.path)
    labelled = views is None or _has_labels(data)
    data = _pretrained.images(
        data, backbone, targets="labels" if labelled else "images", nested=nested, image_size=image_size,
        resize=resize, default="stretch", validation=validation, seed=seed, skip_bad=skip_bad,
    )  # fmt: skip
    folder.check_data(data)
    seen, judged = _parted(data, unseen) if labelled else (data, data)
    episodes = ways and {"ways": ways, "groups": judged.groups or None}
    if episodes:
        metrics.sampled_episodes(judged.labels(judged_on(judged)), **episodes)
    classes_per_batch = classes_per_batch if batch_size is None else max(2, batch_size // images_per_class)
    if within_groups:
        datasets.ClassBatches(classes_per_batch, images_per_class, True).members(seen.labels("train"), seen.groups)
    sampler = _sampler(seen, views, classes_per_batch, images_per_class, within_groups)
    batch_size = sampler.size(None)
    augment = augmentation.named(augment, seen, epochs, job="embed")
    price = losses.embeddings(loss, distance=distance, margin=margin, mining=mining)
    distance = distance or _own_distance(price)
    if getattr(price, "hardness", None) is not None:
        callbacks = [*callbacks, watching.HarderTriplets(price, epochs, most=HARDEST)]

    def build() -> keras.Model:
        training.set_seed(seed)
        options = {"dimensions": dimensions, "pooling": pooling, "normalize": normalize, "weights": weights}
        tower = layers.fuse(backbones.embedder(backbone or model, seen.image_shape, **options))
        network = models.with_centres(tower, seen.classes) if losses.needs_centres(price) else tower
        steps = datasets.steps_per_epoch(seen, batch_size, sampler)
        rate = schedules.named(schedule, learning_rate, epochs, steps, accumulate)
        slow = _pretrained.rates(tower, backbone, weights, BACKBONE_RATE)
        update = optimizers.make(
            optimizer, rate, weight_decay=weight_decay, clip_norm=clip_norm, ema=ema, accumulate=accumulate,
            layer_rates=slow,
        )  # fmt: skip
        network.compile(update, price)
        return network

    fitting = training.fitting_batch_size(
        build, seen, batch_size, wanted=fit_memory, folder=folder, precision=precision, rematerialize=rematerialize,
        augment=augment, target_of=None if labelled else _numbers, verbose=verbose,
    )  # fmt: skip
    if fitting < batch_size:
        sampler = _sampler(seen, views, max(2, fitting // images_per_class), images_per_class, within_groups)
        batch_size = sampler.size(None)
    network, chosen = training.built(
        build, seen, batch_size, model=model, epochs=epochs, precision=precision, folder=folder,
        rematerialize=rematerialize, augment=augment, target_of=None if labelled else _numbers,
    )  # fmt: skip
    fitted = training.run(
        network, seen, epochs=epochs, batch_size=batch_size, augment=augment, sampler=sampler, seed=seed,
        target_of=None if labelled else _numbers, monitor="loss" if views else "val_recall_at_1",
        keep="last" if views else "best", patience=patience, folder=folder, verbose=verbose,
        callbacks=[*callbacks, _watch(_tower(network), seen, price, distance, views)],
    )  # fmt: skip
    fitted = replace(fitted, model=for_use(_tower(network)))
    if labelled:
        untrained = None if isinstance(model, keras.Model) else for_use(_tower(build()))  # its layers have trained
        report = reports.embedding(
            fitted.model, judged, distance=distance, far=far, episodes=episodes, untrained=untrained, seed=seed
        )
    else:
        report = _of_views(fitted.model, data, augment, distance)
    record = training.record(
        embed, arguments, data=seen, model=models.describe(backbone or model), fitted=fitted, report=report,
        precision=chosen, batch_size=batch_size, augmentation=augment and repr(augment),
        embedding={"dimensions": dimensions, "distance": distance}, judged_classes=list(judged.class_names),
    )  # fmt: skip
    return training.finish(fitted, report, record, folder, pictures=pictures)


def _own_distance(loss: keras.losses.Loss) -> str:
    """The distance of a loss; "cosine" of one that looks at angles in another way."""
    own = getattr(loss, "distance", None)
    return own if own in losses.metric.DISTANCES else "cosine"


def _has_labels(data) -> bool:
    """Whether it says of what class its images are: an array alone does not, nor does a folder without folders."""
    if isinstance(data, datasets.Data):
        return data.targets == "labels"
    if isinstance(data, str | Path) and Path(data).is_dir():
        return any(entry.is_dir() for entry in Path(data).iterdir())
    return not isinstance(data, np.ndarray)


def _numbers(targets):
    """Views have the numbers of their images as targets; validation images, which come once, are all given one."""
    return targets if len(targets.shape) == 1 else 0 * targets[:, 0, 0, 0]


def _of_views(tower: keras.Model, data: datasets.Data, augment, distance: str) -> reports.Report:
    """How often an image of the validation split is found by another view of it, among up to 1,000 of them."""
    rows = np.linspace(0, data.validation_size - 1, min(WATCHED, data.validation_size)).astype(int)
    images = np.stack(reports.examples_of(data, "validation", rows)[0])
    change = getattr(augment, "apply", augment)  # of a Pipeline, outside of a graph
    views = [np.asarray(change(images, rows, view, 0)) for view in (0, 1)]
    queries, gallery = (tower.predict(view, verbose=0) for view in views)
    found = metrics.nearest(queries, gallery, 1, distance=distance)[0][:, 0]
    return reports.Report("validation", {"recall_of_views": float((found == np.arange(len(rows))).mean())}, {})


def _check_judged(data: datasets.Data) -> None:
    """Raises ValueError where an image to be judged has none of its class to be found, or none of another beside it."""
    for split in {"validation", judged_on(data)}:
        counts = np.unique(data.labels(split), return_counts=True)[1]
        if len(counts) < 2 or counts.max() < 2:
            rule = f"have two classes, and two images of one, in its {split} split"
            raise ValueError(checks.message("data", rule, f"{counts.tolist()[:20]} images a class", "Hold out more."))


def _parted(data: datasets.Data, unseen: int | tuple[str, ...]) -> tuple[datasets.Data, datasets.Data]:
    """The classes that are trained on, and those that are judged: the same ones unless some are to be `unseen`."""
    if not unseen:
        _check_judged(data)
        return data, data
    names = data.class_names[-unseen:] if isinstance(unseen, int) else unseen
    judged = datasets.only_classes(data, names)
    rest = [name for name in data.class_names if name not in judged.class_names]
    if len(rest) < 2 or judged.classes < 2:
        rule = f"leave two classes or more of {data.classes} to train on, and be two or more"
        raise ValueError(checks.message("unseen", rule, unseen))
    seen = datasets.only_classes(data, rest)
    for part in (seen, judged):
        _check_judged(part)
    return seen, judged


def _sampler(data: datasets.Data, views, classes: int, images: int, within_groups: bool):
    """What makes up a batch: some images of each of some classes, or views of images."""
    if views is not None:
        return datasets.ViewBatches(min(classes * images, data.train_size), views)
    return datasets.ClassBatches(min(classes, data.classes), images, within_groups)


def _tower(network: keras.Model) -> keras.Model:
    """The part of the network that gives vectors, below the centres of classes where it has such."""
    names = [layer.name for layer in network.layers]
    return keras.Model(network.inputs[0], network.get_layer("centres").input) if "centres" in names else network


def _watch(tower: keras.Model, data: datasets.Data, loss, distance: str, views: int | None) -> keras.callbacks.Callback:
    """Looks at validation images after each epoch: what is left to learn, and whether the vectors fall together."""
    rows = _watched(data, views)
    images, labels = reports.examples_of(data, "validation", rows)
    if views is not None:
        return watching.WatchEmbedding(tower, np.stack(images), np.zeros(len(rows), int))
    recall = {"val_recall_at_1": partial(_recall, distance=distance)}
    margin = getattr(loss, "margin", None) if isinstance(loss, losses.Triplet) else None
    shares = partial(losses.triplet_shares, margin=margin, distance=loss.distance) if margin else None
    of_a_point = math.log(2) if getattr(loss, "soft", False) else margin
    return watching.WatchEmbedding(tower, np.stack(images), labels, figures=recall, shares=shares, margin=of_a_point)


def _watched(data: datasets.Data, views: int | None) -> np.ndarray:
    """Up to 1,000 validation images; with labels of few classes as many as there are, rather than a few of all."""
    if views is not None:
        return np.linspace(0, data.validation_size - 1, min(WATCHED, data.validation_size)).astype(int)
    labels = data.labels("validation")
    found = np.random.default_rng(0).permutation(len(labels))
    ranks = np.empty(len(labels), int)  # of each image among those of its class
    for label in np.unique(labels):
        own = found[labels[found] == label]
        ranks[own] = np.arange(len(own))
    each = max(2, WATCHED // len(np.unique(labels)))
    order = np.random.default_rng(1).permutation(labels.max() + 1)[labels]
    chosen = np.flatnonzero(ranks < each)
    return np.sort(chosen[np.argsort(order[chosen], kind="stable")][:WATCHED])


def _recall(embeddings: np.ndarray, labels: np.ndarray, *, distance: str) -> float:
    return metrics.retrieval(embeddings, labels, distance=distance, k=(1,))["recall_at_1"]


def _check(
    *, data, loss, mining, distance, margin, dimensions, model, backbone, weights, pooling, classes_per_batch,
    images_per_class, within_groups, views, unseen, nested, far, ways, **shared
) -> None:  # fmt: skip
    """Raises ValueError or TypeError for what is wrong whatever the data are, before anything slow is begun."""
    price = losses.embeddings(loss, distance=distance, margin=margin, mining=mining)
    _pretrained.check_encoder(backbone, weights, networks=False)
    if backbone is None:
        check_model(model)
    checks.one_of("pooling", pooling, ("average", "max", "flatten"))
    checks.positive_int("dimensions", dimensions)
    datasets.ClassBatches(classes_per_batch, images_per_class)
    if views is not None:
        datasets.ViewBatches(classes_per_batch * images_per_class, views)
        if losses.needs_centres(price):
            raise ValueError(
                checks.message("loss", "be one without centres of classes for views", loss, "Pass loss='nt-xent'.")
            )
        if shared["augment"] in (None, "none"):
            raise ValueError(checks.message("augment", "not be None for views, which would be alike", None))
        if within_groups:
            raise ValueError(checks.message("within_groups", "be False for views, which have no classes", True))
        if not _has_labels(data):
            _check_unlabelled(unseen=unseen, nested=nested, far=far, ways=ways)
    if isinstance(unseen, int):
        checks.positive_int("unseen", unseen, least=0)
    if far is not None:
        checks.in_range("far", far, 0, 1)
    if ways is not None:
        checks.positive_int("ways", ways, least=2)
    check_training(network=model if backbone is None else None, job="embed", **shared)


def _check_unlabelled(**of_classes) -> None:
    """Raises ValueError for the arguments among these that are given, of images without classes."""
    for name, value in of_classes.items():
        if value:
            mend = "Pass folders of classes, or arrays (x, y)."
            raise ValueError(checks.message(name, "be left out for images without labels", value, mend))
