"""Grounds to scatter objects over: clouds, gradients and stripes in two colours, with a grain."""

from __future__ import annotations

import math

import numpy as np

MOST_APART = 80  # levels between the two colours of a ground, in each channel
GRAIN = (2, 12)  # standard deviation of its noise, in levels


def ground(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A float32 picture `(height, width, 3)` in about 0..255, a function of the state of `rng`."""
    pattern = PATTERNS[rng.integers(len(PATTERNS))](rng, size)[..., None]
    first = rng.uniform(20, 235, 3).astype(np.float32)
    second = first + rng.uniform(-MOST_APART, MOST_APART, 3).astype(np.float32)
    grain = rng.standard_normal((*size, 1), np.float32) * np.float32(rng.uniform(*GRAIN))
    return first + (second - first) * pattern + grain


def clouds(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Noise in 0..1 on a coarse grid of 3 to 12 points a side, smooth between them."""
    from PIL import Image

    points = rng.integers(0, 256, rng.integers(3, 13, 2), dtype=np.uint8)
    smooth = Image.fromarray(points).resize(size[::-1], Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float32) / 255


def gradient(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """From 0 to 1 across the picture, in any direction."""
    way = _along(rng.uniform(0, 2 * math.pi), size)
    low, high = way.min(), way.max()
    return (way - low) / (high - low)


def stripes(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Waves in 0..1, 5 to 30 pixels long, in any direction."""
    way = _along(rng.uniform(0, 2 * math.pi), size)
    return 0.5 + 0.5 * np.sin(way * np.float32(2 * math.pi / rng.uniform(5, 30)) + np.float32(rng.uniform(0, 6.3)))


PATTERNS = (clouds, gradient, stripes)


def _along(angle, size):
    """How far each pixel lies in the direction of `angle`, in pixels from the first."""
    rows, columns = (np.arange(side, dtype=np.float32) for side in size)
    return columns * np.float32(math.cos(angle)) + rows[:, None] * np.float32(math.sin(angle))
