"""Planes of bits and counts over pairs of them."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int, UInt
from biolab.kernels.bits import set_bits

HOM_FIRST, HOM_SECOND, HET = 0, 1, 2
_LOW = np.uint64(0x5555555555555555)
_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def _together(word: np.uint64) -> np.uint64:
    """Bring the even bits of a word together in its lower half."""
    x = word & _LOW
    x = (x | (x >> np.uint64(1))) & np.uint64(0x3333333333333333)
    x = (x | (x >> np.uint64(2))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    x = (x | (x >> np.uint64(4))) & np.uint64(0x00FF00FF00FF00FF)
    x = (x | (x >> np.uint64(8))) & np.uint64(0x0000FFFF0000FFFF)
    return (x | (x >> np.uint64(16))) & np.uint64(0x00000000FFFFFFFF)


@njit(cache=True, nogil=True)
def planes(packed: UInt[ndarray, "m b"], samples: int, found: UInt[ndarray, "m 3 w"]) -> None:
    """Fill three bits a call; nothing is set beyond the last sample."""
    width = packed.shape[1]
    for j in range(packed.shape[0]):
        for half in range(-(-samples // 32)):
            word = np.uint64(0)
            for k in range(8 * half, min(8 * half + 8, width)):
                word |= np.uint64(packed[j, k]) << np.uint64(8 * (k - 8 * half))
            used = min(32, samples - 32 * half)
            mask = (_ONE << np.uint64(used)) - _ONE
            low, high = _together(word), _together(word >> _ONE)
            shift = np.uint64(32 * (half & 1))
            found[j, HOM_FIRST, half >> 1] |= (~(low | high) & mask) << shift
            found[j, HOM_SECOND, half >> 1] |= (low & high & mask) << shift
            found[j, HET, half >> 1] |= (high & ~low & mask) << shift


@njit(cache=True, nogil=True)
def correlations(
    rows: UInt[ndarray, "m 3 w"], first: Int[ndarray, " p"], second: Int[ndarray, " p"], found: Float[ndarray, " p"]
) -> None:
    """Correlate dosages minus 1: -1, 0 and 1, so that products are counts of equal and opposite homozygotes."""
    words = rows.shape[2]
    for pair in range(first.size):
        a, b = first[pair], second[pair]
        zero = np.uint64(0)
        n, up_a, down_a, up_b, down_b, same, opposite = zero, zero, zero, zero, zero, zero, zero
        for k in range(words):
            high_a, low_a = rows[a, HOM_FIRST, k], rows[a, HOM_SECOND, k]
            high_b, low_b = rows[b, HOM_FIRST, k], rows[b, HOM_SECOND, k]
            called_a, called_b = high_a | low_a | rows[a, HET, k], high_b | low_b | rows[b, HET, k]
            n += set_bits(called_a & called_b)
            up_a += set_bits(high_a & called_b)
            down_a += set_bits(low_a & called_b)
            up_b += set_bits(high_b & called_a)
            down_b += set_bits(low_b & called_a)
            same += set_bits((high_a & high_b) | (low_a & low_b))
            opposite += set_bits((high_a & low_b) | (low_a & high_b))
        size = np.float64(n)
        sum_a, sum_b = np.float64(up_a) - np.float64(down_a), np.float64(up_b) - np.float64(down_b)
        square_a = (np.float64(up_a) + np.float64(down_a)) * size - sum_a * sum_a
        square_b = (np.float64(up_b) + np.float64(down_b)) * size - sum_b * sum_b
        product = (np.float64(same) - np.float64(opposite)) * size - sum_a * sum_b
        found[pair] = product / np.sqrt(square_a * square_b) if square_a > 0.0 and square_b > 0.0 else np.nan


@njit(cache=True, nogil=True)
def kinship_counts(first: UInt[ndarray, "a 3 w"], second: UInt[ndarray, "b 3 w"], found: Int[ndarray, "a b 5"]) -> None:
    """Fill five counts of each pair."""
    for i in range(first.shape[0]):
        for j in range(second.shape[0]):
            zero = np.uint64(0)
            both, opposite, only_first, only_second, called = zero, zero, zero, zero, zero
            for k in range(first.shape[2]):
                up, down, het = first[i, HOM_FIRST, k], first[i, HOM_SECOND, k], first[i, HET, k]
                up_other, down_other, het_other = second[j, HOM_FIRST, k], second[j, HOM_SECOND, k], second[j, HET, k]
                both += set_bits(het & het_other)
                opposite += set_bits((up & down_other) | (down & up_other))
                only_first += set_bits(het & (up_other | down_other))
                only_second += set_bits(het_other & (up | down))
                called += set_bits((up | down | het) & (up_other | down_other | het_other))
            found[i, j, 0], found[i, j, 1] = np.int32(both), np.int32(opposite)
            found[i, j, 2], found[i, j, 3] = np.int32(only_first), np.int32(only_second)
            found[i, j, 4] = np.int32(called)
