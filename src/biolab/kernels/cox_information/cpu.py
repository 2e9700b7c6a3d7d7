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
    with work_memory(len(design) + 6 * (rows.first_death.size + 1)) as numbers:
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
    """Return the fields, and the largest log-hazard: beyond REACH they are worth nothing. ``each`` maps over parts."""
    hazard, tables = numbers[: len(design)], numbers[len(design) :].reshape(3, -1, 2)
    sums, slopes, curves = tables
    parts = _parts(rows.group_start)
    ahead = np.zeros((len(parts) + 1, beta.size))
    firsts = list(each(lambda at: _exponentiate(design, beta, rows, hazard, sums, ahead[at + 1], *parts[at]), range(len(parts))))
    accumulate(sums, rows.opens)
    slopes[:] = sums
    logs = sum(each(lambda part: step_groups(rows, slopes, curves, *part), parts))
    increment = slopes[:-1, 0].copy()
    accumulate_back(slopes, rows.opens)
    for at, (opens, _, _) in enumerate(firsts):
        if not opens:
            ahead[at + 1] += ahead[at]
    totals = list(each(lambda at: _moments(design, rows, hazard, tables, ahead[at].copy(), *parts[at]), range(len(parts))))
    found = {
        "value": float(logs - sum(term for _, term, _ in firsts)),
        "gradient": sum((gradient for gradient, _ in totals), np.zeros(beta.size)),
        "hessian": sum((hessian for _, hessian in totals), np.zeros((beta.size, beta.size))),
        "increment": increment,
        "top": 0.0,
    }
    return found, max((largest for _, _, largest in firsts), default=0.0)


def _parts(start: Int[ndarray, " g+1"]) -> list[tuple[int, int]]:
    """Cut groups into parts of about as many rows."""
    count = int(np.clip(start[-1] // PART, 1, MOST_PARTS))
    cuts = np.unique(np.searchsorted(start, np.linspace(0, start[-1], count + 1)))
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))


@njit(cache=True, nogil=True)
def _exponentiate(
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
    group_start, first_death, weight = rows.group_start, rows.first_death, rows.weight
    first, last = group_start[start], group_start[stop]
    largest = _log_hazards(design, beta, hazard, first, last)
    term, opened, since = 0.0, False, first
    for g in range(start, stop):
        for k in range(first_death[g], group_start[g + 1]):
            term += hazard[k] * (weight[k] if weight.size else 1.0)
        if rows.opens[g]:
            opened, since = True, group_start[g]
    _exponentials(hazard[first:last])
    for k in range(first, last) if weight.size else range(0):
        hazard[k] *= weight[k]
    for g in range(start, stop):
        joining, failing = 0.0, 0.0
        for k in range(group_start[g], first_death[g]):
            joining += hazard[k]
        for k in range(first_death[g], group_start[g + 1]):
            failing += hazard[k]
        sums[g, 0], sums[g, 1] = joining, failing
    ahead[:] = np.dot(hazard[since:last], design[since:last])
    return opened, term, largest


@njit(cache=True, nogil=True)
def _log_hazards(
    design: Float[ndarray, "m p"], beta: Float[ndarray, " p"], eta: Float[ndarray, " m"], first: int, last: int
) -> float:
    """Fill the log-hazards of some rows; return the largest in size, infinity for NaN."""
    eta[first:last] = np.dot(design[first:last], beta)
    largest = 0.0
    for k in range(first, last):
        largest = largest if abs(eta[k]) <= largest else abs(eta[k])
        largest = np.inf if np.isnan(eta[k]) else largest
    return largest


@njit(cache=True, nogil=True, fastmath={"contract"})
def _exponentials(eta: Float[ndarray, " c"]) -> None:
    for k in range(eta.size):
        eta[k] = exponential(eta[k])


@njit(cache=True, nogil=True)
def _moments(
    design: Float[ndarray, "m p"],
    rows: Rows,
    hazard: Float[ndarray, " m"],
    tables: Float[ndarray, "3 s 2"],
    joined: Float[ndarray, " p"],
    start: int,
    stop: int,
) -> tuple[ndarray, ndarray]:
    """Return what some groups add to gradient and Hessian; ``joined`` is hazard times columns of who joined before."""
    group_start, first_death, weight = rows.group_start, rows.first_death, rows.weight
    sums, slopes, curves = tables[0], tables[1], tables[2]
    p = joined.size
    gradient, hessian, product, dying = np.zeros(p), np.zeros((p, p)), np.empty((p, p)), np.zeros(p)
    spread, means, filled, met = np.empty((_PIECE, p)), np.empty((_PIECE, p)), 0, 0
    for g in range(start, stop):
        death, end = first_death[g], group_start[g + 1]
        if rows.opens[g]:
            joined[:] = 0.0
        together = end - death == 1 or not rows.efron
        for k in range(group_start[g], end):
            exposure = hazard[k] * slopes[g, 0 if k < death else 1]
            events = 0.0 if k < death else (weight[k] if weight.size else 1.0)
            into = joined if together or k < death else dying
            _add_row(design[k], hazard[k], exposure, events, into, gradient, spread[filled])
            filled += 1
            if filled == _PIECE:
                _add_products(spread, product, hessian, 1.0)
                filled = 0
        if met > _PIECE - 2:
            _add_products(means[:met], product, hessian, -1.0)
            met = 0
        if together:
            root = np.sqrt(curves[g, 0])
            for c in range(p):
                means[met, c] = root * joined[c]
            met += 1
        else:
            cross = _cross(sums[g, 0], sums[g, 1], end - death) * rows.death_weight[g] / (end - death)
            _write_tie(joined, dying, curves[g, 0], cross, curves[g, 1], means[met : met + 2])
            met += 2
            for c in range(p):
                joined[c] += dying[c]
                dying[c] = 0.0
    _add_products(spread[:filled], product, hessian, 1.0)
    _add_products(means[:met], product, hessian, -1.0)
    return gradient, hessian


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_row(
    x: Float[ndarray, " p"],
    hazard: float,
    exposure: float,
    events: float,
    joined: Float[ndarray, " p"],
    gradient: Float[ndarray, " p"],
    spread: Float[ndarray, " p"],
) -> None:
    root, net = np.sqrt(exposure), exposure - events
    for c in range(x.size):
        joined[c] += hazard * x[c]
        gradient[c] += net * x[c]
        spread[c] = root * x[c]


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
