"""Slope of one covariate in a Cox model: one walk an evaluation, sums rescaled as larger hazards come in."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int

MAX_STEPS = 60
LARGEST_MOVE = 5.0
CLOSE = 1e-6  # Newton doubles the digits: after this step the error is of order 1e-12


@njit(cache=True, nogil=True)
def derivatives(
    slope: float,
    group_end: Int[ndarray, " n"],
    event: Bool[ndarray, " n"],
    covariate: Float[ndarray, " n"],
    weight: Float[ndarray, " n"],
) -> tuple[float, float]:
    """Return the first and minus the second derivative; rows latest first, ``group_end`` closes each time.

    Every weight is > 0.
    """
    gradient, information = 0.0, 0.0
    s0, s1, s2, shift = 0.0, 0.0, 0.0, -np.inf
    start, n = 0, event.size
    while start < n:
        stop = group_end[start]
        highest = shift
        for k in range(start, stop):
            highest = max(highest, slope * covariate[k])
        if highest > shift:
            scale = np.exp(shift - highest)
            s0, s1, s2, shift = s0 * scale, s1 * scale, s2 * scale, highest
        deaths, heavy, d0, d1, d2 = 0, 0.0, 0.0, 0.0, 0.0
        for k in range(start, stop):
            x = covariate[k]
            mass = weight[k] * np.exp(slope * x - shift)
            s0, s1, s2 = s0 + mass, s1 + mass * x, s2 + mass * x * x
            if event[k]:
                deaths += 1
                heavy += weight[k]
                gradient += weight[k] * x
                d0, d1, d2 = d0 + mass, d1 + mass * x, d2 + mass * x * x
        for step in range(deaths):
            share = step / deaths
            total = s0 - share * d0
            mean = (s1 - share * d1) / total
            gradient -= heavy / deaths * mean
            information += heavy / deaths * ((s2 - share * d2) / total - mean * mean)
        start = stop
    return gradient, information


@njit(cache=True, nogil=True)
def solve(
    start: float,
    group_end: Int[ndarray, " n"],
    event: Bool[ndarray, " n"],
    covariate: Float[ndarray, " n"],
    weight: Float[ndarray, " n"],
    spread: float,
) -> float:
    """Return the slope by bracketed Newton steps, NaN if there is no finite maximum."""
    slope, lower, upper = start, -np.inf, np.inf
    for _ in range(MAX_STEPS):
        gradient, information = derivatives(slope, group_end, event, covariate, weight)
        if not information > 1e-14 * spread * spread:
            return np.nan
        if gradient > 0.0:
            lower = slope
        else:
            upper = slope
        move = gradient / information
        if abs(move) * spread <= CLOSE:
            return slope + move
        move = min(max(move, -LARGEST_MOVE / spread), LARGEST_MOVE / spread)
        slope += move
        if not lower < slope < upper:
            slope = (lower + upper) / 2
    return np.nan


@njit(cache=True, nogil=True)
def solve_replicates(
    order: Int[ndarray, " n"],
    group: Int[ndarray, " n"],
    event: Bool[ndarray, " n"],
    covariate: Float[ndarray, " n"],
    weights: Float[ndarray, "b n"],
) -> tuple[Float[ndarray, " b"], float]:
    """Return each replicate's slope, and the standard error of the last one.

    Rows are latest first and ``group`` numbers their distinct times; ``weights`` are unsorted.
    """
    n, b = order.size, weights.shape[0]
    slopes, error = np.full(b, np.nan), np.nan
    spread = covariate.max() - covariate.min()
    start = solve(0.0, _group_ends(group), event, covariate, np.ones(n), spread) if b > 1 else 0.0
    if np.isnan(start):
        start = 0.0
    kept, weight = np.empty(n, dtype=np.int64), np.empty(n)
    for replicate in range(b):
        size = 0
        for k in range(n):
            if weights[replicate, order[k]] > 0.0:
                kept[size], weight[size] = k, weights[replicate, order[k]]
                size += 1
        rows = kept[:size]
        ends, x = _group_ends(group[rows]), covariate[rows]
        slopes[replicate] = solve(start, ends, event[rows], x, weight[:size], spread)
        if replicate == b - 1 and not np.isnan(slopes[replicate]):
            error = 1 / np.sqrt(derivatives(slopes[replicate], ends, event[rows], x, weight[:size])[1])
    return slopes, error


@njit(cache=True, nogil=True)
def _group_ends(group: Int[ndarray, " n"]) -> Int[ndarray, " n"]:
    """Return, at each row, where its time's rows end."""
    ends = np.empty(group.size, dtype=np.int64)
    end = group.size
    for k in range(group.size - 1, -1, -1):
        if k + 1 < group.size and group[k + 1] != group[k]:
            end = k + 1
        ends[k] = end
    return ends
