"""The figures of a report on an embedding that are not `metrics` as they are."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascnn import metrics
from kerascnn.data import Data, plain_batches
from kerascnn.reports.report import predict

MOST = 2**26  # levels of all images together up to which they are compared as they are: 256 MB
TOLD = {"ways": 5, "shots": 1, "queries": 1}  # of episodes, where nothing else is asked for


def drawn_pairs(
    rows: np.ndarray, labels: np.ndarray, distance: str, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The distances of drawn pairs, and whether they are of one class."""
    drawn = metrics.sampled_pairs(labels, count, seed)
    return metrics.pair_distances(rows[drawn.left], rows[drawn.right], distance), drawn.same


def at_tau(apart: np.ndarray, same: np.ndarray, tau: float) -> dict[str, float]:
    """What a threshold gets wrong of pairs, and the mean of what it gets right of both kinds."""
    accepts, rejects = float(np.mean(apart[~same] <= tau)), float(np.mean(apart[same] > tau))
    right = 1 - (accepts + rejects) / 2
    return {"tau": tau, "accuracy_at_tau": right, "false_accepts": accepts, "false_rejects": rejects}


def compared(
    data: Data, split: str, labels: np.ndarray, untrained: keras.Model | None, distance: str
) -> dict[str, float]:
    """What a search finds that needs no training."""
    figures = {}
    if len(labels) * math.prod(data.image_shape) <= MOST:
        parts = [np.asarray(images, np.float32) for images, _ in plain_batches(data, split, 256)]
        pixels = np.concatenate([part.reshape(len(part), -1) for part in parts])
        figures["recall_at_1_pixels"] = metrics.retrieval(pixels, labels, k=(1,))["recall_at_1"]
    if untrained is not None:
        rows = predict(untrained, data, split)[1]
        figures["recall_at_1_untrained"] = metrics.retrieval(rows, labels, distance=distance, k=(1,))["recall_at_1"]
    return figures


def of_episodes(rows: np.ndarray, labels: np.ndarray, distance: str, draw: Mapping[str, Any]) -> dict[str, Any]:
    """The accuracy of drawn episodes, its interval, and of what kind they were."""
    found = metrics.episodes(rows, labels, distance=distance, **draw)
    ends = {"episode_accuracy_low": found.low, "episode_accuracy_high": found.high}
    told = {name: draw.get(name, usual) for name, usual in TOLD.items()}
    within = {"within_groups": draw.get("groups") is not None, "by_another_drawer": draw.get("drawers") is not None}
    return {"episode_accuracy": found.accuracy, **ends, "episodes": {**told, **within, "count": found.count}}
