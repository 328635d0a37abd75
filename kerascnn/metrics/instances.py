"""How well an image is cut into its objects, as the ISBI 2012 challenge on membranes is judged.

Arganda-Carreras et al. 2015, https://doi.org/10.3389/fnana.2015.00142
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerascnn import checks

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Agreement(NamedTuple):
    """Scores in [0, 1]: `f`, and its parts; `split` is 1 where no object is cut up, `merge` where none is joined."""

    f: float
    split: float
    merge: float


def v_rand(segments: Any, truth: Any) -> Agreement:
    """The foreground-restricted Rand scores of `segments` against `truth`, both integers of one shape.

    Segments are numbered from 1. Pixels of `truth` 0 (membrane) do not count; pixels of `segments` 0 are each a segment
    of their own. With p_ij the share of pixels in segment i and true object j, `split` is sum p_ij^2 / sum t_j^2: the
    probability that two pixels of one object are in one segment; `merge` is sum p_ij^2 / sum s_i^2, and `f` the
    harmonic mean of both. Raises: ValueError for shapes that differ, or without an object.

    >>> v_rand([1, 1, 2, 2], [1, 1, 1, 1])  # one object in two halves
    Agreement(f=0.6666666666666666, split=0.5, merge=1.0)
    """
    joint, of_segments, of_truth = (float(np.sum(shares**2)) for shares in _shares(segments, truth))
    return Agreement(2 * joint / (of_segments + of_truth), joint / of_truth, joint / of_segments)


def v_info(segments: Any, truth: Any) -> Agreement:
    """The same by information, I being the mutual one: `split` I / H(S), `merge` I / H(T), `f` 2 I / (H(S) + H(T)).

    Arguments as for `v_rand`. Where there is no information on one side, its quotient is 1.

    >>> v_info([1, 1, 2, 2], [1, 1, 2, 2])
    Agreement(f=1.0, split=1.0, merge=1.0)
    """
    joint, of_segments, of_truth = (float(-np.sum(shares * np.log(shares))) for shares in _shares(segments, truth))
    mutual = max(of_segments + of_truth - joint, 0.0)
    return Agreement(
        _quotient(2 * mutual, of_segments + of_truth), _quotient(mutual, of_segments), _quotient(mutual, of_truth)
    )


def rand_error(segments: Any, truth: Any) -> float:
    """1 - `v_rand(segments, truth).f`, the adapted Rand error; 0 is perfect.

    >>> rand_error([1, 1, 2, 2], [1, 1, 2, 2])
    0.0
    """
    return 1 - v_rand(segments, truth).f


def v_rand_of_membranes(
    probabilities: Any, membranes: Any, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[Agreement, float]:
    """The best mean `v_rand` of the cells between membranes over `thresholds`, and its threshold.

    `probabilities` of membrane and true `membranes` (0: cell) are `(n, height, width)`. Cells are the components, by 4
    neighbours, of the pixels below the threshold; what is above goes to the nearest cell, so that thick membranes cost
    nothing: the challenge thins them to 1 pixel instead, which scores nearly the same. Takes about 0.1 s for a
    threshold and an image of 512 x 512. Raises: ValueError for shapes that differ.
    """
    probabilities, membranes = np.asarray(probabilities), np.asarray(membranes)
    if probabilities.ndim != 3 or probabilities.shape != membranes.shape:
        rule = f"be (n, height, width), as `membranes`, {membranes.shape}"
        raise ValueError(checks.message("probabilities", rule, probabilities.shape))
    truths = [_cells(image == 0) for image in membranes]
    best = None
    for threshold in thresholds:
        pairs = zip(probabilities, truths, strict=True)
        scores = [v_rand(_grown(_cells(image < threshold)), truth) for image, truth in pairs]
        mean = Agreement(*np.mean(scores, axis=0).tolist())
        best = max(best or (mean, threshold), (mean, threshold), key=lambda each: each[0].f)
    return best[0], float(best[1])


def _cells(interior):
    from scipy.ndimage import label

    return label(interior)[0]


def _grown(segments):
    """Every pixel of segment 0 given to the nearest other segment."""
    from scipy.ndimage import distance_transform_edt

    if not segments.any():
        return segments
    rows, columns = distance_transform_edt(segments == 0, return_distances=False, return_indices=True)
    return segments[rows, columns]


def _shares(segments, truth):
    """The shares of the pixels that count: by pair of segment and object, by segment, by object."""
    segments, truth = np.asarray(segments), np.asarray(truth)
    if segments.shape != truth.shape or not (truth > 0).any():
        rule = f"have the shape of `segments`, {segments.shape}, and values above 0"
        raise ValueError(checks.message("truth", rule, truth.shape))
    segments, truth = segments[truth > 0].astype(np.int64), truth[truth > 0].astype(np.int64)
    alone = segments == 0
    segments[alone] = segments.max() + 1 + np.arange(alone.sum())
    pairs = segments * (truth.max() + 1) + truth
    return [np.unique(values, return_counts=True)[1] / truth.size for values in (pairs, segments, truth)]


def _quotient(part, whole):
    return part / whole if whole else 1.0
