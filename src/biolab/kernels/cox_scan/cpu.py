"""Many one-feature Cox models at once: 32 features are the lanes of one walk, all Newton steps in cache."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int
from biolab.kernels.exponential import exponential
from biolab.kernels.risk_set import Rows

from .adjusted import fit_alone
from .outcomes import CONSTANT, NOT_CONVERGED, OK, SEPARATED

# Enough that loops over lanes become vector instructions; more would wait longer for the slowest feature.
LANES = 32
MAX_STEPS = 40
# In units of the standardised feature: a last step under SMALL_STEP leaves an error of its square.
SMALL_STEP = 1e-6
LARGEST_MOVE = 4.0
# Linear predictors stay within this, so that no exponential needs a shift.
REACH = 250.0


@njit(cache=True, nogil=True)
def scan(
    features: Float[ndarray, "m c"],
    rows: Rows,
    found: Float[ndarray, "c 5"],
) -> None:
    """Fit each column of the sorted features; see `outcomes` for the columns of ``found``."""
    m, c = features.shape
    z, scale, reach = np.zeros((m, LANES)), np.ones(LANES), np.zeros(LANES)
    outcome = np.empty(LANES, dtype=np.int64)
    for begin in range(0, c, LANES):
        lanes = min(LANES, c - begin)
        _standardise(features, begin, lanes, z, scale, reach)
        _find_separation(z, rows, outcome)
        beta, error, score, ratio = _fit_lanes(z, rows, reach, outcome)
        for lane in range(lanes):
            if outcome[lane] == NOT_CONVERGED:  # very large linear predictors: alone, with shifted exponentials
                column = np.ascontiguousarray(z[:, lane : lane + 1])
                beta[lane], error[lane], ratio[lane], outcome[lane] = fit_alone(column, rows)
            found[begin + lane, 0] = beta[lane] / scale[lane]
            found[begin + lane, 1] = error[lane] / scale[lane]
            found[begin + lane, 2] = score[lane]
            found[begin + lane, 3] = ratio[lane]
            found[begin + lane, 4] = outcome[lane]
            if outcome[lane] != OK:
                found[begin + lane, :2], found[begin + lane, 3] = np.nan, np.nan
            if outcome[lane] == CONSTANT:
                found[begin + lane, 2] = np.nan


@njit(cache=True, nogil=True)
def _standardise(
    features: Float[ndarray, "m c"],
    begin: int,
    lanes: int,
    z: Float[ndarray, "m l"],
    scale: Float[ndarray, " l"],
    reach: Float[ndarray, " l"],
) -> None:
    """Fill lanes with features of mean 0 and variance 1, constant ones and unused lanes with 0."""
    m = features.shape[0]
    mean, low, high = np.zeros(LANES), np.full(LANES, np.inf), np.full(LANES, -np.inf)
    z[:, lanes:] = 0.0
    for k in range(m):
        for lane in range(lanes):
            x = features[k, begin + lane]
            mean[lane] += x / m
            low[lane] = min(low[lane], x)
            high[lane] = max(high[lane], x)
    total = np.zeros(LANES)
    for k in range(m):
        for lane in range(lanes):
            centred = features[k, begin + lane] - mean[lane]
            z[k, lane] = centred
            total[lane] += centred * centred
    for lane in range(LANES):
        flat = lane >= lanes or high[lane] - low[lane] <= 1e-14 * max(abs(low[lane]), abs(high[lane]))
        scale[lane] = 1.0 if flat else np.sqrt(total[lane] / m)
        reach[lane] = 0.0 if flat else max(high[lane] - mean[lane], mean[lane] - low[lane]) / scale[lane]
        for k in range(m):
            z[k, lane] = 0.0 if flat else z[k, lane] / scale[lane]


@njit(cache=True, nogil=True)
def _find_separation(
    z: Float[ndarray, "m l"],
    rows: Rows,
    outcome: Int[ndarray, " l"],
) -> None:
    """Mark lanes without a finite maximum: who fails always has the highest value at risk, or always the lowest."""
    group_start, first_death, opens = rows.group_start, rows.first_death, rows.opens
    low, high = np.full(LANES, np.inf), np.full(LANES, -np.inf)
    rises, falls = np.zeros(LANES, dtype=np.bool_), np.zeros(LANES, dtype=np.bool_)
    for g in range(first_death.size):
        if opens[g]:
            low[:], high[:] = np.inf, -np.inf
        for k in range(group_start[g], group_start[g + 1]):
            for lane in range(LANES):
                low[lane] = min(low[lane], z[k, lane])
                high[lane] = max(high[lane], z[k, lane])
        for k in range(first_death[g], group_start[g + 1]):
            for lane in range(LANES):
                rises[lane] |= z[k, lane] < high[lane]
                falls[lane] |= z[k, lane] > low[lane]
    for lane in range(LANES):
        outcome[lane] = OK
        if not (rises[lane] and falls[lane]):
            outcome[lane] = SEPARATED if rises[lane] or falls[lane] else CONSTANT


@njit(cache=True, nogil=True)
def _fit_lanes(
    z: Float[ndarray, "m l"], rows: Rows, reach: Float[ndarray, " l"], outcome: Int[ndarray, " l"]
) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Return coefficient, standard error, score and likelihood ratio statistic of each lane."""
    beta, found = np.zeros(LANES), np.zeros((3, LANES))
    value, gradient, information = found[0], found[1], found[2]
    _evaluate(beta, z, rows, found, True)  # noqa: FBT003
    null = value.copy()
    score = np.full(LANES, np.nan)
    bracket = np.full((LANES, 2), np.inf)
    bracket[:, 0] = -np.inf
    active = outcome == OK
    for lane in range(LANES):
        if outcome[lane] != CONSTANT:
            score[lane] = gradient[lane] * gradient[lane] / information[lane]
    for _ in range(MAX_STEPS):
        for lane in range(LANES):
            if not active[lane]:
                continue
            step = _bounded_step(beta[lane], gradient[lane], information[lane], reach[lane], bracket[lane])
            beta[lane] += step
            active[lane] = abs(step) > SMALL_STEP
            if abs(beta[lane]) * reach[lane] > REACH:
                beta[lane], active[lane], outcome[lane] = 0.0, False, NOT_CONVERGED
        going = active.any()
        _evaluate(beta, z, rows, found, not going)
        if not going:
            break
    if active.any():
        outcome[active] = NOT_CONVERGED
        _evaluate(beta, z, rows, found, True)  # noqa: FBT003
    error, ratio = np.empty(LANES), np.empty(LANES)
    for lane in range(LANES):
        last = gradient[lane] / information[lane] if information[lane] > 0.0 else 0.0
        beta[lane] += last
        error[lane] = 1.0 / np.sqrt(information[lane]) if information[lane] > 0.0 else np.nan
        ratio[lane] = max(2.0 * (value[lane] - null[lane]) + gradient[lane] * last, 0.0)
    return beta, error, score, ratio


@njit(cache=True, nogil=True)
def _bounded_step(
    beta: float, gradient: float, information: float, reach: float, bracket: Float[ndarray, " 2"]
) -> float:
    """Newton's step, bounded, and kept between the points where the gradient is known to change sign."""
    bracket[0 if gradient > 0.0 else 1] = beta
    bound = LARGEST_MOVE / max(reach, LARGEST_MOVE)
    step = np.sign(gradient) * bound
    if information > 0.0:
        step = min(max(gradient / information, -bound), bound)
    if abs(step) > SMALL_STEP and not bracket[0] <= beta + step <= bracket[1]:
        step = (bracket[0] + bracket[1]) / 2 - beta
    return step


@njit(cache=True, nogil=True, fastmath={"contract"})
def _join(
    z: Float[ndarray, "m l"],
    beta: Float[ndarray, " l"],
    weight: Float[ndarray, " m_or_0"],
    start: int,
    stop: int,
    sums: Float[ndarray, "3 l"],
) -> None:
    """Add rows to the sums of w e, w e z and w e z^2."""
    for k in range(start, stop):
        heavy = weight[k] if weight.size else 1.0
        for lane in range(LANES):
            x = z[k, lane]
            hazard = heavy * exponential(beta[lane] * x)
            sums[0, lane] += hazard
            sums[1, lane] += hazard * x
            sums[2, lane] += hazard * x * x


@njit(cache=True, nogil=True, fastmath={"contract"})
def _evaluate(
    beta: Float[ndarray, " l"],
    z: Float[ndarray, "m l"],
    rows: Rows,
    found: Float[ndarray, "3 l"],
    with_value: bool,  # noqa: FBT001 - numba passes no keyword-only arguments
) -> None:
    """Fill log-likelihood (where it is wanted), gradient and information."""
    group_start, first_death, opens, weight = rows.group_start, rows.first_death, rows.opens, rows.weight
    value, gradient, information = found[0], found[1], found[2]
    others, dying, phi = np.zeros((3, LANES)), np.zeros((3, LANES)), np.empty(LANES)
    found[:] = 0.0
    for g in range(first_death.size):
        if opens[g]:
            others[:] = 0.0
        deaths_start, stop = first_death[g], group_start[g + 1]
        _join(z, beta, weight, group_start[g], deaths_start, others)
        dying[:] = 0.0
        _join(z, beta, weight, deaths_start, stop, dying)
        deaths, total = stop - deaths_start, 0.0
        for k in range(deaths_start, stop):
            heavy = weight[k] if weight.size else 1.0
            total += heavy
            for lane in range(LANES):
                gradient[lane] += heavy * z[k, lane]
                value[lane] += heavy * z[k, lane] * beta[lane]
        steps = deaths if rows.efron else 1
        for step in range(steps):
            kept, share = (steps - step) / steps, total / steps
            for lane in range(LANES):
                phi[lane] = others[0, lane] + kept * dying[0, lane]
                inverse = 1.0 / phi[lane]
                mean = (others[1, lane] + kept * dying[1, lane]) * inverse
                square = (others[2, lane] + kept * dying[2, lane]) * inverse
                gradient[lane] -= share * mean
                information[lane] += share * (square - mean * mean)
            if with_value:
                for lane in range(LANES):
                    value[lane] -= share * np.log(phi[lane])
        for moment in range(3):
            for lane in range(LANES):
                others[moment, lane] += dying[moment, lane]
