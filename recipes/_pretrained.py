"""What a recipe's `backbone=` and `weights=` stand for: a name, a file, the folder of a run, a Result or a network."""

import sys
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

import keras

from kerascnn import backbones, checks, keras_file, layers, models, training
from kerascnn import data as datasets
from kerascnn.layers import nested
from kerascnn.layers.codes import CODE
from kerascnn.models.registry import parse
from kerascnn.training import Result
from recipes._arguments import resizing

HEAD = "probabilities"
PASSES = 10_000  # of images through the network
ENOUGH = 1_000  # training images, for a stage of the backbone to gain from them
COLORS = {1: "grey", 3: "rgb"}


def plain(value):
    """What `backbone=` or `weights=` is for the record of a call: a network in place of its Result, text for a path."""
    if isinstance(value, Result):
        return value.model
    return str(value) if isinstance(value, Path) else value


def check(backbone, weights) -> None:
    """Raises ValueError or TypeError for what is no backbone, and for weights that it cannot take.

    Both are what `plain` gives.
    """
    if not isinstance(backbone, str | keras.Model):
        rule = "be a name, the folder of a run, a .keras file, a Result or a keras.Model"
        raise TypeError(checks.message("backbone", rule, backbone))
    if isinstance(backbone, keras.Model) or _is_file(backbone, ".keras") or _is_run(backbone):
        if not (weights is None or weights == "imagenet"):
            mend = "Leave `weights` out, or name the kind of network as `backbone`."
            raise ValueError(checks.message("weights", "not be given for a network that has its own", weights, mend))
        return
    if _is_model(backbone):
        parse(backbone)
    elif backbone not in backbones.BACKBONES:
        known = sorted({*backbones.BACKBONES, *models.MODELS})
        mend = checks.nearest(backbone, known) or "Or pass the folder of a run, a name in the zoo or a .keras file."
        raise ValueError(checks.message("backbone", f"be one of {', '.join(known)}", backbone, mend))
    _check_weights(weights, backbone)


def check_encoder(backbone, weights, *, networks: bool = True) -> None:
    """As `check`, of a name of `BACKBONES`, None for a network of our own, or a keras.Model if `networks` will do."""
    if isinstance(backbone, str) or not (networks or backbone is None):
        checks.one_of("backbone", backbone, backbones.BACKBONES)
    if backbone is not None:
        check(backbone, weights)


def _check_weights(weights, backbone: str) -> None:
    """Raises ValueError or TypeError for weights that a backbone of that name cannot take."""
    if weights is None or isinstance(weights, keras.Model):
        return
    if not isinstance(weights, str):
        rule = "be 'imagenet', None, the folder of a run, a name in the zoo, a file, a Result or a keras.Model"
        raise TypeError(checks.message("weights", rule, weights))
    if weights == "imagenet" and _is_model(backbone):
        mend = "Pass weights=None, or the run, the file or the network that has them."
        raise ValueError(checks.message("weights", f"be others for {backbone}, which has none there", weights, mend))
    endings = (".keras",) if _is_model(backbone) else (".keras", ".h5")
    if weights != "imagenet" and not _is_run(weights) and not _is_file(weights, *endings):
        rule = f"be the folder of a run, a name in the zoo or a {' or '.join(endings)} file for {backbone}"
        raise ValueError(checks.message("weights", rule, weights))


def network(value):
    """The network of the folder or the name of a run, or of a .keras file, or a copy of one; all else as it is.

    Of an autoencoder it is the encoder.
    """
    if _is_run(value):
        value = training.load(value).model
    elif _is_file(value, ".keras"):
        value = keras_file.read(value, "backbone")
    if not isinstance(value, keras.Model):
        return value
    found = layers.unfuse(nested.for_use(value))
    return layers.halves(found)[0] if layers.is_autoencoder(found) else found


def images(data, pretrained, *, image_size, resize: str, default: str = "crop", **options) -> datasets.Data:
    """The data as `data.load` reads them, in the size and the colours that suit the backbone; a `Data` as it is.

    `default` is that of the recipe's `resize`.
    Raises: ValueError, as `data.load` does, and for images that a network which exists does not take.
    """
    options |= {"image_size": image_size, "resize": resizing(data, resize, default)}
    if not isinstance(data, datasets.Data):
        options |= {"image_size": image_size or native_size(pretrained), "color": color(pretrained)}
    loaded = datasets.load(data, **options)
    takes = pretrained.input_shape[1:] if isinstance(pretrained, keras.Model) else loaded.image_shape
    if len(takes) != len(loaded.image_shape) or any(
        side not in (None, has) for side, has in zip(takes, loaded.image_shape, strict=True)
    ):
        rule = f"lead to images that the backbone takes, {takes}"
        raise ValueError(checks.message("image_size", rule, f"{image_size} and images {loaded.image_shape}"))
    return loaded


def native_size(pretrained) -> tuple[int, int] | int | None:
    """The size of the images that a backbone was made for; None where it takes any."""
    if isinstance(pretrained, keras.Model):
        height, width = pretrained.input_shape[1:3]
        return (height, width) if height and width else None
    entry = backbones.BACKBONES.get(pretrained)
    return entry and entry.size


def color(pretrained) -> str | None:
    """What a network that exists takes, "grey" or "rgb"; None for one that is yet to be built for the images."""
    return COLORS.get(pretrained.input_shape[-1]) if isinstance(pretrained, keras.Model) else None


def trunk(pretrained, source, keep: str, image_shape, classes: int) -> tuple[keras.Model, backbones.Transferred | None]:
    """The network up to where its head begins, with its weights, and what went over to it from another network.

    `pretrained` and `source` are what `network` gives for a backbone and its weights.
    """
    if isinstance(pretrained, keras.Model):
        return backbones.trunk(pretrained, keep), None
    given = isinstance(source, keras.Model)
    if pretrained in backbones.BACKBONES:
        lower = backbones.backbone(pretrained, image_shape, weights=None if given else source)
    else:
        lower = backbones.trunk(models.build(pretrained, image_shape, classes), keep)
    return lower, backbones.transfer(source, lower) if given else None


def pooling(wanted: str, pretrained) -> str:
    """How the last map becomes features, where it is "auto": flat of an encoder that ends in a code, else averaged."""
    if wanted != "auto":
        return wanted
    is_encoder = isinstance(pretrained, keras.Model) and pretrained.output_names[0].startswith(CODE)
    return "flatten" if is_encoder else "average"


def rates(network: keras.Model, backbone, weights, factor: float) -> dict[str, float] | None:
    """`factor` of the learning rate for each layer in `network` of a `backbone` that has learned; None without one."""
    if backbone is None or not (weights or isinstance(backbone, keras.Model)):
        return None
    return dict.fromkeys(sum(backbones.encoder_stages(network), ()), factor)


def head_name(lower: keras.Model) -> str:
    """The name of the new head: `HEAD`, with a number where layers of that name are kept below it."""
    taken = tuple(layer.name for layer in lower.layers)
    names = chain([HEAD], (f"{HEAD}{number}" for number in count(2)))
    return next(name for name in names if not any(each.startswith(name) for each in taken))


def head_layers(network: keras.Model) -> list[str]:
    """The names of the layers of the head, which begin with that of the output layer."""
    return [layer.name for layer in network.layers if layer.name.startswith(network.layers[-1].name)]


def head_on_features(network: keras.Model, data: datasets.Data, **options) -> tuple[keras.Model, datasets.Data]:
    """The head, and the features that it trains on, of the frozen backbone; `options` are those of `training.features`.

    A head of one layer is begun at the means of the classes, if each has an image.
    """
    head = head_layers(network)
    below = [layer.name for layer in network.layers if layer.name not in head]
    pool = f"{head[-1]}_pool"
    lower, upper = training.split_at(network, pool if pool in head else below[-1])
    found = training.features(lower, data, splits=("train", "validation"), **options)
    if sum(bool(layer.weights) for layer in upper.layers) == 1 and all(data.class_counts):
        plain = training.vectors(found, "train")[: data.train_size]
        training.begin_with_nearest_mean(upper.layers[-1], plain, data.labels("train"))
    return upper, found


def openings(unfreeze: int | str | None, gradual: bool, parts: Sequence, images: int) -> list[int]:
    """How many of a backbone's `parts` train, from the top, in each stage that unfreezes any.

    "auto" is one for `ENOUGH` training `images` or more; docs/finetuning.md has what was measured with fewer.
    Raises: ValueError for more parts than there are.

    >>> openings(2, False, "abcd", 99), openings("all", True, "abcd", 99), openings("auto", False, "abcd", 99)
    ([2], [1, 2, 3, 4], [])
    """
    most = {"all": len(parts), "auto": int(images >= ENOUGH), None: 0}.get(unfreeze, unfreeze)
    checks.in_range("unfreeze", most, 0, len(parts), mend="Pass 'all' for all of the backbone.")
    return list(range(1, most + 1)) if gradual else [most] * (most > 0)


def precision(pretrained, wanted: str, build, data, batch_size: int, epochs: int) -> dict:
    """The precision to train in: of a network that exists its own, else as `training.fastest_precision` chooses.

    `epochs` are those in which more than the head trains. To build a large network only to time it takes longer than
    `PASSES` images: for fewer it is float32.
    """
    if isinstance(pretrained, keras.Model):
        return training.as_built(pretrained, wanted)
    if wanted == "auto" and epochs * data.train_size < PASSES:
        why = f"{epochs} epochs of {data.train_size} images are too few for timing others to pay"
        return {"chosen": "float32", "why": why, "milliseconds_per_step": {}}
    return training.fastest_precision(build, data, batch_size, epochs=epochs, precision=wanted)


def notes(pretrained, moved: backbones.Transferred | None, image_shape: Sequence[int], verbose) -> list[str]:
    """What the user is told of the backbone before it trains; printed unless `verbose` is 0."""
    grey = isinstance(pretrained, str) and pretrained in backbones.BACKBONES and image_shape[-1] == 1
    told = [f"grey images are repeated to the three channels of {pretrained}"] if grey else []
    told += [f"weights: {moved}"] if moved else []
    for line in told if verbose != 0 else ():
        print(line, file=sys.stderr)
    return told


def _is_model(name: str) -> bool:
    """Whether it is a name of `models.MODELS`, perhaps with arguments; "vgg16" alone is one of `BACKBONES`."""
    return name not in backbones.BACKBONES and name.partition("(")[0].strip() in models.MODELS


def _is_file(value, *endings: str) -> bool:
    return isinstance(value, str) and value.endswith(endings) and Path(value).is_file()


def _is_run(value) -> bool:
    named = isinstance(value, str) and value not in backbones.BACKBONES and not _is_model(value)
    return named and value != "imagenet" and training.find(value) is not None
