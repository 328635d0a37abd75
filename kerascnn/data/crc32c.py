"""The check sums of TFRecord files: CRC-32C (Castagnoli, RFC 3720), in NumPy."""

from __future__ import annotations

from functools import cache

import numpy as np

POLYNOMIAL = 0x82F63B78  # with the lowest power in the highest bit
BLOCK = 64  # bytes whose tables fit into the fastest cache of a processor
SHORT = 4 * BLOCK  # bytes, up to which a loop in Python is as fast
ONES = 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """The check sum of `data`.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    if len(data) < SHORT:
        return _one_by_one(data)
    padded = np.zeros((-(-len(data) // BLOCK), BLOCK), np.uint8)  # zeros in front change nothing where all begins at 0
    flat = padded.reshape(-1)[-len(data) :]
    flat[:] = np.frombuffer(data, np.uint8)
    flat[:4] ^= 0xFF  # the same as beginning with ones
    blocks = np.bitwise_xor.reduce(_of_places()[np.arange(BLOCK), padded], axis=1)
    return int(_joined(blocks)) ^ ONES


def masked(data: bytes) -> int:
    """The check sum as TFRecord files hold it."""
    found = crc32c(data)
    return ((found >> 15 | found << 17) + 0xA282EAD8) & ONES


def _one_by_one(data: bytes) -> int:
    table, found = _table_of_ints(), ONES
    for byte in data:
        found = table[(found ^ byte) & 0xFF] ^ found >> 8
    return found ^ ONES


def _joined(blocks: np.ndarray) -> np.ndarray:
    """The check sum of blocks in a row from those of each, two by two."""
    level = 0
    while len(blocks) > 1:
        blocks = blocks if len(blocks) % 2 == 0 else np.concatenate([np.zeros(1, np.uint32), blocks])
        blocks = _moved(_over_blocks(level), blocks[::2]) ^ blocks[1::2]
        level += 1
    return blocks[0]


def _moved(tables: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """What `sums` become over as many zero bytes as `tables` `(4, 256)` are made for."""
    return np.bitwise_xor.reduce([table[sums >> 8 * i & 0xFF] for i, table in enumerate(tables)])


@cache
def _table() -> np.ndarray:
    """What each byte becomes over its own 8 bits."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = table >> 1 ^ np.where(table & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    return table


@cache
def _table_of_ints() -> list[int]:
    return _table().tolist()


def _over_a_byte(sums: np.ndarray) -> np.ndarray:
    return sums >> 8 ^ _table()[sums & 0xFF]


@cache
def _of_places() -> np.ndarray:
    """`(BLOCK, 256)`: what a byte at each place of a block adds to the block's check sum."""
    rows = [_table()]
    for _ in range(BLOCK - 1):
        rows.append(_over_a_byte(rows[-1]))
    return np.stack(rows[::-1])


@cache
def _over_blocks(level: int) -> np.ndarray:
    """`(4, 256)`: what each byte of a check sum becomes over 2 ** level blocks."""
    if level:
        before = _over_blocks(level - 1)
        return np.stack([_moved(before, row) for row in before])
    tables = np.arange(256, dtype=np.uint32) << 8 * np.arange(4, dtype=np.uint32)[:, None]
    for _ in range(BLOCK):
        tables = _over_a_byte(tables)
    return tables
