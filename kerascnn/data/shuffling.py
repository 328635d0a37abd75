"""The order of an epoch: a permutation that needs no memory, as each place says by itself which example stands there.

It is `tf.random.experimental.index_shuffle`, number for number: four rounds of the Simon block cipher on 16 bits or
more, again and again until what comes out is an example (cycle walking). https://eprint.iacr.org/2013/404
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

ROUNDS = 4
LEAST_BITS = 16  # of a block
CONSTANT, SEQUENCE = 0xFFFFFFFC, 0x7369F885192C0EF5  # of the cipher's key schedule
FIRST_KEY = 498247692  # TensorFlow puts it before the two that it is given
BLOCK = 2**16  # places that are looked up together


def shuffled(places: np.ndarray, seed: int, epoch: int, size: int) -> np.ndarray:
    """The int64 example at each of `places`, of the permutation of `size` that (seed, epoch) chooses.

    >>> shuffled(np.arange(5), seed=0, epoch=0, size=5).tolist()
    [0, 2, 1, 3, 4]
    """
    places = np.asarray(places, np.int64)
    half = -(-max(LEAST_BITS, (size - 1).bit_length()) // 2)
    keys = _round_keys((FIRST_KEY, seed, epoch), half)
    if 2 * half == LEAST_BITS:
        return _walked(places, size, _encrypted(np.arange(2**LEAST_BITS), keys, half))
    found = _encrypted(places, keys, half)
    while (outside := np.flatnonzero(found >= size)).size:
        found[outside] = _encrypted(found[outside], keys, half)
    return found


def orders(size: int, batch: int, steps: int, seed: int) -> Callable[[int], np.ndarray]:
    """`step` -> the examples `(batch,)` of that step, counted over all epochs of `steps` batches.

    Some thousand are looked up together and the last ones kept, so that what is kept does not grow with `size`.
    """
    together = max(1, BLOCK // batch)

    @lru_cache(maxsize=4)
    def block(epoch: int, number: int) -> np.ndarray:
        first, last = number * together, min((number + 1) * together, steps)
        return shuffled(np.arange(first * batch, last * batch), seed, epoch, size).reshape(-1, batch)

    def order(step: int) -> np.ndarray:
        epoch, place = divmod(step, steps)
        number, row = divmod(place, together)
        return block(epoch, number)[row]

    return order


def _round_keys(key: tuple[int, ...], half: int) -> list[int]:
    mask = 2**half - 1
    keys, sequence = [part & 0xFFFFFFFF & mask for part in key], SEQUENCE
    for _ in range(len(key), ROUNDS):
        mixed = _turned(keys[-1], half - 3, half) ^ _turned(keys[-1], half - 4, half)
        keys.append((CONSTANT & mask) ^ (sequence & 1) ^ keys[-3] ^ mixed)
        sequence >>= 1
    return keys


def _turned(words, by: int, half: int):
    """Words of `half` bits, turned left."""
    return ((words << by) | (words >> (half - by))) & (2**half - 1)


def _encrypted(blocks: np.ndarray, keys: list[int], half: int) -> np.ndarray:
    """Each of int64 `blocks` of twice `half` bits, through one round for each of `keys`."""
    words = np.arange(2**half)  # what a round makes of each half, to be looked up
    mixed = (_turned(words, 1, half) & _turned(words, 8, half)) ^ _turned(words, 2, half)
    left, right = blocks >> half, blocks & (2**half - 1)
    for key in keys:
        left, right = right, left ^ key ^ mixed.take(right, mode="clip")
    return (left << half) | right


def _walked(places: np.ndarray, size: int, table: np.ndarray) -> np.ndarray:
    """Walks through a `table` of what each number becomes, until all are below `size`: in strides that double."""
    found = table[places]
    table[:size] = np.arange(size)  # where a walk ends
    while (found >= size).any():
        found, table = table.take(found, mode="clip"), table.take(table, mode="clip")
    return found
