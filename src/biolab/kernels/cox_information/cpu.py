"""Two passes over a sorted design in pieces that stay in cache, shared by threads; p x p parts are matrix products."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int
from biolab.kernels.cox_loss.steps import REACH, accumulate, accumulate_back, step_groups
from biolab.kernels.exponential import exponential
from biolab.kernels.risk_set import Rows
from biolab.kernels.work_memory import work_memory

from . import wide

# Rows a thread takes at a time, and the most parts: neither depends on the number of threads, so results do not.
PART, MOST_PARTS = 25_000, 16
# Rows whose products are summed at once: with their columns they stay in the second cache.
_PIECE = 512


def evaluate(
    design: Float[ndarray, "m p"], beta: Float[ndarray, " p"], rows: Rows, threads: int = 1
) -> dict[str, Any] | None:
    """Return the fields of `CoxInformation` for rows in sorted order; None if a log-hazard is NaN or infinite."""
    with work_memory(2 * len(design) + 6 * (rows.first_death.size + 1)) as numbers:
        if threads == 1 or len(design) < 2 * PART:
            found, largest = _evaluate(design, beta, rows, numbers, map)
        else:
            with ThreadPoolExecutor(threads) as pool:
                found, largest = _evaluate(design, beta, rows, numbers, pool.map)
    if largest <= REACH:
        return found
    eta = design @ beta
    return wide.evaluate(design, eta, rows) if np.isfinite(eta).all() else None


def _evaluate(
    design: Float[ndarray, "m p"],
    beta: Float[ndarray, " p"],
    rows: Rows,
    numbers: Float[ndarray, " w"],
    each: Callable[..., Iterator[Any]],
) -> tuple[dict[str, Any], float]:
    """Return the fields, none beyond REACH, and the largest log-hazard. ``each`` maps over parts."""
    pair, tables = numbers[: 2 * len(design)].reshape(2, -1), numbers[2 * len(design) :].reshape(3, -1, 2)
    hazard, (sums, slopes, curves) = pair[0], tables
    parts = _parts(rows.group_start)
    ahead = np.zeros((len(parts) + 1, beta.size))
    numbered = range(len(parts))
    firsts = list(each(lambda at: _exponentiate(design, beta, rows, hazard, sums, ahead[at + 1], *parts[at]), numbered))
    largest = max((size for _, _, size in firsts), default=0.0)
    if largest > REACH:
        return {}, largest
    accumulate(sums, rows.opens)
    slopes[:] = sums
    logs = sum(each(lambda part: step_groups(rows, slopes, curves, *part), parts))
    increment = slopes[:-1, 0].copy()
    accumulate_back(slopes, rows.opens)
    for at, (opens, _, _) in enumerate(firsts):
        if not opens:
            ahead[at + 1] += ahead[at]
    totals = list(each(lambda at: _moments(design, rows, pair, tables, ahead[at].copy(), *parts[at]), numbered))
    found = {
        "value": float(logs - sum(term for _, term, _ in firsts)),
        "gradient": sum((gradient for gradient, _ in totals), np.zeros(beta.size)),
        "hessian": sum((hessian for _, hessian in totals), np.zeros((beta.size, beta.size))),
        "increment": increment,
        "top": 0.0,
    }
    return found, largest


def _parts(start: Int[ndarray, " g+1"]) -> list[tuple[int, int]]:
    """Cut groups into parts of about as many rows."""
    count = int(np.clip(start[-1] // PART, 1, MOST_PARTS))
    cuts = np.unique(np.searchsorted(start, np.linspace(0, start[-1], count + 1)))
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))


@njit(cache=True, nogil=True)
def _exponentiate(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    design: Float[ndarray, "m p"],
    beta: Float[ndarray, " p"],
    rows: Rows,
    hazard: Float[ndarray, " m"],
    sums: Float[ndarray, "s 2"],
    ahead: Float[ndarray, " p"],
    start: int,
    stop: int,
) -> tuple[bool, float, float]:
    """Fill hazards and groups' sums; add up hazard times columns since the last stratum opened.

    Returns whether one opened, the events' weighted log-hazards and the largest log-hazard.
    """
    group_start, weight = rows.group_start, rows.weight
    first, last = group_start[start], group_start[stop]
    largest = _log_hazards(design, beta, hazard, first, last)
    term = _event_term(hazard, rows, start, stop)
    _exponentials(hazard[first:last])
    for k in range(first, last) if weight.size else range(0):
        hazard[k] *= weight[k]
    _sum_groups(hazard, rows, sums, start, stop)
    opened, since = False, first
    for g in range(start, stop):
        if rows.opens[g]:
            opened, since = True, group_start[g]
    _join(design, hazard, ahead, since, last)
    return opened, term, largest


@njit(cache=True, nogil=True)
def _log_hazards(
    design: Float[ndarray, "m p"], beta: Float[ndarray, " p"], eta: Float[ndarray, " m"], first: int, last: int
) -> float:
    """Fill the log-hazards of some rows; return the largest in size, infinity for NaN."""
    largest = 0.0
    for begin in range(first, last, _PIECE):  # BLAS would start threads of its own for more
        end = min(begin + _PIECE, last)
        eta[begin:end] = np.dot(design[begin:end], beta)
    for k in range(first, last):
        largest = largest if abs(eta[k]) <= largest else abs(eta[k])
        largest = np.inf if np.isnan(eta[k]) else largest
    return largest


@njit(cache=True, nogil=True)
def _event_term(eta: Float[ndarray, " m"], rows: Rows, start: int, stop: int) -> float:
    """Sum weight times log-hazard over the events of some groups."""
    term, weight = 0.0, rows.weight
    for g in range(start, stop):
        for k in range(rows.first_death[g], rows.group_start[g + 1]):
            term += eta[k] * (weight[k] if weight.size else 1.0)
    return term


@njit(cache=True, nogil=True, fastmath={"contract"})
def _exponentials(eta: Float[ndarray, " c"]) -> None:
    for k in range(eta.size):
        eta[k] = exponential(eta[k])


@njit(cache=True, nogil=True)
def _sum_groups(hazard: Float[ndarray, " m"], rows: Rows, sums: Float[ndarray, "s 2"], start: int, stop: int) -> None:
    """Sum the hazards of those who join at each group and those who fail there, in one loop without a branch."""
    sums[start:stop] = 0.0
    g, total, failed = start, 0.0, 0
    for k in range(rows.group_start[start], rows.group_start[stop]):
        fails = int(k >= rows.first_death[g])
        total = hazard[k] + (total if fails == failed else 0.0)
        sums[g, fails] = total
        closes = k + 1 == rows.group_start[g + 1]
        g, failed, total = g + closes, 0 if closes else fails, 0.0 if closes else total


@njit(cache=True, nogil=True)
def _moments(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    design: Float[ndarray, "m p"],
    rows: Rows,
    pair: Float[ndarray, "2 m"],
    tables: Float[ndarray, "3 s 2"],
    joined: Float[ndarray, " p"],
    start: int,
    stop: int,
) -> tuple[ndarray, ndarray]:
    """Return what some groups add to gradient and Hessian.

    ``pair`` is the hazards and room beside them, ``joined`` hazard times columns of who joined before.
    """
    p, hazard, net = joined.size, pair[0], pair[1]
    gradient, hessian, product = np.zeros(p), np.zeros((p, p)), np.empty((p, p))
    # a piece ends with the group that fills it
    spread, means = np.empty((_PIECE, p)), np.empty((2 * _PIECE, p))
    while start < stop:
        first, end = rows.group_start[start], start
        while end < stop and rows.group_start[end] - first < _PIECE:
            end += 1
        met = _fill_means(design, rows, hazard, tables, joined, means, start, end)
        _add_products(means[:met], product, hessian, -1.0)
        _expose(rows, hazard, net, tables[1], start, end)
        _join(design, net, gradient, first, rows.group_start[end])
        for begin in range(first, rows.group_start[end], _PIECE):
            size = min(_PIECE, rows.group_start[end] - begin)
            _scale_rows(design[begin : begin + size], hazard[begin : begin + size], spread)
            _add_products(spread[:size], product, hessian, 1.0)
        start = end
    return gradient, hessian


@njit(cache=True, nogil=True)
def _fill_means(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    design: Float[ndarray, "m p"],
    rows: Rows,
    hazard: Float[ndarray, " m"],
    tables: Float[ndarray, "3 s 2"],
    joined: Float[ndarray, " p"],
    means: Float[ndarray, "f p"],
    start: int,
    stop: int,
) -> int:
    """Write rows whose products sum to those of the denominators' mean covariates; return how many."""
    group_start, first_death, opens = rows.group_start, rows.first_death, rows.opens
    sums, curves, met, dying, g = tables[0], tables[2], 0, np.zeros(joined.size), start
    while g < stop:
        if opens[g]:
            joined[:] = 0.0
        begin, death, end = g, first_death[g], group_start[g + 1]
        g += 1
        if rows.efron and end - death > 1:
            dying[:] = 0.0
            _join(design, hazard, joined, group_start[begin], death)
            _join(design, hazard, dying, death, end)
            cross = _cross(sums[begin, 0], sums[begin, 1], end - death) * rows.death_weight[begin] / (end - death)
            _write_tie(joined, dying, curves[begin, 0], cross, curves[begin, 1], means[met : met + 2])
            joined += dying
            met += 2
        else:
            while g < stop and not opens[g] and not (rows.efron and group_start[g + 1] - first_death[g] > 1):
                g += 1
            _write_running(design, hazard, group_start[begin : g + 1], curves[begin:g], joined, means[met:])
            met += g - begin
    return met


@njit(cache=True, nogil=True, fastmath={"contract"})
def _join(
    design: Float[ndarray, "m p"], hazard: Float[ndarray, " m"], sums: Float[ndarray, " p"], first: int, last: int
) -> None:
    for k in range(first, last):
        for c in range(sums.size):
            sums[c] += hazard[k] * design[k, c]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _write_running(
    design: Float[ndarray, "m p"],
    hazard: Float[ndarray, " m"],
    group_start: Int[ndarray, " k+1"],
    curves: Float[ndarray, "k 2"],
    joined: Float[ndarray, " p"],
    means: Float[ndarray, "f p"],
) -> None:
    """Write the running sums at each group: at every row, the last of a group's counts, so that nothing branches."""
    g = 0
    for k in range(group_start[0], group_start[-1]):
        root = np.sqrt(curves[g, 0])
        for c in range(joined.size):
            total = joined[c] + hazard[k] * design[k, c]
            joined[c] = total
            means[g, c] = root * total
        g += k + 1 == group_start[g + 1]


@njit(cache=True, nogil=True)
def _expose(
    rows: Rows,
    hazard: Float[ndarray, " m"],
    net: Float[ndarray, " m"],
    slopes: Float[ndarray, "s 2"],
    start: int,
    stop: int,
) -> None:
    """Replace the hazards of some groups by the rows' expected events; ``net`` is those less the events."""
    g = start
    for k in range(rows.group_start[start], rows.group_start[stop]):
        fails = int(k >= rows.first_death[g])
        hazard[k] *= slopes[g, fails]
        net[k] = hazard[k] - fails * (rows.weight[k] if rows.weight.size else 1.0)
        g += k + 1 == rows.group_start[g + 1]


@njit(cache=True, nogil=True)
def _scale_rows(design: Float[ndarray, "k p"], square: Float[ndarray, " k"], scaled: Float[ndarray, "f p"]) -> None:
    for k in range(square.size):
        root = np.sqrt(square[k])
        for c in range(design.shape[1]):
            scaled[k, c] = root * design[k, c]


@njit(cache=True, nogil=True)
def _add_products(
    filled: Float[ndarray, "f p"], product: Float[ndarray, "p p"], hessian: Float[ndarray, "p p"], sign: float
) -> None:
    np.dot(filled.T, filled, product)
    for i in range(len(hessian)):
        for j in range(len(hessian)):
            hessian[i, j] += sign * product[i, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _cross(others: float, dying: float, deaths: int) -> float:
    """Sum kept / phi^2 over Efron's steps, beside the sums of 1 / phi^2 and kept^2 / phi^2 in the curves."""
    total = 0.0
    for left in range(deaths, 0, -1):
        kept = left / deaths
        inverse = 1.0 / (others + kept * dying)
        total += kept * inverse * inverse
    return total


@njit(cache=True, nogil=True, fastmath={"contract"})
def _write_tie(
    others: Float[ndarray, " p"],
    dying: Float[ndarray, " p"],
    square: float,
    cross: float,
    kept_square: float,
    means: Float[ndarray, "2 p"],
) -> None:
    """Write two rows whose products equal those of all steps' means: a Cholesky factor of their 2 x 2 sums."""
    root = np.sqrt(square)
    share = cross / root
    rest = np.sqrt(max(kept_square - share * share, 0.0))
    for c in range(others.size):
        means[0, c] = root * others[c] + share * dying[c]
        means[1, c] = rest * dying[c]
