"""What a report on an autoencoder shows; each function draws one picture."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerascnn.data import Data
from kerascnn.reports.embedding import PLANES, in_plane
from kerascnn.reports.report import examples_of

SHOWN, UNLIKE = 10, 12  # images from the best to the worst, and of the very worst ones
POINTS = 800  # on the map
PAIRS, STEPS = 6, 9  # of the interpolations
SAMPLES = 60


def reconstructions(model: keras.Model, data: Data, split: str, errors: np.ndarray) -> Any:
    """Images from the best to the worst, and what came of them."""
    from kerascnn import plots

    order = np.argsort(errors, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(len(order), SHOWN)).astype(int)]
    return plots.reconstructions(*_rebuilt(model, data, split, chosen))


def anomalies(model: keras.Model, data: Data, split: str, errors: np.ndarray) -> Any:
    """The images that are least like what the network knows, and all errors."""
    from kerascnn import plots

    chosen = np.argsort(-errors, kind="stable")[:UNLIKE]
    images, outputs, _ = _rebuilt(model, data, split, chosen)
    return plots.anomalies(errors, images, outputs, errors[chosen], threshold=float(np.percentile(errors, 99)))


def code_space(
    data: Data, split: str, codes: np.ndarray, labels: np.ndarray | None, class_names: Sequence[str], seed: int
) -> Any:
    """Where some images lie by their codes."""
    from kerascnn import plots

    chosen = np.sort(np.random.default_rng(seed).permutation(len(codes))[:POINTS])
    plane = "pca" if codes.shape[1] < 3 else "t-sne"
    points = in_plane(codes[chosen], plane, seed)
    images, _ = examples_of(data, split, chosen)
    title = f"{len(chosen):,} codes" + (f" by {PLANES[plane]}" if codes.shape[1] > 2 else "")
    if labels is None:
        return plots.embedding_map(points, images, np.zeros(len(chosen), int), ["images"], title=title)
    names = class_names or [str(number) for number in range(labels.max() + 1)]
    return plots.embedding_map(points, images, labels[chosen], names, title=title)


def interpolations(
    decoder: keras.Model, data: Data, split: str, codes: np.ndarray, labels: np.ndarray | None, seed: int
) -> Any:
    """Pairs of images, of different classes where these are known, and what lies between their codes."""
    from kerascnn import plots

    left, right = _pairs(labels, len(codes), seed)
    share = np.linspace(0, 1, STEPS, dtype="float32")[:, None]
    between = [_decoded(decoder, (1 - share) * codes[i] + share * codes[j]) for i, j in zip(left, right, strict=True)]
    targets = examples_of(data, split, np.concatenate([left, right]))[1]
    return plots.interpolations(targets[: len(left)], between, targets[len(left) :])


def samples(decoder: keras.Model, codes: np.ndarray, kind: str, seed: int) -> Any:
    """Images of drawn codes."""
    from kerascnn import plots

    drawn, source = drawn_codes(codes, SAMPLES, kind, seed)
    return plots.samples(_decoded(decoder, drawn), title=f"images of codes that are drawn from {source}")


def drawn_codes(codes: np.ndarray, count: int, kind: str, seed: int) -> tuple[np.ndarray, str]:
    """Codes `(count, d)`, and what they are drawn from.

    Those of a "variational" autoencoder are drawn from N(0, 1), others from a Gaussian with the mean and covariance of
    the `codes` `(n, d)`, cut to the range that each unit has in them.
    """
    rng = np.random.default_rng(seed)
    if kind == "variational":
        return rng.standard_normal((count, codes.shape[1])).astype(np.float32), "N(0, 1)"
    spread = np.atleast_2d(np.cov(codes, rowvar=False))
    drawn = rng.multivariate_normal(codes.mean(axis=0), spread, count, method="eigh", check_valid="ignore")
    return np.clip(drawn, codes.min(axis=0), codes.max(axis=0)).astype(np.float32), "a Gaussian fitted to the codes"


def _pairs(labels: np.ndarray | None, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of images and of others, each of another class than its partner where there is one left."""
    order = np.random.default_rng(seed).permutation(count).tolist()
    left, rest = order[:PAIRS], order[PAIRS:] or order[::-1]
    right = []
    for first in left:
        others = [other for other in rest if labels is None or labels[other] != labels[first]] or rest
        right.append(others[0])
        rest = [other for other in rest if other != others[0]] or rest
    return np.array(left), np.array(right)


def _rebuilt(model: keras.Model, data: Data, split: str, chosen: np.ndarray) -> tuple[Any, np.ndarray, Any]:
    """Images, what the network makes of them, and what it should."""
    images, targets = examples_of(data, split, chosen)
    return images, np.asarray(model.predict_on_batch(np.stack(images))), targets


def _decoded(decoder: keras.Model, codes: np.ndarray) -> np.ndarray:
    return np.asarray(decoder.predict_on_batch(codes.reshape(-1, *decoder.input_shape[1:])))
