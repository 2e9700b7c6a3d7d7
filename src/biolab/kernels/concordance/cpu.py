"""Concordance by Fenwick trees over score ranks: O(n log n) once sorted, bootstrap replicates as lanes."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int

LANES = 8


@njit(cache=True, nogil=True)
def dense_rank(values: Float[ndarray, " n"], ascending: Int[ndarray, " n"]) -> Int[ndarray, " n"]:
    """Return each value's rank from 0 among the distinct values."""
    rank = np.empty(values.size, dtype=np.int64)
    distinct = 0
    for k in range(values.size):
        if k > 0 and values[ascending[k]] != values[ascending[k - 1]]:
            distinct += 1
        rank[ascending[k]] = distinct
    return rank


@njit(cache=True, nogil=True)
def _distinct(rank: Int[ndarray, " n"]) -> int:
    return rank.max() + 1 if rank.size else 0


@njit(cache=True, nogil=True)
def _add(tree: Float[ndarray, " m"], rank: int, amount: float) -> None:
    node = rank + 1
    while node < tree.size:
        tree[node] += amount
        node += node & -node


@njit(cache=True, nogil=True)
def _below(tree: Float[ndarray, " m"], rank: int) -> float:
    total = 0.0
    while rank > 0:
        total += tree[rank]
        rank -= rank & -rank
    return total


@njit(cache=True, nogil=True)
def _group_end(time_rank: Int[ndarray, " n"], start: int) -> int:
    stop = start + 1
    while stop < time_rank.size and time_rank[stop] == time_rank[start]:
        stop += 1
    return stop


@njit(cache=True, nogil=True)
def count_with_influence(
    time_rank: Int[ndarray, " n"],
    event: Bool[ndarray, " n"],
    rank: Int[ndarray, " n"],
    weight: Float[ndarray, " n"],
    event_weight: Float[ndarray, " n"],
) -> tuple[Float[ndarray, " 5"], float]:
    """Count pairs of rows sorted latest first (censored before events), with the standard error of the index."""
    n, ranks = rank.size, _distinct(rank)
    counts = np.zeros(5)
    influence = np.zeros((2, n))
    signed, comparable = influence[0], influence[1]
    tree, level, passed = np.zeros(ranks + 1), np.zeros(ranks), 0.0
    start = 0
    while start < n:
        stop = _group_end(time_rank, start)
        first = start
        while first < stop and not event[first]:
            _add(tree, rank[first], weight[first])
            level[rank[first]] += weight[first]
            passed += weight[first]
            first += 1
        for k in range(first, stop):
            if event_weight[k] == 0.0:
                continue
            lower, equal = _below(tree, rank[k]), level[rank[k]]
            higher = passed - lower - equal
            pair = weight[k] * event_weight[k]
            counts[0] += pair * lower
            counts[1] += pair * higher
            counts[2] += pair * equal
            signed[k] += event_weight[k] * (lower - higher)
            comparable[k] += event_weight[k] * passed
        _count_ties(rank, weight, event_weight, first, stop, counts)
        for k in range(first, stop):
            _add(tree, rank[k], weight[k])
            level[rank[k]] += weight[k]
            passed += weight[k]
        start = stop
    pairs = counts[0] + counts[1] + counts[2]
    if pairs == 0.0:
        return counts, np.nan
    _add_later_role(time_rank, event, rank, weight, event_weight, influence)
    somers = (counts[0] - counts[1]) / pairs
    variance = 0.0
    for k in range(n):
        variance += (weight[k] * (signed[k] - somers * comparable[k]) / pairs) ** 2
    return counts, np.sqrt(variance) / 2


@njit(cache=True, nogil=True)
def _count_ties(
    rank: Int[ndarray, " n"],
    weight: Float[ndarray, " n"],
    event_weight: Float[ndarray, " n"],
    first: int,
    stop: int,
    counts: Float[ndarray, " 5"],
) -> None:
    """Add the pairs of events first..stop-1, all at one time and sorted by rank, to the two tie counts."""
    if stop - first < 2:
        return
    every, same, begin = 0.0, 0.0, first
    total, total_weighted, own = 0.0, 0.0, 0.0
    level, level_weighted, level_own = 0.0, 0.0, 0.0
    for k in range(first, stop):
        if rank[k] != rank[begin]:
            same += level * level_weighted - level_own
            begin, level, level_weighted, level_own = k, 0.0, 0.0, 0.0
        heavy = weight[k] * event_weight[k]
        total += weight[k]
        total_weighted += heavy
        own += weight[k] * heavy
        level += weight[k]
        level_weighted += heavy
        level_own += weight[k] * heavy
    same += level * level_weighted - level_own
    every = total * total_weighted - own
    counts[3] += (every - same) / 2
    counts[4] += same / 2


@njit(cache=True, nogil=True)
def _add_later_role(
    time_rank: Int[ndarray, " n"],
    event: Bool[ndarray, " n"],
    rank: Int[ndarray, " n"],
    weight: Float[ndarray, " n"],
    event_weight: Float[ndarray, " n"],
    influence: Float[ndarray, "2 n"],
) -> None:
    """Add each subject's pairs as the one who outlived: a walk from the earliest time with a tree of events."""
    signed, comparable, ranks = influence[0], influence[1], _distinct(rank)
    tree, level, passed = np.zeros(ranks + 1), np.zeros(ranks), 0.0
    stop = rank.size
    while stop > 0:
        start = stop - 1
        while start > 0 and time_rank[start - 1] == time_rank[stop - 1]:
            start -= 1
        # events of this time meet only earlier events; then they join; the censored of this time meet them too
        for turn in range(2):
            for k in range(start, stop):
                if event[k] == (turn == 0):
                    lower = _below(tree, rank[k])
                    signed[k] += passed - 2 * lower - level[rank[k]]
                    comparable[k] += passed
            if turn == 0:
                for k in range(start, stop):
                    if event[k] and event_weight[k] != 0.0:
                        heavy = weight[k] * event_weight[k]
                        _add(tree, rank[k], heavy)
                        level[rank[k]] += heavy
                        passed += heavy
        stop = start


@njit(cache=True, nogil=True)
def count_replicates(
    order: Int[ndarray, " n"],
    time_rank: Int[ndarray, " n"],
    event: Bool[ndarray, " n"],
    rank: Int[ndarray, " n"],
    weights: Float[ndarray, "b n"],
    event_weights: Float[ndarray, "c n"],
) -> Float[ndarray, "b 5"]:
    """Count pairs for every replicate; ``weights`` and ``event_weights`` are unsorted, ``c`` is 1 or b."""
    n, b = rank.size, weights.shape[0]
    counts = np.zeros((b, 5))
    lane_weight, lane_event_weight = np.zeros((n, LANES)), np.zeros((n, LANES))
    for begin in range(0, b, LANES):
        lanes = min(LANES, b - begin)
        for k in range(n):
            for lane in range(lanes):
                lane_weight[k, lane] = weights[begin + lane, order[k]]
                shared = begin + lane if event_weights.shape[0] > 1 else 0
                lane_event_weight[k, lane] = event_weights[shared, order[k]]
            lane_weight[k, lanes:] = 0.0
        _count_lanes(time_rank, event, rank, lane_weight, lane_event_weight, counts[begin : begin + lanes])
    return counts


@njit(cache=True, nogil=True)
def _join_lanes(
    rank: int,
    weight: Float[ndarray, " l"],
    tree: Float[ndarray, "m l"],
    level: Float[ndarray, "r l"],
    passed: Float[ndarray, " l"],
) -> None:
    node = rank + 1
    while node < tree.shape[0]:
        for lane in range(LANES):
            tree[node, lane] += weight[lane]
        node += node & -node
    for lane in range(LANES):
        level[rank, lane] += weight[lane]
        passed[lane] += weight[lane]


@njit(cache=True, nogil=True)
def _below_lanes(tree: Float[ndarray, "m l"], rank: int, lower: Float[ndarray, " l"]) -> None:
    lower[:] = 0.0
    while rank > 0:
        for lane in range(LANES):
            lower[lane] += tree[rank, lane]
        rank -= rank & -rank


@njit(cache=True, nogil=True)
def _count_lanes(
    time_rank: Int[ndarray, " n"],
    event: Bool[ndarray, " n"],
    rank: Int[ndarray, " n"],
    weight: Float[ndarray, "n l"],
    event_weight: Float[ndarray, "n l"],
    counts: Float[ndarray, "k 5"],
) -> None:
    """Walk once from the latest time, all lanes together; the same steps as `count_with_influence`."""
    n, ranks = rank.size, _distinct(rank)
    tree, level = np.zeros((ranks + 1, LANES)), np.zeros((ranks, LANES))
    passed, lower, three = np.zeros(LANES), np.zeros(LANES), np.zeros((3, LANES))
    start = 0
    while start < n:
        stop = _group_end(time_rank, start)
        first = start
        while first < stop and not event[first]:
            _join_lanes(rank[first], weight[first], tree, level, passed)
            first += 1
        for k in range(first, stop):
            _below_lanes(tree, rank[k], lower)
            for lane in range(LANES):
                pair = weight[k, lane] * event_weight[k, lane]
                equal = level[rank[k], lane]
                three[0, lane] += pair * lower[lane]
                three[1, lane] += pair * (passed[lane] - lower[lane] - equal)
                three[2, lane] += pair * equal
        for lane in range(counts.shape[0]):
            _count_ties(rank, weight[:, lane], event_weight[:, lane], first, stop, counts[lane])
        for k in range(first, stop):
            _join_lanes(rank[k], weight[k], tree, level, passed)
        start = stop
    for lane in range(counts.shape[0]):
        counts[lane, :3] = three[:, lane]
