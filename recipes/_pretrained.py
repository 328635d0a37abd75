"""What a recipe's `backbone=` and `weights=` stand for: a name, a file, the folder of a run, a Result or a network."""

import sys
from collections.abc import Sequence
from pathlib import Path

import keras

from kerascnn import backbones, checks, layers, models, training
from kerascnn.models.registry import parse
from kerascnn.training import Result

FILES = (".keras", ".h5")
COLORS = {1: "grey", 3: "rgb"}


def check(backbone, weights) -> None:
    """Raises ValueError or TypeError for what is no backbone, and for "imagenet" where there are no such weights."""
    if isinstance(backbone, keras.Model | Result) or _is_file(backbone):
        return
    if not isinstance(backbone, str | Path):
        rule = "be a name, the folder of a run, a .keras file, a Result or a keras.Model"
        raise TypeError(checks.message("backbone", rule, backbone))
    name = str(backbone)
    if _is_model(name):
        parse(name)
        if weights == "imagenet":
            mend = "Pass weights=None, or the run, the file or the network that has them."
            raise ValueError(checks.message("weights", f"be others for {name}, which has none there", weights, mend))
    elif name not in backbones.BACKBONES and training.find(name) is None:
        known = sorted([*backbones.BACKBONES, *models.MODELS])
        mend = checks.nearest(name, known) or "Or pass the folder of a run, a name in the zoo or a .keras file."
        raise ValueError(checks.message("backbone", f"be one of {', '.join(known)}", name, mend))


def network(value):
    """The network of a Result, of the folder or the name of a run, or of a .keras file, copied; all else as it is."""
    if isinstance(value, Result):
        value = value.model
    elif _is_run(value):
        value = training.load(value).model
    elif _is_file(value) and Path(value).suffix == ".keras":
        value = keras.saving.load_model(value, compile=False)
    return layers.unfuse(value) if isinstance(value, keras.Model) else value


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


def seam(network: keras.Model, head: str) -> str:
    """The layer that gives the head its features, one vector an image: its pooling, or what is in front of the head."""
    names = [layer.name for layer in network.layers]
    pool = f"{head}_pool"
    if pool in names:
        return pool
    return next(name for name in reversed(names) if not name.startswith(head))


def openings(unfreeze: int | str | None, gradual: bool, parts: Sequence) -> list[int]:
    """How many of a backbone's `parts` train, from the top, in each stage that unfreezes any.

    Raises: ValueError for more parts than there are.

    >>> openings(2, False, "abcd"), openings("all", True, "abcd"), openings(None, False, "abcd")
    ([2], [1, 2, 3, 4], [])
    """
    count = len(parts) if unfreeze == "all" else unfreeze or 0
    checks.in_range("unfreeze", count, 0, len(parts), mend="Pass 'all' for all of the backbone.")
    return list(range(1, count + 1)) if gradual else [count] * (count > 0)


def precision(pretrained, wanted: str, build, data, batch_size: int, epochs: int) -> dict:
    """The precision to train in: of a network that exists its own, else as `training.fastest_precision` chooses."""
    if isinstance(pretrained, keras.Model):
        return training.as_built(pretrained, wanted)
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
    """Whether it is a name of `models.MODELS`, perhaps with arguments."""
    return name.partition("(")[0].strip() in models.MODELS


def _is_file(value) -> bool:
    return isinstance(value, str | Path) and Path(value).suffix in FILES and Path(value).is_file()


def _is_run(value) -> bool:
    named = isinstance(value, str | Path) and value not in backbones.BACKBONES and not _is_model(str(value))
    return named and value != "imagenet" and training.find(value) is not None
