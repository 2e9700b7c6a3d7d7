"""Counts, decoding, selection and scores of packed genotypes.

Scores go by tables of sums: the calls of a sample at three variants are six bits, and one of 64 rows holds what they
add to eight columns. One look-up replaces 24 multiplications.
"""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int, UInt
from biolab.kernels.bits import set_bits, word_at
from biolab.kernels.lanes import LANES, add_rows, put_rows, work_room

# Low bit of each of 32 calls of a word.
_LOW = np.uint64(0x5555555555555555)
_ONE = np.uint64(1)

# Variants a table, rows and numbers of a table, tables in the first cache at once.
PER_TABLE = 3
ROWS = 64
TABLE = ROWS * LANES
TABLES = 6
# Variants whose indices are kept at once (a multiple of TABLES * PER_TABLE), and bytes of samples walked at once.
SPAN = 144
TILE = 512
# One column alone: four variants a table of 256 numbers, four tables.
ALONE_ROWS = 256


@njit(cache=True, nogil=True)
def last_word(calls: UInt[ndarray, " mb"], at: int, width: int, samples: int) -> np.uint64:
    """Return the calls after the last full word of 32 of the row at a place, those beyond the last sample as 0."""
    rest = width - samples // 32 * 8
    if rest == 0:
        return np.uint64(0)
    word = np.uint64(0)
    if width >= 8:
        word = word_at(calls, at + width - 8) >> np.uint64(8 * (8 - rest))
    else:
        for k in range(rest):
            word |= np.uint64(calls[at + k]) << np.uint64(8 * k)
    return word & ((_ONE << np.uint64(2 * (samples % 32))) - _ONE)


@njit(cache=True, nogil=True)
def counts(packed: UInt[ndarray, "m b"], samples: int, found: Int[ndarray, "m 4"]) -> None:
    """Count homozygotes of the first allele, heterozygotes, homozygotes of the second, and missing calls."""
    variants, width = packed.shape
    calls = packed.reshape(-1)  # views of rows would cost more than counting short ones
    for j in range(variants):
        at = j * width
        word = last_word(calls, at, width, samples)
        first, second = word & _LOW, (word >> _ONE) & _LOW
        low, high, both = set_bits(first), set_bits(second), set_bits(first & second)
        for k in range(samples // 32):
            word = word_at(calls, at + 8 * k)
            first, second = word & _LOW, (word >> _ONE) & _LOW
            low += set_bits(first)
            high += set_bits(second)
            both += set_bits(first & second)
        found[j, 1] = np.int64(high - both)
        found[j, 2] = np.int64(both)
        found[j, 3] = np.int64(low - both)
        found[j, 0] = samples - np.int64(low + high - both)


@njit(cache=True, nogil=True)
def decode(packed: UInt[ndarray, "m b"], values: Float[ndarray, "m 4"], found: Float[ndarray, "m n"]) -> None:
    """Fill what each call counts for."""
    full = found.shape[1] // 4
    for j in range(packed.shape[0]):
        for k in range(full):
            byte = np.uint64(packed[j, k])
            for s in range(4):
                found[j, 4 * k + s] = values[j, (byte >> np.uint64(2 * s)) & np.uint64(3)]
        for i in range(4 * full, found.shape[1]):
            found[j, i] = values[j, (packed[j, i // 4] >> (2 * (i % 4))) & 3]


@njit(cache=True, nogil=True)
def select(packed: UInt[ndarray, "m b"], samples: Int[ndarray, " s"], found: UInt[ndarray, "m c"]) -> None:
    """Fill the calls of the chosen samples, in their order, the rest of the last byte as 0."""
    found[:] = 0
    for j in range(packed.shape[0]):
        for place in range(samples.size):
            i = samples[place]
            code = (packed[j, i >> 2] >> ((i & 3) << 1)) & 3
            found[j, place >> 2] |= np.uint8(code << ((place & 3) << 1))


@njit(cache=True, nogil=True)
def _indices(
    packed: UInt[ndarray, "m b"], j: int, many: int, start: int, stop: int, found: UInt[ndarray, " w"]
) -> None:
    """Bring the calls of up to four variants from j on together: a byte a sample, in words of four samples.

    A variant past the last repeats the last: its part of every table is 0.
    """
    last = packed.shape[0] - 1
    a, b, c, d = packed[j], packed[min(j + 1, last)], packed[min(j + 2, last)], packed[min(j + 3, last)]
    mask = np.uint32(0xFFFFFFFF) if many == 4 else np.uint32(0x00FFFFFF)
    for k in range(start, stop):
        x = np.uint32(
            (np.uint32(a[k]) | np.uint32(b[k]) << np.uint32(8) | np.uint32(c[k]) << np.uint32(16)
             | np.uint32(d[k]) << np.uint32(24)) & mask
        )  # fmt: skip
        # transpose 4 x 4 calls: exchange neighbours, then pairs
        t = np.uint32((x ^ (x >> np.uint32(6))) & np.uint32(0x00CC00CC))
        x = np.uint32(x ^ t ^ (t << np.uint32(6)))
        t = np.uint32((x ^ (x >> np.uint32(12))) & np.uint32(0x0000F0F0))
        found[k - start] = np.uint32(x ^ t ^ (t << np.uint32(12)))


@njit(cache=True, nogil=True)
def _fill_tables(
    values: Float[ndarray, "m 4"],
    weights: Float[ndarray, " mw"],
    at: int,
    j: int,
    parts: Float[ndarray, " q"],
    tables: Float[ndarray, " t"],
) -> None:
    """Fill TABLES tables from variant j on; weights of variant v stand at ``at + v * LANES``."""
    m = values.shape[0]
    for v in range(TABLES * PER_TABLE):
        for code in range(4):
            place = (4 * v + code) * LANES
            for lane in range(LANES):
                inside = j + v < m
                parts[place + lane] = values[j + v, code] * weights[at + (j + v) * LANES + lane] if inside else 0.0
    for t in range(TABLES):
        first = 4 * PER_TABLE * t
        for row in range(ROWS):
            a, b, c = first + (row & 3), first + 4 + ((row >> 2) & 3), first + 8 + (row >> 4)
            put_rows(tables, t * TABLE + row * LANES, parts, (a * LANES, b * LANES, c * LANES))


@njit(cache=True, nogil=True)
def add_scores(
    packed: UInt[ndarray, "m b"],
    values: Float[ndarray, "m 4"],
    weights: Float[ndarray, " cmw"],
    found: Float[ndarray, " cnw"],
    begin: int,
    end: int,
) -> None:
    """Add to the scores of the samples in bytes ``begin`` to ``end``.

    ``weights`` is [column tiles, m, LANES] and ``found`` [column tiles, 4 b, LANES], both flat.
    """
    m, width = packed.shape
    tiles = weights.size // (m * LANES)
    parts, tables = work_room(TABLES * PER_TABLE * 4 * LANES), work_room(TABLES * TABLE)
    words = np.empty((SPAN // PER_TABLE, TILE), dtype=np.uint32)
    calls = words.view(np.uint8)
    for start in range(begin, end, TILE):
        stop = min(start + TILE, end)
        for j in range(0, m, SPAN):
            many = min(SPAN, m - j)
            groups = -(-many // (TABLES * PER_TABLE)) * TABLES
            for g in range(groups):
                _indices(packed, min(j + g * PER_TABLE, m - 1), PER_TABLE, start, stop, words[g])
            for tile in range(tiles):
                for g in range(0, groups, TABLES):
                    _fill_tables(values, weights, tile * m * LANES, j + g * PER_TABLE, parts, tables)
                    at = (tile * width + start) * 4 * LANES
                    for i in range(4 * (stop - start)):
                        places = (
                            np.intp(calls[g, i]) * LANES,
                            np.intp(calls[g + 1, i]) * LANES + TABLE,
                            np.intp(calls[g + 2, i]) * LANES + 2 * TABLE,
                            np.intp(calls[g + 3, i]) * LANES + 3 * TABLE,
                            np.intp(calls[g + 4, i]) * LANES + 4 * TABLE,
                            np.intp(calls[g + 5, i]) * LANES + 5 * TABLE,
                        )
                        add_rows(found, at + i * LANES, tables, places)


@njit(cache=True, nogil=True)
def _fill_alone(
    values: Float[ndarray, "m 4"], weights: Float[ndarray, " m"], j: int, table: Float[ndarray, "4 r"]
) -> None:
    """Fill the tables of one column for the sixteen variants from j on."""
    m = values.shape[0]
    part = np.zeros((4, 4))
    for g in range(4):
        for v in range(4):
            variant = j + 4 * g + v
            for code in range(4):
                part[v, code] = values[variant, code] * weights[variant] if variant < m else 0.0
        for row in range(ALONE_ROWS):
            low = part[0, row & 3] + part[1, (row >> 2) & 3]
            table[g, row] = low + (part[2, (row >> 4) & 3] + part[3, row >> 6])


@njit(cache=True, nogil=True)
def add_score(
    packed: UInt[ndarray, "m b"],
    values: Float[ndarray, "m 4"],
    weights: Float[ndarray, " m"],
    found: Float[ndarray, " n"],
    begin: int,
    end: int,
) -> None:
    """Add to one score a sample in bytes ``begin`` to ``end``; ``found`` has four numbers a byte."""
    m = packed.shape[0]
    table = np.empty((4, ALONE_ROWS))
    words = np.empty((4, TILE), dtype=np.uint32)
    calls = words.view(np.uint8)
    a, b, c, d = calls[0], calls[1], calls[2], calls[3]
    first, second, third, fourth = table[0], table[1], table[2], table[3]
    for j in range(0, m, 16):
        _fill_alone(values, weights, j, table)
        for start in range(begin, end, TILE):
            stop = min(start + TILE, end)
            for g in range(4):
                _indices(packed, min(j + 4 * g, m - 1), 4, start, stop, words[g])
            for i in range(4 * (stop - start)):
                found[4 * start + i] += (first[a[i]] + second[b[i]]) + (third[c[i]] + fourth[d[i]])


@njit(cache=True, nogil=True)
def transpose(packed: UInt[ndarray, "m b"], samples: int, found: UInt[ndarray, "n c"]) -> None:
    """Fill the calls with samples as rows, four variants a byte; those beyond the last variant repeat it."""
    width = packed.shape[1]
    words = np.empty(width, dtype=np.uint32)
    calls = words.view(np.uint8)
    for j in range(0, packed.shape[0], 4):
        _indices(packed, j, 4, 0, width, words)
        for i in range(samples):
            found[i, j >> 2] = calls[i]
