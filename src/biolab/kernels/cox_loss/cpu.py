"""Cox's partial likelihood in four passes that threads share: rows, sorted rows, event times, rows; never subtracting."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Bool, Float
from biolab.kernels.exponential import exponential
from biolab.kernels.logarithm import logarithm
from biolab.kernels.risk_set import Rows

from . import wide
from .steps import REACH, group_steps

VALUE, GRADIENT, HESSIAN = 0, 1, 2

# Rows a thread takes at a time. Parts do not depend on the number of threads, so results do not either.
PART = 250_000
# Rows whose log-hazards and exponentials stay in the first cache.
_CHUNK = 1024
# As integers, the bits of |x| compare as the numbers do; those of infinity and NaN lie above all.
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_REACH_BITS = np.float64(REACH).view(np.int64)
_INFINITE_BITS = np.float64(np.inf).view(np.int64)


def evaluate(
    values: Float[ndarray, " n"],
    rows: Rows,
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
    threads: int = 1,
) -> float:
    """Return the loss; fill the gradient and the Hessian's diagonal where their arrays are not empty.

    If a log-hazard is NaN or infinite, the loss is NaN and the derivatives are undefined.
    """
    if values.size < 2 * PART:
        loss, largest = _whole(values, rows, gradient, hessian)
    elif threads == 1:
        loss, largest = _in_parts(values, rows, gradient, hessian, map)
    else:
        with ThreadPoolExecutor(threads) as pool:
            loss, largest = _in_parts(values, rows, gradient, hessian, pool.map)
    if largest <= _REACH_BITS:
        return loss
    if largest >= _INFINITE_BITS:
        return np.nan
    low, high = values.min(), values.max()
    if high - low > 1.9 * REACH:
        return wide.evaluate(values, rows, gradient, hessian)
    return evaluate(values - (low + high) / 2, rows, gradient, hessian, threads)


def _in_parts(
    values: Float[ndarray, " n"],
    rows: Rows,
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
    each: Callable[..., Iterator[Any]],
) -> tuple[float, int]:
    """Return the loss and the bits of the largest log-hazard; ``each`` maps over parts."""
    groups = rows.first_death.size
    hazard, (sums, slopes, curves) = np.empty(values.size), _tables(groups, gradient.size, hessian.size)
    count = values.size // PART
    cuts = np.linspace(0, values.size, count + 1).astype(np.int64)
    parts = list(zip(cuts[:-1], cuts[1:], strict=True))
    # groups stay whole
    bounds = np.searchsorted(rows.group_start, np.linspace(0, rows.order.size, count + 1))
    group_parts = list(zip(bounds[:-1], bounds[1:], strict=True))
    seen = list(each(lambda part: _exponentiate(values, rows, hazard, *part), parts))
    list(each(lambda part: _sum_groups(hazard, rows, sums, *part), group_parts))
    _accumulate(sums, rows.opens)
    logs = list(each(lambda part: _step(sums, rows, slopes, curves, *part), group_parts))
    for table in (slopes, curves):
        _accumulate_back(table, rows.opens)
    list(each(lambda part: _spread(hazard, rows, slopes, curves, gradient, hessian, *part), parts))
    return sum(logs) - sum(term for _, term in seen), max(largest for largest, _ in seen)


@njit(cache=True, nogil=True)
def _whole(
    values: Float[ndarray, " n"],
    rows: Rows,
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
) -> tuple[float, int]:
    """Do as `_in_parts` does, in one part."""
    n, groups = values.size, rows.first_death.size
    hazard = np.empty(n)
    sums, slopes, curves = _tables(groups, gradient.size, hessian.size)
    largest, term = _exponentiate(values, rows, hazard, 0, n)
    _sum_groups(hazard, rows, sums, 0, groups)
    _accumulate(sums, rows.opens)
    logs = _step(sums, rows, slopes, curves, 0, groups)
    _accumulate_back(slopes, rows.opens)
    _accumulate_back(curves, rows.opens)
    _spread(hazard, rows, slopes, curves, gradient, hessian, 0, n)
    return logs - term, largest


@njit(cache=True, nogil=True)
def _tables(groups: int, gradient: int, hessian: int) -> tuple[ndarray, ndarray, ndarray]:
    """Make the tables by slot (see `Layout`); the last slot, of rows never at risk, stays 0."""
    slots = 2 * groups + 1
    return np.zeros(slots), np.zeros(slots if gradient else 0), np.zeros(slots if hessian else 0)


@njit(cache=True, nogil=True)
def _exponentiate(
    values: Float[ndarray, " n"], rows: Rows, hazard: Float[ndarray, " n"], start: int, stop: int
) -> tuple[int, float]:
    """Fill the weighted hazards; return the bits of the largest log-hazard and the events' weighted sum."""
    largest, term = np.int64(0), 0.0
    for begin in range(start, stop, _CHUNK):
        end = min(begin + _CHUNK, stop)
        largest = max(largest, _exponentials(values[begin:end], hazard[begin:end]))
        weight = rows.row_weight[begin:end]
        for k in range(weight.size):
            hazard[begin + k] *= weight[k]
        term += _event_term(values[begin:end], rows.slot[begin:end], weight)
    return largest, term


@njit(cache=True, nogil=True, fastmath={"contract"})
def _exponentials(values: Float[ndarray, " c"], hazard: Float[ndarray, " c"]) -> int:
    largest = np.int64(0)
    for k in range(values.size):
        largest = max(largest, np.float64(values[k]).view(np.int64) & _MAGNITUDE)
        hazard[k] = exponential(values[k])
    return largest


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _event_term(values: Float[ndarray, " c"], slot: ndarray, weight: Float[ndarray, " c_or_0"]) -> float:
    total = 0.0
    if weight.size:
        for k in range(values.size):
            total += (slot[k] & np.uint32(1)) * weight[k] * values[k]
    else:
        for k in range(values.size):
            total += (slot[k] & np.uint32(1)) * values[k]
    return total


@njit(cache=True, nogil=True)
def _sum_groups(
    hazard: Float[ndarray, " n"], rows: Rows, sums: Float[ndarray, " s"], start: int, stop: int
) -> None:
    """Add up the hazards of each slot of some groups, without a branch that a processor could mispredict."""
    order, slot = rows.order, rows.sorted_slot
    total, before = 0.0, np.uint32(2 * rows.first_death.size)
    for k in range(rows.group_start[start], rows.group_start[stop]):
        total = hazard[order[k]] + (total if slot[k] == before else 0.0)
        before = slot[k]
        sums[before] = total


@njit(cache=True, nogil=True)
def _accumulate(sums: Float[ndarray, " s"], opens: Bool[ndarray, " g"]) -> None:
    """Add to those who join at each group, but do not fail there, all who were at risk already."""
    at_risk = 0.0
    for g in range(opens.size):
        if opens[g]:
            at_risk = 0.0
        joining, failing = sums[2 * g], sums[2 * g + 1]
        sums[2 * g] = at_risk + joining
        at_risk += joining + failing


@njit(cache=True, nogil=True)
def _step(
    sums: Float[ndarray, " s"],
    rows: Rows,
    slopes: Float[ndarray, " s_or_0"],
    curves: Float[ndarray, " s_or_0"],
    start: int,
    stop: int,
) -> float:
    """Fill the sums of 1 / phi (and squares) of some groups; return the value of their logarithms."""
    logs = 0.0
    for begin in range(start, stop, _CHUNK):
        end = min(begin + _CHUNK, stop)
        logs += _steps_of_one(sums, rows, slopes, curves, begin, end)
        if rows.efron:
            logs += _steps_of_ties(sums, rows, slopes, curves, begin, end)
    return logs


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _steps_of_one(
    sums: Float[ndarray, " s"],
    rows: Rows,
    slopes: Float[ndarray, " s_or_0"],
    curves: Float[ndarray, " s_or_0"],
    start: int,
    stop: int,
) -> float:
    """Take every group's deaths to leave at once: right for Breslow's ties and for single deaths."""
    logs, inverse = np.empty(stop - start), np.empty(stop - start)
    weight = rows.death_weight
    for g in range(start, stop):
        phi = sums[2 * g] + sums[2 * g + 1]
        logs[g - start] = weight[g] * logarithm(phi)
        inverse[g - start] = 1.0 / phi
    if slopes.size:
        for g in range(start, stop):
            slopes[2 * g] = slopes[2 * g + 1] = weight[g] * inverse[g - start]
    if curves.size:
        for g in range(start, stop):
            curves[2 * g] = curves[2 * g + 1] = weight[g] * inverse[g - start] * inverse[g - start]
    total = 0.0
    for g in range(start, stop):
        tied = rows.efron and rows.group_start[g + 1] - rows.first_death[g] > 1
        total += 0.0 if tied else logs[g - start]
    return total


@njit(cache=True, nogil=True)
def _steps_of_ties(
    sums: Float[ndarray, " s"],
    rows: Rows,
    slopes: Float[ndarray, " s_or_0"],
    curves: Float[ndarray, " s_or_0"],
    start: int,
    stop: int,
) -> float:
    """Do Efron's steps of groups with more than one death."""
    logs, out = 0.0, np.empty(4)
    for g in range(start, stop):
        deaths = rows.group_start[g + 1] - rows.first_death[g]
        if deaths > 1:
            logs += group_steps(sums[2 * g], sums[2 * g + 1], deaths, rows.death_weight[g], out, rows.efron)
            if slopes.size:
                slopes[2 * g], slopes[2 * g + 1] = out[0], out[1]
            if curves.size:
                curves[2 * g], curves[2 * g + 1] = out[2], out[3]
    return logs


@njit(cache=True, nogil=True)
def _accumulate_back(table: Float[ndarray, " s_or_0"], opens: Bool[ndarray, " g"]) -> None:
    """Add to each group what all earlier event times of its stratum add for those who outlive them."""
    if not table.size:
        return
    passed = 0.0
    for g in range(opens.size - 1, -1, -1):
        table[2 * g + 1] += passed
        passed += table[2 * g]
        table[2 * g] = passed
        if opens[g]:
            passed = 0.0


@njit(cache=True, nogil=True, fastmath={"contract"})
def _spread(
    hazard: Float[ndarray, " n"],
    rows: Rows,
    slopes: Float[ndarray, " s_or_0"],
    curves: Float[ndarray, " s_or_0"],
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
    start: int,
    stop: int,
) -> None:
    """Look up each row's sums by its slot; write gradient and curvature in the order of rows."""
    slot, weight = rows.slot, rows.row_weight
    if hessian.size:
        for row in range(start, stop):
            mass, here = hazard[row], slot[row]
            slope = mass * slopes[here]
            gradient[row] = slope - (here & np.uint32(1))
            hessian[row] = max(slope - mass * mass * curves[here], 0.0)
    elif gradient.size:
        for row in range(start, stop):
            gradient[row] = hazard[row] * slopes[slot[row]] - (slot[row] & np.uint32(1))
    if weight.size and gradient.size:
        for row in range(start, stop):
            gradient[row] += (slot[row] & np.uint32(1)) * (1.0 - weight[row])
