"""One Cox model a feature beside shared covariates: Newton on q + 1 coefficients, the covariates' fit as its start."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.cholesky import factor
from biolab.kernels.cox_curvature.truncated import risk_sums
from biolab.kernels.risk_set import Rows

from .outcomes import COLLINEAR, CONSTANT, NOT_CONVERGED, OK, SEPARATED

MAX_STEPS = 60
HALVINGS = 40
SMALL_STEP = 1e-9
# Standardised linear predictors never range so widely at a maximum that data determine.
DIVERGED = 200.0


@njit(cache=True, nogil=True)
def _solve(lower: Float[ndarray, "r r"], right: Float[ndarray, " r"]) -> Float[ndarray, " r"]:
    x = right.copy()
    r = x.size
    for i in range(r):
        for k in range(i):
            x[i] -= lower[i, k] * x[k]
        x[i] /= lower[i, i]
    for i in range(r - 1, -1, -1):
        for k in range(i + 1, r):
            x[i] -= lower[k, i] * x[k]
        x[i] /= lower[i, i]
    return x


@njit(cache=True, nogil=True)
def _join(
    design: Float[ndarray, "m r"],
    hazard: Float[ndarray, " m"],
    start: int,
    stop: int,
    first: Float[ndarray, " r"],
    second: Float[ndarray, "r r"],
) -> float:
    """Add rows to the sums of e x and e x x'; return the sum of e."""
    total, r = 0.0, first.size
    for k in range(start, stop):
        total += hazard[k]
        for i in range(r):
            part = hazard[k] * design[k, i]
            first[i] += part
            for j in range(i + 1):
                second[i, j] += part * design[k, j]
    return total


@njit(cache=True, nogil=True)
def _leave(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    others: float,
    first: Float[ndarray, " r"],
    second: Float[ndarray, "r r"],
    dying: float,
    dying1: Float[ndarray, " r"],
    dying2: Float[ndarray, "r r"],
    weight: float,
    steps: int,
    gradient: Float[ndarray, " r"],
    information: Float[ndarray, "r r"],
) -> float:
    """Add what an event time's denominators add to gradient and information; return their weighted logarithms."""
    logs, mean, share = 0.0, np.empty(first.size), weight / steps
    for step in range(steps):
        kept = (steps - step) / steps
        phi = others + kept * dying
        logs += share * np.log(phi)
        for i in range(mean.size):
            mean[i] = (first[i] + kept * dying1[i]) / phi
            gradient[i] -= share * mean[i]
            for j in range(i + 1):
                information[i, j] += share * ((second[i, j] + kept * dying2[i, j]) / phi - mean[i] * mean[j])
    return logs


@njit(cache=True, nogil=True)
def _evaluate_late(
    beta: Float[ndarray, " r"],
    design: Float[ndarray, "m r"],
    rows: Rows,
    gradient: Float[ndarray, " r"],
    information: Float[ndarray, "r r"],
) -> tuple[float, float]:
    """Do as `evaluate` does for rows that enter late: their sums are those of a tree."""
    eta, weight, r = design @ beta, rows.weight, beta.size
    others, dying, shift = risk_sums(eta, rows, _monomials(design))
    first, second, dying1, dying2 = np.zeros(r), np.zeros((r, r)), np.zeros(r), np.zeros((r, r))
    value, gradient[:], information[:] = 0.0, 0.0, 0.0
    for g in range(shift.size):
        _unpack(others[g], first, second)
        _unpack(dying[g], dying1, dying2)
        total = 0.0
        for k in range(rows.first_death[g], rows.group_start[g + 1]):
            heavy = weight[k] if weight.size else 1.0
            total += heavy
            value += heavy * (eta[k] - shift[g])
            for i in range(r):
                gradient[i] += heavy * design[k, i]
        steps = rows.group_start[g + 1] - rows.first_death[g] if rows.efron else 1
        value -= _leave(others[g, 0], first, second, dying[g, 0], dying1, dying2, total, steps, gradient, information)
    return value, eta.max() - eta.min()


@njit(cache=True, nogil=True)
def _monomials(design: Float[ndarray, "m r"]) -> Float[ndarray, "m q"]:
    """Set side by side 1, the columns, and the products of each with itself and those before it."""
    m, r = design.shape
    found = np.ones((m, 1 + r + r * (r + 1) // 2))
    for k in range(m):
        place = r + 1
        for i in range(r):
            found[k, 1 + i] = design[k, i]
            for j in range(i + 1):
                found[k, place] = design[k, i] * design[k, j]
                place += 1
    return found


@njit(cache=True, nogil=True)
def _unpack(sums: Float[ndarray, " q"], first: Float[ndarray, " r"], second: Float[ndarray, "r r"]) -> None:
    """Take the sums of `_monomials` apart (lower half)."""
    r = first.size
    place = r + 1
    for i in range(r):
        first[i] = sums[1 + i]
        for j in range(i + 1):
            second[i, j] = sums[place]
            place += 1


@njit(cache=True, nogil=True)
def evaluate(
    beta: Float[ndarray, " r"],
    design: Float[ndarray, "m r"],
    rows: Rows,
    gradient: Float[ndarray, " r"],
    information: Float[ndarray, "r r"],
) -> tuple[float, float]:
    """Fill gradient and information (lower half); return the log-likelihood and the linear predictor's range."""
    if rows.leaves.size:
        return _evaluate_late(beta, design, rows, gradient, information)
    group_start, first_death, opens, weight = rows.group_start, rows.first_death, rows.opens, rows.weight
    r = beta.size
    eta = design @ beta
    hazard = np.empty(eta.size)
    first, second, dying1, dying2 = np.zeros(r), np.zeros((r, r)), np.empty(r), np.empty((r, r))
    value, others, shift = 0.0, 0.0, -np.inf
    gradient[:], information[:] = 0.0, 0.0
    for g in range(first_death.size):
        start, deaths_start, stop = group_start[g], first_death[g], group_start[g + 1]
        if opens[g]:
            others, shift = 0.0, -np.inf
            first[:], second[:] = 0.0, 0.0
        highest = shift
        for k in range(start, stop):
            highest = max(highest, eta[k])
        if highest > shift:
            scale = np.exp(shift - highest)
            others, shift = others * scale, highest
            first *= scale
            second *= scale
        total = 0.0
        for k in range(start, stop):
            heavy = weight[k] if weight.size else 1.0
            hazard[k] = heavy * np.exp(eta[k] - shift)
            if k >= deaths_start:
                total += heavy
                value += heavy * (eta[k] - shift)
                for i in range(r):
                    gradient[i] += heavy * design[k, i]
        others += _join(design, hazard, start, deaths_start, first, second)
        dying1[:], dying2[:] = 0.0, 0.0
        dying = _join(design, hazard, deaths_start, stop, dying1, dying2)
        steps = stop - deaths_start if rows.efron else 1
        value -= _leave(others, first, second, dying, dying1, dying2, total, steps, gradient, information)
        others += dying
        first += dying1
        second += dying2
    return value, eta.max() - eta.min() if eta.size else 0.0


@njit(cache=True, nogil=True)
def maximise(
    design: Float[ndarray, "m r"],
    rows: Rows,
    beta: Float[ndarray, " r"],
    largest: float,
) -> tuple[int, float, Float[ndarray, "r r"]]:
    """Move beta to the maximum; return outcome, log-likelihood and the Cholesky factor of the information."""
    r = beta.size
    gradient, information, lower = np.zeros(r), np.zeros((r, r)), np.zeros((r, r))
    value, _ = evaluate(beta, design, rows, gradient, information)
    for _ in range(MAX_STEPS):
        if factor(information, lower) < r:
            return NOT_CONVERGED, value, lower
        step = _solve(lower, gradient)
        small = np.abs(step).max() <= SMALL_STEP if r else True
        trial, spread = -np.inf, 0.0
        for _ in range(HALVINGS):
            trial, spread = evaluate(beta + step, design, rows, gradient, information)
            if trial >= value - 1e-12 * (1.0 + abs(value)):
                break
            step /= 2.0
        beta += step
        value = trial
        if spread > largest:
            return SEPARATED, value, lower
        if small:
            factor(information, lower)
            return OK, value, lower
    return NOT_CONVERGED, value, lower


@njit(cache=True, nogil=True)
def fit_alone(design: Float[ndarray, "m 1"], rows: Rows) -> tuple[float, float, float, int]:
    """Fit one standardised feature known to have a maximum; return it with error, LR statistic and outcome."""
    beta, gradient, information = np.zeros(1), np.zeros(1), np.zeros((1, 1))
    null, _ = evaluate(beta, design, rows, gradient, information)
    outcome, value, lower = maximise(design, rows, beta, np.inf)
    if outcome != OK:
        return np.nan, np.nan, np.nan, NOT_CONVERGED
    return beta[0], 1.0 / lower[0, 0], 2.0 * (value - null), OK


@njit(cache=True, nogil=True)
def scan(
    features: Float[ndarray, "m c"],
    covariates: Float[ndarray, "m q"],
    null: tuple[Float[ndarray, " q"], float],
    rows: Rows,
    found: Float[ndarray, "c 5"],
) -> None:
    """Fit each column of the sorted features beside the covariates (standardised), from the covariates' own fit."""
    m, q = covariates.shape
    null_beta, null_value = null
    # the feature stands last: its last pivot is what the covariates leave of its information
    design, gradient, information = np.empty((m, q + 1)), np.zeros(q + 1), np.zeros((q + 1, q + 1))
    design[:, :q], beta, lower = covariates, np.zeros(q + 1), np.zeros((q + 1, q + 1))
    for c in range(features.shape[1]):
        found[c] = np.nan
        column = features[:, c]
        low, high = column.min(), column.max()
        if high - low <= 1e-14 * max(abs(low), abs(high)):
            found[c, 4] = CONSTANT
            continue
        centred = column - column.mean()
        scale = np.sqrt((centred * centred).mean())
        design[:, q] = centred / scale
        beta[:q], beta[q] = null_beta, 0.0
        evaluate(beta, design, rows, gradient, information)
        if information[q, q] < 1e-12:
            found[c, 4] = CONSTANT
            continue
        if factor(information, lower) <= q:
            found[c, 4] = COLLINEAR
            continue
        found[c, 2] = (gradient[q] / lower[q, q]) ** 2
        outcome, value, lower = maximise(design, rows, beta, DIVERGED)
        if outcome == NOT_CONVERGED and abs(beta[q]) * (high - low) / scale > 15.0:
            outcome = SEPARATED
        found[c, 4] = outcome
        if outcome == OK:
            found[c, 0], found[c, 1] = beta[q] / scale, 1.0 / (lower[q, q] * scale)
            found[c, 3] = max(2.0 * (value - null_value), 0.0)
