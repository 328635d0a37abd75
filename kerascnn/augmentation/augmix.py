"""AugMix: several chains of operations on one image, mixed with each other and with the image itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from kerascnn import checks
from kerascnn.augmentation import engine
from kerascnn.augmentation.beta import interpolated
from kerascnn.augmentation.geometry import Rotate, Shear, Shift
from kerascnn.augmentation.pipeline import OneOf, Pipeline
from kerascnn.augmentation.pixels import AutoContrast, Equalize
from kerascnn.augmentation.plan import Plan, plan
from kerascnn.augmentation.tones import Posterize, Solarize
from kerascnn.augmentation.transform import Transform

SEVERITIES = 10
ENTRIES = 1025  # of a table of quantiles


@dataclass(frozen=True, repr=False)
class AugMix(Transform):
    """The image mixed with `width` copies that went through chains of operations (Hendrycks et al. 2020).

    Each chain has `depth` of the paper's nine operations, one to three if it is -1, of a strength drawn evenly up to
    `severity` of 10. The copies are averaged with Dirichlet(`alpha`) weights, and the result with the image by a
    Beta(`alpha`, `alpha`) share. Of targets it carries labels only, as the copies lie askew on each other. The paper's
    consistency loss is not part of it. https://arxiv.org/abs/1912.02781
    """

    severity: float = 3
    width: int = 3
    depth: int = -1
    alpha: float = 1.0
    targets = frozenset({"labels"})

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        checks.in_range("severity", self.severity, 0, SEVERITIES)
        checks.positive_int("width", self.width)
        checks.in_range("alpha", self.alpha, 0.1, 100)
        if self.depth != -1:
            checks.positive_int("depth", self.depth, "Pass -1 for one to three.")

    @property
    def draws(self) -> int:
        """Those of all chains, a weight for each, and two for the share."""
        return self.width * (self.steps.draws + 1) + 2

    @cached_property
    def steps(self) -> Plan:
        """The chain without nesting."""
        return plan(self.chain())

    def chain(self) -> Pipeline:
        """What a copy goes through."""
        share = self.severity / SEVERITIES
        slope, shift = math.degrees(math.atan(0.3 * share)), share / 3
        one = OneOf(
            Rotate(30 * share), Shear(slope, axes="x"), Shear(slope, axes="y"), Shift(shift, axes="x"),
            Shift(shift, axes="y"), Posterize((max(1, 4 - int(4 * share)), 4)), Solarize((256 * (1 - share), 256)),
            AutoContrast(), Equalize(),
        )  # fmt: skip
        if self.depth == -1:
            return Pipeline(one, Pipeline(one, Pipeline(one, p=1 / 2), p=2 / 3))
        return Pipeline(*[one] * self.depth)

    def pixels(self, images, u, backend, keys):
        """All chains at once, as one batch of `width` times as many images."""
        xp, width = backend.np, self.width
        weights = gammas(u[:, : width + 2], self.alpha, xp)
        count = self.steps.draws
        draws = [u[:, width + 2 + i * count :][:, :count] for i in range(width)]
        copies = {"images": xp.concatenate([images] * width)}
        copies = engine.run(self.steps, copies, xp.concatenate(draws), backend)["images"]
        copies = xp.reshape(copies, (width, -1, *images.shape[1:]))
        mixed, total = copies[0], weights[:, 0]
        for i in range(1, width):
            total = total + weights[:, i]
            mixed = backend.blend(copies[i], mixed, weights[:, i] / total)
        return backend.blend(images, mixed, weights[:, width] / (weights[:, width] + weights[:, width + 1]))


def gammas(u, shape: float, xp):
    """Draws of the gamma distribution out of `u` in [0, 1); divided by their sum they are of Dirichlet's.

    >>> gammas(np.array([0.5]), 1.0, np).round(3).tolist()  # of shape 1: the exponential distribution, log 2
    [0.693]
    """
    return interpolated(_quantiles(shape), u, xp)


@lru_cache
def _quantiles(shape: float) -> np.ndarray:
    """Quantiles of the gamma distribution; integrated over a power of `x`, in which its density is bounded."""
    power = min(shape, 1)
    x = (shape + 12 * shape**0.5 + 25) * np.linspace(1e-9, 1, 200_001) ** (2 / power)
    density = np.exp((shape - power) * np.log(x / shape) - x + shape)
    mass = np.append(0, np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(x**power)))
    shares = np.linspace(0, 1 - 1 / (4 * ENTRIES), ENTRIES)
    quantiles = np.interp(shares, mass / mass[-1], x**power) ** (1 / power)
    return np.maximum(quantiles, 1e-30).astype(np.float32)
