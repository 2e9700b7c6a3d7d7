"""Cox's partial likelihood in passes that threads share: rows, bins of rows, event times, bins, rows."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int
from biolab.kernels.exponential import exponential
from biolab.kernels.risk_set import BIN, Rows
from biolab.kernels.work_memory import work_memory

from . import wide
from .steps import REACH, accumulate, accumulate_back, step_groups

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
    groups = rows.first_death.size
    n, table = values.size, 2 * (groups + 1)
    with work_memory(n + (2 * table if hessian.size else table)) as numbers:
        work = (numbers[:n], numbers[n : n + table].reshape(-1, 2), numbers[n + table :].reshape(-1, 2))
        if values.size < 2 * PART:
            loss, largest = _whole(values, rows, work, gradient, hessian)
        elif threads == 1:
            loss, largest = _in_parts(values, rows, work, gradient, hessian, map)
        else:
            with ThreadPoolExecutor(threads) as pool:
                loss, largest = _in_parts(values, rows, work, gradient, hessian, pool.map)
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
    work: tuple[Float[ndarray, " n"], Float[ndarray, "s 2"], Float[ndarray, "s_or_0 2"]],
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
    each: Callable[..., Iterator[Any]],
) -> tuple[float, np.int64]:
    """Return the loss and the bits of the largest log-hazard; ``each`` maps over parts."""
    hazard, slopes, curves = work
    count = values.size // PART
    cuts = np.linspace(0, values.size, count + 1).astype(np.int64)
    parts, bins, events = _pairs(cuts), _parts(rows.bin_start, count), _parts(rows.group_start, count)
    seen = list(each(lambda part: _exponentiate(values, rows, hazard, *part), parts))
    list(each(lambda part: _sum_slots(hazard, rows, slopes, *part), bins))
    accumulate(slopes, rows.opens)
    logs = list(each(lambda part: step_groups(rows, slopes, curves, *part), events))
    if gradient.size:
        list(each(lambda table: accumulate_back(table, rows.opens), (slopes, curves)))
        # until it is its turn, the gradient's memory serves the curvature
        list(each(lambda part: _look_up(hazard, rows, slopes, curves, gradient, *part), bins))
        if hessian.size:
            list(each(lambda part: _take_back(gradient, rows.binned, hessian, *part), parts))
        list(each(lambda part: _take_back(hazard, rows.binned, gradient, *part), parts))
        list(each(lambda part: _subtract_events(gradient, rows, *part), parts))
    return sum(logs) - sum(term for _, term in seen), max(largest for largest, _ in seen)


def _parts(start: Int[ndarray, " s"], count: int) -> list[tuple[int, int]]:
    """Share what starts at these rows out into parts of about as many rows."""
    return _pairs(np.unique(np.searchsorted(start, np.linspace(0, start[-1], count + 1))))


def _pairs(cuts: Int[ndarray, " c"]) -> list[tuple[int, int]]:
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))


@njit(cache=True, nogil=True)
def _whole(
    values: Float[ndarray, " n"],
    rows: Rows,
    work: tuple[Float[ndarray, " n"], Float[ndarray, "s 2"], Float[ndarray, "s_or_0 2"]],
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
) -> tuple[float, np.int64]:
    """Do as `_in_parts` does, in one part."""
    n, groups, bins = values.size, rows.first_death.size, rows.bin_start.size - 1
    hazard, slopes, curves = work
    largest, term = _exponentiate(values, rows, hazard, 0, n)
    _sum_slots(hazard, rows, slopes, 0, bins)
    accumulate(slopes, rows.opens)
    logs = step_groups(rows, slopes, curves, 0, groups)
    if gradient.size:
        accumulate_back(slopes, rows.opens)
        accumulate_back(curves, rows.opens)
        _look_up(hazard, rows, slopes, curves, gradient, 0, bins)
        if hessian.size:
            _take_back(gradient, rows.binned, hessian, 0, n)
        _take_back(hazard, rows.binned, gradient, 0, n)
        _subtract_events(gradient, rows, 0, n)
    return logs - term, largest


@njit(cache=True, nogil=True)
def _exponentiate(
    values: Float[ndarray, " n"], rows: Rows, hazard: Float[ndarray, " n"], start: int, stop: int
) -> tuple[np.int64, float]:
    """Fill the weighted hazards, in bins; return the bits of the largest log-hazard and the events' weighted sum."""
    largest, term, near = np.int64(0), 0.0, np.empty(_CHUNK)
    for begin in range(start, stop, _CHUNK):
        end = min(begin + _CHUNK, stop)
        weight = rows.row_weight[begin:end]
        largest = max(largest, _exponentials(values[begin:end], near))
        term += _event_term(values[begin:end], rows.fails[begin:end], weight)
        for k in range(weight.size):
            near[k] *= weight[k]
        if rows.binned.size:
            for k in range(begin, end):
                hazard[rows.binned[k]] = near[k - begin]
        else:
            hazard[begin:end] = near[: end - begin]
    return largest, term


@njit(cache=True, nogil=True, fastmath={"contract"})
def _exponentials(values: Float[ndarray, " c"], hazard: Float[ndarray, " c"]) -> np.int64:
    largest = np.int64(0)
    for k in range(values.size):
        largest = max(largest, np.float64(values[k]).view(np.int64) & _MAGNITUDE)
        hazard[k] = exponential(values[k])
    return largest


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _event_term(values: Float[ndarray, " c"], fails: Bool[ndarray, " c"], weight: Float[ndarray, " c_or_0"]) -> float:
    total = 0.0
    if weight.size:
        for k in range(values.size):
            total += fails[k] * weight[k] * values[k]
    else:
        for k in range(values.size):
            total += fails[k] * values[k]
    return total


@njit(cache=True, nogil=True)
def _sum_slots(hazard: Float[ndarray, " n"], rows: Rows, sums: Float[ndarray, "s 2"], start: int, stop: int) -> None:
    """Add up the hazards of each slot of some bins."""
    slot, by_slot = rows.binned_slot, sums.reshape(-1)
    by_slot[start * BIN : stop * BIN] = 0.0
    for place in range(rows.bin_start[start], rows.bin_start[stop]):
        by_slot[slot[place]] += hazard[place]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _look_up(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    hazard: Float[ndarray, " n"],
    rows: Rows,
    slopes: Float[ndarray, "s 2"],
    curves: Float[ndarray, "s_or_0 2"],
    curvature: Float[ndarray, " n"],
    start: int,
    stop: int,
) -> None:
    """Multiply the hazards of some bins by the sums of their slots; fill the curvature if it is wanted."""
    slot, slope_of, curve_of = rows.binned_slot, slopes.reshape(-1), curves.reshape(-1)
    if curves.size:
        for place in range(rows.bin_start[start], rows.bin_start[stop]):
            slope = hazard[place] * slope_of[slot[place]]
            curvature[place] = max(slope - hazard[place] * hazard[place] * curve_of[slot[place]], 0.0)
            hazard[place] = slope
    else:
        for place in range(rows.bin_start[start], rows.bin_start[stop]):
            hazard[place] *= slope_of[slot[place]]


@njit(cache=True, nogil=True)
def _take_back(
    in_bins: Float[ndarray, " n"], binned: ndarray, values: Float[ndarray, " n"], start: int, stop: int
) -> None:
    """Take values from bins to the order of rows."""
    if binned.size:
        for row in range(start, stop):
            values[row] = in_bins[binned[row]]
    else:
        values[start:stop] = in_bins[start:stop]


@njit(cache=True, nogil=True)
def _subtract_events(gradient: Float[ndarray, " n"], rows: Rows, start: int, stop: int) -> None:
    fails, weight = rows.fails, rows.row_weight
    if weight.size:
        for row in range(start, stop):
            gradient[row] -= fails[row] * weight[row]
    else:
        for row in range(start, stop):
            gradient[row] -= fails[row]
