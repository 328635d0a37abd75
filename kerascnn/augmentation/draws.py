"""Random numbers that are a stateless function of (seed, epoch, example index, number of the draw)."""

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15


def uniforms(seed: int, epoch: int, indices: np.ndarray, count: int) -> np.ndarray:
    """`(len(indices), count)` float64 numbers in [0, 1), by the splitmix64 hash (Steele et al. 2014).

    An example's draws do not depend on its batch, on its neighbours, or on how many numbers are drawn.

    >>> one, many = uniforms(0, 3, np.array([7]), 2), uniforms(0, 3, np.array([5, 7]), 4)
    >>> bool((one[0] == many[1, :2]).all())
    True
    """
    draws = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    return (_mix(streams(seed, epoch, indices)[:, None] + draws) >> np.uint64(11)) * 2.0**-53


def streams(seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
    """A uint64 for each of `indices`, to seed noise with."""
    return _mix(_mix(_mix(_word(seed)) + _word(epoch)) + np.asarray(indices).astype(np.uint64))


def substreams(keys, number: int):
    """Other keys, for the step with this `number`; what is no array of keys (a Keras seed) stays as it is."""
    return _mix(keys + np.uint64(number + 1)) if isinstance(keys, np.ndarray) else keys


def _word(value) -> np.ndarray:
    return np.array([int(value) % 2**64], np.uint64)


def _mix(z: np.ndarray) -> np.ndarray:
    z = z + np.uint64(GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
