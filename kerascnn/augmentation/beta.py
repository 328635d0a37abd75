"""The Beta(alpha, alpha) distribution from even draws, by its quantiles."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

KNOTS = 1024
TERMS = 300  # of the series; the last is below 1e-12 for alpha up to 100
HALVINGS = 60


def symmetric_beta(u, alpha: float, xp):
    """The quantile of Beta(`alpha`, `alpha`) at each of `u` `(n,)` in [0, 1], to about 2e-4 of probability.

    `xp` is `numpy` or `keras.ops`. `alpha` is in (0, 100].

    >>> symmetric_beta(np.array([0.0, 0.25, 0.5, 1.0]), 1.0, np).round(6).tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    lesser = 0.5 * xp.power(interpolated(_table(alpha), 1 - xp.abs(2 * u - 1), xp), 1 / alpha)
    return xp.where(u < 0.5, lesser, 1 - lesser)


def interpolated(table: np.ndarray, share, xp):
    """A function at each `share` in [0, 1], linear between the values of its `table`, at even steps from 0 to 1."""
    last, table = len(table) - 1, xp.array(table, dtype="float32")
    place = last * share
    knot = xp.minimum(xp.floor(place), last - 1)
    below = xp.array(knot, dtype="int32")
    start, end = xp.take(table, below, axis=0), xp.take(table, below + 1, axis=0)
    return start + (place - knot) * (end - start)


@lru_cache(maxsize=16)
def _table(alpha: float) -> np.ndarray:
    """`(2 x)^alpha` of the quantile x of the probability p at `KNOTS + 1` even p in [0, 1/2], by bisection.

    For small x it is in proportion to p, and smooth up to 1/2, so that linear interpolation between the knots serves.
    """
    goals = np.linspace(0, 0.5, KNOTS + 1)
    low, high = np.zeros_like(goals), np.ones_like(goals)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        over = _probability(middle, alpha) > goals
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return low


def _probability(y, alpha):
    """The probability below x, where y is `(2 x)^alpha`: DLMF 8.17.8, a series of positive terms for x up to 1/2."""
    x = 0.5 * y ** (1 / alpha)
    terms = np.arange(TERMS - 1)
    series = np.cumprod(np.concatenate([[1.0], (2 * alpha + terms) / (alpha + 1 + terms)]))
    log_beta = 2 * math.lgamma(alpha) - math.lgamma(2 * alpha)
    front = y * np.exp(alpha * np.log1p(-x) - alpha * math.log(2) - math.log(alpha) - log_beta)
    return front * np.polynomial.polynomial.polyval(x, series)
