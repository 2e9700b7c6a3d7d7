"""Many one-feature Cox models at once: 32 features are the lanes of one walk, all Newton steps in cache."""

from threading import Lock
from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy import ndarray

from biolab.core.arrays import Float, Int
from biolab.kernels.exponential import exponential
from biolab.kernels.logarithm import logarithm
from biolab.kernels.risk_set import Rows

from . import late_entry
from .adjusted import fit_alone
from .outcomes import CONSTANT, NOT_CONVERGED, OK, SEPARATED

# Enough that loops over lanes become vector instructions; more would wait longer for the slowest feature.
LANES = 32
MAX_STEPS = 40
# Of the linear predictor of the farthest subject: a last step under it leaves an error of its square.
SMALL_MOVE = 1e-3
LARGEST_MOVE = 4.0
# Linear predictors stay within this, so that no exponential needs a shift.
REACH = 250.0


class Lanes(NamedTuple):
    """Standardised features side by side, with what does not change from step to step and room for what does.

    ``reach`` is the largest value of each lane, ``died`` its weighted sum over the events. ``start``, ``nodes`` and
    ``tree`` hold risk sets with late entry (see `late_entry`), of which they are empty without.
    """

    z: Float[ndarray, "m l"]
    scale: Float[ndarray, " l"]
    reach: Float[ndarray, " l"]
    died: Float[ndarray, " l"]
    outcome: Int[ndarray, " l"]
    hazard: Float[ndarray, "m l"]
    phi: Float[ndarray, "d l"]
    start: Int[ndarray, " m+1"]
    nodes: Int[ndarray, " c"]
    tree: Float[ndarray, "v 3 l"]


_ANY_LAYOUT = types.Array(types.float64, 2, "A", readonly=True)
_COMPILING = Lock()


def fit_block(table: Float[ndarray, "n c"], rows: Rows, found: Float[ndarray, "c 5"]) -> bool:
    """Fit each column of the features by the one compiled form that takes every layout of a table."""
    with _COMPILING:
        if not scan.signatures:
            scan.compile((_ANY_LAYOUT, typeof(rows), typeof(found)))
            scan.disable_compile()
    return scan(table, rows, found)


@njit(cache=True, nogil=True)
def scan(table: Float[ndarray, "n c"], rows: Rows, found: Float[ndarray, "c 5"]) -> bool:
    """Fit each column of the features; see `outcomes` for the columns of ``found``. False if a value is not finite."""
    m, steps = rows.order.size, (rows.group_start[1:] - rows.first_death).sum()
    start, nodes = late_entry.cover(rows)
    lanes = Lanes(
        np.zeros((m, LANES)),
        np.ones(LANES),
        np.zeros(LANES),
        np.zeros(LANES),
        np.empty(LANES, dtype=np.int64),
        np.empty((m, LANES)),
        np.empty((steps, LANES)),
        start,
        nodes,
        np.empty((2 * late_entry.leaf_level(rows), 3, LANES)),
    )
    finite = True
    for begin in range(0, table.shape[1], LANES):
        part = found[begin : begin + LANES]
        finite &= _standardise(table[:, begin : begin + LANES], rows.order, lanes)
        if finite:
            _find_separation(lanes, rows)
            beta, error, score, ratio = _fit_lanes(lanes, rows)
            _fit_far_ones(lanes, rows, beta, error, ratio)
            _write(lanes, beta, error, score, ratio, part)
    return finite


@njit(cache=True, nogil=True)
def _fit_far_ones(
    lanes: Lanes,
    rows: Rows,
    beta: Float[ndarray, " l"],
    error: Float[ndarray, " l"],
    ratio: Float[ndarray, " l"],
) -> None:
    """Fit those with very large linear predictors alone, with shifted exponentials."""
    for lane in range(LANES):
        if lanes.outcome[lane] == NOT_CONVERGED:
            column = np.ascontiguousarray(lanes.z[:, lane : lane + 1])
            beta[lane], error[lane], ratio[lane], lanes.outcome[lane] = fit_alone(column, rows)


@njit(cache=True, nogil=True)
def _write(
    lanes: Lanes,
    beta: Float[ndarray, " l"],
    error: Float[ndarray, " l"],
    score: Float[ndarray, " l"],
    ratio: Float[ndarray, " l"],
    found: Float[ndarray, "k 5"],
) -> None:
    for lane in range(len(found)):
        outcome = lanes.outcome[lane]
        found[lane, 0] = beta[lane] / lanes.scale[lane]
        found[lane, 1] = error[lane] / lanes.scale[lane]
        found[lane, 2] = score[lane]
        found[lane, 3] = ratio[lane]
        found[lane, 4] = outcome
        if outcome != OK:
            found[lane, :2], found[lane, 3] = np.nan, np.nan
        if outcome == CONSTANT:
            found[lane, 2] = np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _standardise(table: Float[ndarray, "n k"], order: Int[ndarray, " m"], lanes: Lanes) -> bool:
    """Fill the lanes with features of mean 0 and variance 1, constant ones and unused lanes with 0.

    False if a value is NaN or infinite.
    """
    m, used = order.size, table.shape[1]
    z, scale, reach = lanes.z, lanes.scale, lanes.reach
    z[:, used:] = 0.0
    for k in range(m):
        for lane in range(used):
            z[k, lane] = table[order[k], lane]
    mean, low, high, total = np.zeros(LANES), np.full(LANES, np.inf), np.full(LANES, -np.inf), np.zeros(LANES)
    for k in range(m):
        row = z[k]
        for lane in range(LANES):
            x = row[lane]
            mean[lane] += x
            low[lane] = x if x < low[lane] else low[lane]
            high[lane] = x if x > high[lane] else high[lane]
    if not np.isfinite(mean.sum()):
        return False
    mean /= m
    for k in range(m):
        row = z[k]
        for lane in range(LANES):
            row[lane] -= mean[lane]
            total[lane] += row[lane] * row[lane]
    for lane in range(LANES):
        flat = high[lane] - low[lane] <= 1e-14 * max(abs(low[lane]), abs(high[lane]))
        scale[lane] = 1.0 if flat else np.sqrt(total[lane] / m)
        reach[lane] = 0.0 if flat else max(high[lane] - mean[lane], mean[lane] - low[lane]) / scale[lane]
        total[lane] = 0.0 if flat else 1.0 / scale[lane]
    for k in range(m):
        row = z[k]
        for lane in range(LANES):
            row[lane] *= total[lane]
    return True


@njit(cache=True, nogil=True)
def _find_separation(lanes: Lanes, rows: Rows) -> None:
    """Mark lanes without a finite maximum: who fails always has the highest value at risk, or always the lowest."""
    z, outcome, tree, level = lanes.z, lanes.outcome, lanes.tree, len(lanes.tree) // 2
    group_start, first_death, opens = rows.group_start, rows.first_death, rows.opens
    if level:
        late_entry.find_extremes(z, lanes.start, lanes.nodes, tree)
    low, high, rises, falls = np.empty(LANES), np.empty(LANES), np.zeros(LANES), np.zeros(LANES)
    for g in range(first_death.size):
        start = group_start[g]
        if level:
            low[:], high[:], start = tree[level + g, 0], tree[level + g, 1], first_death[g]
        elif opens[g]:
            low[:], high[:] = np.inf, -np.inf
        for k in range(start, group_start[g + 1]):
            row = z[k]
            for lane in range(LANES):
                x = row[lane]
                low[lane] = x if x < low[lane] else low[lane]
                high[lane] = x if x > high[lane] else high[lane]
        for k in range(first_death[g], group_start[g + 1]):
            row = z[k]
            for lane in range(LANES):
                rises[lane] = 1.0 if row[lane] < high[lane] else rises[lane]
                falls[lane] = 1.0 if row[lane] > low[lane] else falls[lane]
    for lane in range(LANES):
        outcome[lane] = OK
        if rises[lane] == 0.0 or falls[lane] == 0.0:
            outcome[lane] = CONSTANT if rises[lane] == falls[lane] else SEPARATED


@njit(cache=True, nogil=True)
def _fit_lanes(lanes: Lanes, rows: Rows) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Return coefficient, standard error, score and likelihood ratio statistic of each lane."""
    outcome, reach = lanes.outcome, lanes.reach
    beta, found = np.zeros(LANES), np.zeros((3, LANES))
    value, gradient, information = found[0], found[1], found[2]
    _sum_of_deaths(lanes, rows)
    _weights_for_hazards(lanes.hazard, rows.weight)
    _evaluate(beta, lanes, rows, found)
    _subtract_logs(lanes.phi[:, :1], rows, value[:1])  # without a coefficient all lanes have one value
    null, score = value[0], np.full(LANES, np.nan)
    before, moved = information.copy(), np.zeros(LANES)
    bracket = np.full((LANES, 2), np.inf)
    bracket[:, 0] = -np.inf
    active = outcome == OK
    for lane in range(LANES):
        if outcome[lane] != CONSTANT:
            score[lane] = gradient[lane] * gradient[lane] / information[lane]
    for _ in range(MAX_STEPS):
        for lane in range(LANES):
            if active[lane]:
                step = _bounded_step(beta[lane], gradient[lane], information[lane], reach[lane], bracket[lane])
                beta[lane] += step
                before[lane], moved[lane] = information[lane], step
                active[lane] = abs(step) * max(reach[lane], 1.0) > SMALL_MOVE
                if abs(beta[lane]) * reach[lane] > REACH:
                    beta[lane], active[lane], outcome[lane] = 0.0, False, NOT_CONVERGED
        going = active.any()
        _hazards(beta, lanes, rows.weight)
        _evaluate(beta, lanes, rows, found)
        if not going:
            break
    for lane in range(LANES):
        if active[lane]:
            outcome[lane] = NOT_CONVERGED
    _subtract_logs(lanes.phi, rows, value)
    error, ratio = np.full(LANES, np.nan), np.empty(LANES)
    for lane in range(LANES):
        last = gradient[lane] / information[lane] if information[lane] > 0.0 else 0.0
        beta[lane] += last
        ratio[lane] = max(2.0 * (value[lane] - null) + gradient[lane] * last, 0.0)
        # the information where the last step leads, on the line through the last two points
        slope = (information[lane] - before[lane]) / moved[lane] if moved[lane] != 0.0 else 0.0
        there = information[lane] + slope * last
        if there > 0.0:
            error[lane] = 1.0 / np.sqrt(there)
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
    if abs(step) * max(reach, 1.0) > SMALL_MOVE and not bracket[0] <= beta + step <= bracket[1]:
        step = (bracket[0] + bracket[1]) / 2 - beta
    return step


@njit(cache=True, nogil=True)
def _sum_of_deaths(lanes: Lanes, rows: Rows) -> None:
    lanes.died[:] = 0.0
    for g in range(rows.first_death.size):
        for k in range(rows.first_death[g], rows.group_start[g + 1]):
            heavy = rows.weight[k] if rows.weight.size else 1.0
            for lane in range(LANES):
                lanes.died[lane] += heavy * lanes.z[k, lane]


@njit(cache=True, nogil=True)
def _weights_for_hazards(hazard: Float[ndarray, "m l"], weight: Float[ndarray, " m_or_0"]) -> None:
    """Fill the hazards of a coefficient of 0."""
    hazard[:] = 1.0
    for k in range(weight.size):
        hazard[k] = weight[k]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _hazards(beta: Float[ndarray, " l"], lanes: Lanes, weight: Float[ndarray, " m_or_0"]) -> None:
    z, hazard = lanes.z, lanes.hazard
    for k in range(len(z)):
        for lane in range(LANES):
            hazard[k, lane] = exponential(beta[lane] * z[k, lane])
    for k in range(weight.size):
        hazard[k] *= weight[k]


@njit(cache=True, nogil=True)
def _evaluate(
    beta: Float[ndarray, " l"],
    lanes: Lanes,
    rows: Rows,
    found: Float[ndarray, "3 l"],
) -> None:
    """Fill the log-likelihood but for its denominators' logarithms, gradient and information for the lanes' hazards."""
    others, dying, thinned = np.zeros((3, LANES)), np.zeros((3, LANES)), np.empty((3, LANES))
    step, tree, level = 0, lanes.tree, len(lanes.tree) // 2
    if level:
        late_entry.sum_hazards(lanes.z, lanes.hazard, lanes.start, lanes.nodes, tree)
    found[0], found[1], found[2] = beta * lanes.died, lanes.died, 0.0
    for g in range(rows.first_death.size):
        start, death, stop = rows.group_start[g], rows.first_death[g], rows.group_start[g + 1]
        if level:  # who outlives this event time is in the tree already
            others[:], start = tree[level + g], death
        elif rows.opens[g]:
            others[:] = 0.0
        if stop - death == 1 or not rows.efron:
            _join(lanes, start, stop, others)
            _leave(others, rows.death_weight[g], lanes.phi[step], found)
            step += 1
            continue
        _join(lanes, start, death, others)
        dying[:] = 0.0
        _join(lanes, death, stop, dying)
        for left in range(stop - death, 0, -1):
            _thin(others, dying, left / (stop - death), thinned)
            _leave(thinned, rows.death_weight[g] / (stop - death), lanes.phi[step], found)
            step += 1
        _thin(others, dying, 1.0, others)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _join(lanes: Lanes, start: int, stop: int, sums: Float[ndarray, "3 l"]) -> None:
    """Add rows to the sums of w e, w e z and w e z^2."""
    zeroth, first, second = sums[0], sums[1], sums[2]
    for k in range(start, stop):
        z, hazard = lanes.z[k], lanes.hazard[k]
        for lane in range(LANES):
            zeroth[lane] += hazard[lane]
            first[lane] += hazard[lane] * z[lane]
            second[lane] += hazard[lane] * z[lane] * z[lane]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _thin(
    others: Float[ndarray, "3 l"], dying: Float[ndarray, "3 l"], kept: float, thinned: Float[ndarray, "3 l"]
) -> None:
    """Add a share of those who fail to the others' sums."""
    for moment in range(3):
        for lane in range(LANES):
            thinned[moment, lane] = others[moment, lane] + kept * dying[moment, lane]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _leave(sums: Float[ndarray, "3 l"], weight: float, phi: Float[ndarray, " l"], found: Float[ndarray, "3 l"]) -> None:
    """Subtract what one denominator adds to gradient and information; keep it for its logarithm."""
    zeroth, first, second, gradient, information = sums[0], sums[1], sums[2], found[1], found[2]
    for lane in range(LANES):
        inverse = 1.0 / zeroth[lane]
        mean = first[lane] * inverse
        phi[lane] = zeroth[lane]
        gradient[lane] -= weight * mean
        information[lane] += weight * (second[lane] * inverse - mean * mean)


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _subtract_logs(phi: Float[ndarray, "d l"], rows: Rows, value: Float[ndarray, " l"]) -> None:
    step = 0
    for g in range(rows.first_death.size):
        steps = rows.group_start[g + 1] - rows.first_death[g] if rows.efron else 1
        weight = rows.death_weight[g] / steps
        for _ in range(steps):
            row = phi[step]
            for lane in range(value.size):
                value[lane] -= weight * logarithm(row[lane])
            step += 1
