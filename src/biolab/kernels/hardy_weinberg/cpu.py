"""Walk outwards from the most probable number of heterozygotes by ratios of neighbours."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int

# Ties but for rounding count as equally probable.
_SLACK = 1.0 + 1e-9
# Terms below this share of the largest no longer change a sum.
_NEGLIGIBLE = 1e-300


@njit(cache=True, nogil=True)
def _one(first: int, het: int, second: int, mid_p: bool, room: Float[ndarray, " r"]) -> float:  # noqa: FBT001 - numba
    rare, n = 2 * min(first, second) + het, first + het + second
    if n == 0 or rare == 0:
        return 0.5 if mid_p else 1.0
    # heterozygotes come in steps of 2, from rare % 2 to rare; the most probable is near rare * common / (2 n)
    middle = rare * (2 * n - rare) // (2 * n)
    middle += (middle - rare) % 2
    parity, steps, top = rare % 2, rare // 2 + 1, 0.0
    at = (middle - parity) // 2
    room[:steps] = 0.0
    room[at] = 1.0
    for k in range(at, 0, -1):
        h = parity + 2 * k
        a = (rare - h) // 2
        b = n - h - a
        room[k - 1] = room[k] * h * (h - 1.0) / (4.0 * (a + 1.0) * (b + 1.0))
        if room[k - 1] < _NEGLIGIBLE:
            break
    for k in range(at, steps - 1):
        h = parity + 2 * k
        a = (rare - h) // 2
        b = n - h - a
        room[k + 1] = room[k] * 4.0 * a * b / ((h + 2.0) * (h + 1.0))
        if room[k + 1] < _NEGLIGIBLE:
            break
    seen, total, extreme, equal = room[(het - parity) // 2], 0.0, 0.0, 0.0
    for k in range(steps):
        total += room[k]
        if room[k] <= seen * _SLACK:
            extreme += room[k]
            if room[k] * _SLACK >= seen:
                equal += room[k]
    top = extreme - 0.5 * equal if mid_p else extreme
    return min(top / total, 1.0)


@njit(cache=True, nogil=True)
def p_values(counts: Int[ndarray, "m 3"], mid_p: bool, found: Float[ndarray, " m"]) -> None:  # noqa: FBT001 - numba
    """Fill the p-value of each variant."""
    largest = 0
    for j in range(counts.shape[0]):
        largest = max(largest, counts[j, 0] + counts[j, 1] + counts[j, 2])
    room = np.empty(largest + 2)
    for j in range(counts.shape[0]):
        found[j] = _one(counts[j, 0], counts[j, 1], counts[j, 2], mid_p, room)
