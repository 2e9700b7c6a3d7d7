"""Risk sets of rows that enter late: each row stands at the nodes of a tree over event times that it is at risk for.

Rows are only ever added, never taken out again, so that a risk set keeps its digits when a large hazard has left.
"""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int
from biolab.kernels.risk_set import Rows


@njit(cache=True, nogil=True)
def leaf_level(rows: Rows) -> int:
    """Return at which node the leaves of the event times start; 0 without late entry."""
    level = 1 if rows.leaves.size else 0
    while 0 < level < rows.first_death.size:
        level *= 2
    return level


@njit(cache=True, nogil=True)
def cover(rows: Rows) -> tuple[Int[ndarray, " m+1"], Int[ndarray, " c"]]:
    """Find the nodes that make up the groups at which each row is at risk and does not fail.

    Row k has those from the k-th to the next of the starts that are returned first; without late entry none.
    """
    level, m = leaf_level(rows), rows.leaves.size
    start, nodes = np.zeros(m + 1, dtype=np.int64), np.empty(0, dtype=np.int64)
    for fill in range(2):  # count, then write
        count = 0
        for g in range(rows.first_death.size if m else 0):
            for k in range(rows.group_start[g], rows.group_start[g + 1]):
                left, right = level + g + (k >= rows.first_death[g]), rows.leaves[k] + level + 1
                while left < right:
                    if left & 1:
                        if fill:
                            nodes[count] = left
                        count += 1
                        left += 1
                    if right & 1:
                        right -= 1
                        if fill:
                            nodes[count] = right
                        count += 1
                    left, right = left // 2, right // 2
                start[k + 1] = count
        if not fill:
            nodes = np.empty(count, dtype=np.int64)
    return start, nodes


@njit(cache=True, nogil=True, fastmath={"contract"})
def sum_hazards(
    z: Float[ndarray, "m l"],
    hazard: Float[ndarray, "m l"],
    start: Int[ndarray, " m+1"],
    nodes: Int[ndarray, " c"],
    tree: Float[ndarray, "v 3 l"],
) -> None:
    """Fill the tree; its leaves then hold the sums of e, e z and e z^2 over those at risk who do not fail."""
    tree[:] = 0.0
    lanes = z.shape[1]
    for k in range(len(z)):
        for place in range(start[k], start[k + 1]):
            node = nodes[place]
            for lane in range(lanes):
                part = hazard[k, lane] * z[k, lane]
                tree[node, 0, lane] += hazard[k, lane]
                tree[node, 1, lane] += part
                tree[node, 2, lane] += part * z[k, lane]
    for node in range(2, len(tree)):  # what a parent holds belongs to both children
        for moment in range(3):
            for lane in range(lanes):
                tree[node, moment, lane] += tree[node // 2, moment, lane]


@njit(cache=True, nogil=True)
def find_extremes(
    z: Float[ndarray, "m l"], start: Int[ndarray, " m+1"], nodes: Int[ndarray, " c"], tree: Float[ndarray, "v 3 l"]
) -> None:
    """Fill the tree; its leaves then hold the lowest and the highest value of those at risk who do not fail."""
    tree[:, 0], tree[:, 1] = np.inf, -np.inf
    lanes = z.shape[1]
    for k in range(len(z)):
        for place in range(start[k], start[k + 1]):
            low, high = tree[nodes[place], 0], tree[nodes[place], 1]
            for lane in range(lanes):
                low[lane], high[lane] = min(low[lane], z[k, lane]), max(high[lane], z[k, lane])
    for node in range(2, len(tree)):
        for lane in range(lanes):
            tree[node, 0, lane] = min(tree[node, 0, lane], tree[node // 2, 0, lane])
            tree[node, 1, lane] = max(tree[node, 1, lane], tree[node // 2, 1, lane])
