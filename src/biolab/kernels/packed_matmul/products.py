"""Sums over samples: genotypes of a variant times columns of numbers.

The calls of three samples are six bits of a variant's row, and one of 64 rows of a table holds what they add to eight
columns; tables are shared by all variants of a block.
"""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int, UInt
from biolab.kernels.bits import lowest_bit, word_at
from biolab.kernels.lanes import LANES, add_rows, put_rows, work_room

from .cpu import last_word

_LOW = np.uint64(0x5555555555555555)
_ONE = np.uint64(1)

# Samples of one step: three bytes, four tables of 64 rows (16 KiB, in the first cache).
STEP = 12
STEP_BYTES = 3
TABLES = 4
ROWS = 64
TABLE = ROWS * LANES
# Variants that share tables, and steps whose bytes are brought together at once.
BLOCK = 1024
STEPS = 16


@njit(cache=True, nogil=True)
def _gather(packed: UInt[ndarray, "m b"], j: int, many: int, step: int, found: UInt[ndarray, "s v"]) -> None:
    """Fill the 24 bits of each step and variant, step by step: a copy that is read along rows."""
    width = packed.shape[1]
    for v in range(many):
        row = packed[j + v]
        for s in range(found.shape[0]):
            start = (step + s) * STEP_BYTES
            word = np.uint32(0)
            for k in range(STEP_BYTES):
                if start + k < width:
                    word |= np.uint32(row[start + k]) << np.uint32(8 * k)
            found[s, v] = word


@njit(cache=True, nogil=True)
def _fill_tables(
    dense: Float[ndarray, " cnw"], at: int, parts: Float[ndarray, " q"], tables: Float[ndarray, " t"]
) -> None:
    """Fill the tables of twelve samples whose rows begin at ``at``: dosages 2, 0 (missing), 1, 0 of the two bits."""
    for s in range(STEP):
        for lane in range(LANES):
            x = dense[at + s * LANES + lane]
            place = 4 * s * LANES + lane
            parts[place], parts[place + LANES] = 2.0 * x, 0.0
            parts[place + 2 * LANES], parts[place + 3 * LANES] = x, 0.0
    for t in range(TABLES):
        first = 4 * 3 * t
        for row in range(ROWS):
            a, b, c = first + (row & 3), first + 4 + ((row >> 2) & 3), first + 8 + (row >> 4)
            put_rows(tables, t * TABLE + row * LANES, parts, (a * LANES, b * LANES, c * LANES))


@njit(cache=True, nogil=True)
def add_products(
    packed: UInt[ndarray, "m b"],
    dense: Float[ndarray, " cnw"],
    samples: int,
    found: Float[ndarray, " cmw"],
    begin: int,
    end: int,
) -> None:
    """Add sums of dosage (missing as 0) times dense for variants ``begin`` to ``end``.

    ``dense`` is [column tiles, samples filled up to steps of 12 with rows of 0, LANES], ``found`` [column tiles, m,
    LANES], both flat.
    """
    m = packed.shape[0]
    tiles = found.size // (m * LANES)
    steps = -(-samples // STEP)
    parts, tables = work_room(STEP * 4 * LANES), work_room(TABLES * TABLE)
    words = np.empty((STEPS, BLOCK), dtype=np.uint32)
    for j in range(begin, end, BLOCK):
        many = min(BLOCK, end - j)
        for first in range(0, steps, STEPS):
            count = min(STEPS, steps - first)
            _gather(packed, j, many, first, words[:count])
            for tile in range(tiles):
                at = (tile * m + j) * LANES
                for s in range(count):
                    _fill_tables(dense, (tile * steps + first + s) * STEP * LANES, parts, tables)
                    for v in range(many):
                        word = np.intp(words[s, v])
                        places = (
                            (word & 63) * LANES,
                            ((word >> 6) & 63) * LANES + TABLE,
                            ((word >> 12) & 63) * LANES + 2 * TABLE,
                            (word >> 18) * LANES + 3 * TABLE,
                        )
                        add_rows(found, at + v * LANES, tables, places)


@njit(cache=True, nogil=True)
def _add_missing_of_word(
    word: np.uint64, start: int, dense: Float[ndarray, "n k"], found: Float[ndarray, " k"]
) -> None:
    absent = word & ~(word >> _ONE) & _LOW
    while absent != np.uint64(0):
        sample = start + np.intp(lowest_bit(absent) >> _ONE)
        for column in range(found.size):
            found[column] += dense[sample, column]
        absent &= absent - _ONE


@njit(cache=True, nogil=True)
def add_missing(
    packed: UInt[ndarray, "m b"], dense: Float[ndarray, "n k"], found: Float[ndarray, "m k"], begin: int, end: int
) -> None:
    """Add the rows of samples without a call, for variants ``begin`` to ``end``."""
    samples, width = dense.shape[0], packed.shape[1]
    full, calls = samples // 32, packed.reshape(-1)
    for j in range(begin, end):
        for k in range(full):
            _add_missing_of_word(word_at(calls, j * width + 8 * k), 32 * k, dense, found[j])
        _add_missing_of_word(last_word(calls, j * width, width, samples), 32 * full, dense, found[j])


@njit(cache=True, nogil=True)
def _count_missing_of_word(word: np.uint64, start: int, found: Int[ndarray, " n"]) -> None:
    absent = word & ~(word >> _ONE) & _LOW
    while absent != np.uint64(0):
        found[start + np.intp(lowest_bit(absent) >> _ONE)] += 1
        absent &= absent - _ONE


@njit(cache=True, nogil=True)
def count_missing(packed: UInt[ndarray, "m b"], samples: int, found: Int[ndarray, " n"]) -> None:
    """Add the number of missing calls to each sample."""
    variants, width = packed.shape
    full, calls = samples // 32, packed.reshape(-1)
    for j in range(variants):
        for k in range(full):
            _count_missing_of_word(word_at(calls, j * width + 8 * k), 32 * k, found)
        _count_missing_of_word(last_word(calls, j * width, width, samples), 32 * full, found)
