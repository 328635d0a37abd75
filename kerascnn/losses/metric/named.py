"""Losses of embeddings by name."""

import inspect
from collections.abc import Callable
from typing import Literal

import keras

from kerascnn import checks
from kerascnn.losses.metric.centres import ArcFace, CosFace, ProxyAnchor
from kerascnn.losses.metric.contrastive import Contrastive
from kerascnn.losses.metric.pairs import Lifted, MultiSimilarity, NPairs, SupervisedContrastive
from kerascnn.losses.metric.triplet import Triplet

EMBEDDING_LOSSES: dict[str, Callable[..., keras.losses.Loss]] = {
    "triplet": Triplet,
    "contrastive": Contrastive,
    "n-pairs": NPairs,
    "lifted": Lifted,
    "multi-similarity": MultiSimilarity,
    "circle": keras.losses.Circle,
    "nt-xent": SupervisedContrastive,
    "supervised-contrastive": SupervisedContrastive,
    "proxy-anchor": ProxyAnchor,
    "arcface": ArcFace,
    "cosface": CosFace,
}
SOFT = "soft"  # in place of a margin


def embeddings(
    loss: str | keras.losses.Loss = "triplet",
    *,
    distance: str | None = None,
    margin: float | Literal["soft"] | None = None,
    mining: str | None = None,
) -> keras.losses.Loss:
    """The loss that `loss` stands for, on labels `(b,)` and embeddings `(b, d)`; see `needs_centres` for three of them.

    `loss` is a name of `EMBEDDING_LOSSES` or a loss, which is returned as it is. What is None is left to the loss;
    the losses on cosines take distance="cosine". margin="soft" is `Triplet(soft=True)`. Raises: ValueError for an
    unknown name, and for an argument that the loss does not have; TypeError for what is neither.

    >>> embeddings("triplet", margin=0.5, mining="batch-hard").margin
    0.5
    >>> embeddings("nt-xent", margin=0.5)
    Traceback (most recent call last):
    ValueError: `margin` must be None for loss='nt-xent'. Received: margin=0.5. It takes distance.
    """
    given = {"distance": distance, "margin": margin, "mining": mining}
    given = {name: value for name, value in given.items() if value is not None}
    if isinstance(loss, str):
        kind = EMBEDDING_LOSSES[checks.one_of("loss", loss, EMBEDDING_LOSSES)]
        takes = [name for name in ("distance", "margin", "mining") if name in inspect.signature(kind).parameters]
        if "distance" not in takes and given.get("distance") == "cosine":
            del given["distance"]
        _check(given, takes, f"be None for loss={loss!r}", f"It takes {' and '.join(takes)}.")
        if margin == SOFT:
            checks.one_of("loss", loss, ["triplet"], "Only triplets are soft: pass a number as `margin`.")
            del given["margin"]
            return Triplet(soft=True, **given)
        return kind(**given)
    if not isinstance(loss, keras.losses.Loss):
        raise TypeError(checks.message("loss", "be a name or a keras.losses.Loss", loss))
    _check(given, (), "be None where `loss` is not a name", "Give it to the loss itself.")
    return loss


def needs_centres(loss: keras.losses.Loss) -> bool:
    """Whether a loss takes cosines `(b, classes)`, for which the network is trained as `models.with_centres`.

    >>> needs_centres(ArcFace()), needs_centres(Triplet())
    (True, False)
    """
    return isinstance(loss, (ProxyAnchor, ArcFace, CosFace))


def _check(given, takes, rule, mend):
    for name, value in given.items():
        if name not in takes:
            raise ValueError(checks.message(name, rule, value, mend))
