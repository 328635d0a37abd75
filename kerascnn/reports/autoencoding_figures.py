"""The figures of a report on an autoencoder that are not `metrics` as they are."""

import math
import warnings
from typing import Any

import numpy as np

from kerascnn import metrics
from kerascnn.data import Data, sample

LEVELS = 2**26  # of training images, from which principal components are computed: 256 MB
QUIET = 0.01  # variance of a unit that says nothing (Burda et al. 2016), as a share of the code's mean square


def principal_components(data: Data, count: int, seed: int) -> Any:
    """Scikit-learn's PCA of training images with values in 0..1, as many of them as `LEVELS` allow."""
    from sklearn.decomposition import PCA

    images = levels(sample(data, max(count, LEVELS // math.prod(data.image_shape)), seed=seed))
    return PCA(min(count, *images.shape), random_state=seed).fit(images)


def levels(images: np.ndarray) -> np.ndarray:
    """Images as rows of values in 0..1."""
    return np.reshape(images, (len(images), -1)).astype(np.float32) / 255


def activity(codes: np.ndarray, kind: str) -> dict[str, Any]:
    """How much the units of a code say; warns where half of them say nothing."""
    square = 1.0 if kind == "variational" else float(np.mean(codes**2))
    active = codes.var(axis=0) > QUIET * square
    figures: dict[str, Any] = {"code_std_least": float(codes.std(axis=0).min()), "active_units": float(active.mean())}
    if kind == "sparse":
        figures["active_share"] = float(np.mean(codes != 0))
    if active.mean() <= 0.5:
        mend = "beta" if kind == "variational" else "sparsity" if kind == "sparse" else "learning_rate"
        text = f"{np.sum(~active)} of {len(active)} units of the code say nothing: they are the same for all images."
        figures["warnings"] = [f"{text} Lower `{mend}`, or `code_size`."]
        warnings.warn(figures["warnings"][0], stacklevel=3)
    return figures


def probed(
    known: np.ndarray, taught: np.ndarray, codes: np.ndarray, truth: np.ndarray, pca: tuple[np.ndarray, np.ndarray]
) -> dict[str, float]:
    """How well classes are told by codes, as far as there are images for it; `pca` has the same of components."""
    figures = {}
    if len(np.unique(taught)) > 1:
        figures["linear_probe_accuracy"] = metrics.linear_probe(known, taught, (codes, truth))
        figures["linear_probe_accuracy_pca"] = metrics.linear_probe(pca[0], taught, (pca[1], truth))
    figures["knn_accuracy"] = metrics.knn_probe(known, taught, (codes, truth))
    if np.unique(truth, return_counts=True)[1].max() > 1:
        figures["recall_at_1"] = metrics.retrieval(codes, truth, k=(1,))["recall_at_1"]
    return figures
