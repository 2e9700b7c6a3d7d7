"""Cox's partial likelihood of log-hazards too far apart for one shift: sums follow the running maximum."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int
from biolab.kernels.exponential import exponential
from biolab.kernels.risk_set import Rows

from .steps import REACH, group_steps


@njit(cache=True, nogil=True)
def evaluate(
    values: Float[ndarray, " n"],
    rows: Rows,
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
) -> float:
    """Return the loss; fill the gradient and the Hessian's diagonal where their arrays are not empty."""
    group_start, first_death, opens = rows.group_start, rows.first_death, rows.opens
    groups = first_death.size
    hazard, shift = np.empty(rows.order.size), np.empty(groups)
    sorted_values(values, rows.order, hazard)
    _segment_shifts(hazard, rows, shift)
    loss = _event_term(hazard, shift, rows)
    _exponentials(hazard, shift, rows)
    sums, at_risk, own = np.empty((groups, 4)), 0.0, np.empty(4)
    for g in range(groups):
        deaths_start, stop = first_death[g], group_start[g + 1]
        if opens[g]:
            at_risk = 0.0
        elif shift[g] != shift[g - 1]:
            at_risk *= np.exp(shift[g - 1] - shift[g])
        at_risk += hazard[group_start[g] : deaths_start].sum()
        dying = hazard[deaths_start:stop].sum()
        loss += group_steps(at_risk, dying, stop - deaths_start, rows.death_weight[g], own, rows.efron)
        at_risk += dying
        sums[g] = own
    if gradient.size:
        curvature = np.empty(hazard.size if hessian.size else 0)
        _walk_back(hazard, shift, rows, sums, curvature)
        unsorted(hazard, rows.order, gradient)
        if hessian.size:
            unsorted(curvature, rows.order, hessian)
    return loss


@njit(cache=True, nogil=True)
def sorted_values(
    values: Float[ndarray, " n"], order: Int[ndarray, " m"], sorted_: Float[ndarray, " m"]
) -> tuple[float, float]:
    """Gather into sorted order; return the lowest and highest."""
    low, high = np.inf, -np.inf
    for k in range(order.size):
        value = float(values[order[k]])
        sorted_[k] = value
        low = value if value < low else low
        high = value if value > high else high
    return low, high


@njit(cache=True, nogil=True)
def unsorted(sorted_: Float[ndarray, " m"], order: Int[ndarray, " m"], values: Float[ndarray, " n"]) -> None:
    """Take values back to the order of rows; a row never at risk has 0."""
    values[:] = 0.0
    for k in range(order.size):
        values[order[k]] = sorted_[k]


@njit(cache=True, nogil=True)
def _segment_shifts(eta: Float[ndarray, " m"], rows: Rows, shift: Float[ndarray, " g"]) -> None:
    """Let the shift follow the running maximum of each stratum, in jumps of more than REACH."""
    group_start, opens = rows.group_start, rows.opens
    highest, current = -np.inf, 0.0
    for g in range(shift.size):
        if opens[g]:
            highest = -np.inf
        for k in range(group_start[g], group_start[g + 1]):
            highest = max(highest, eta[k])
        if abs(highest - current) > REACH:
            current = highest
        shift[g] = current


@njit(cache=True, nogil=True)
def _event_term(eta: Float[ndarray, " m"], shift: Float[ndarray, " g"], rows: Rows) -> float:
    """Sum weight * (shift - eta) over the events."""
    group_start, first_death, weight = rows.group_start, rows.first_death, rows.weight
    total = 0.0
    for g in range(shift.size):
        part = 0.0
        for k in range(first_death[g], group_start[g + 1]):
            part += (shift[g] - eta[k]) * (weight[k] if weight.size else 1.0)
        total += part
    return total


@njit(cache=True, nogil=True, fastmath={"contract"})
def _exponentials(eta: Float[ndarray, " m"], shift: Float[ndarray, " g"], rows: Rows) -> None:
    """Replace each log-hazard by its weighted exponential relative to its group's shift."""
    for g in range(shift.size):
        for k in range(rows.group_start[g], rows.group_start[g + 1]):
            eta[k] = exponential(eta[k] - shift[g])
    for k in range(rows.weight.size):
        eta[k] *= rows.weight[k]


@njit(cache=True, nogil=True)
def _walk_back(
    hazard: Float[ndarray, " m"],
    shift: Float[ndarray, " g"],
    rows: Rows,
    sums: Float[ndarray, "g 4"],
    curvature: Float[ndarray, " m_or_0"],
) -> None:
    """Sum the groups' 1 / phi from the earliest on; replace each hazard by its product with what has passed."""
    group_start, first_death = rows.group_start, rows.first_death
    opens, weight = rows.opens, rows.weight
    groups, passed, passed_second = shift.size, 0.0, 0.0
    for g in range(groups - 1, -1, -1):
        if g == groups - 1 or opens[g + 1]:
            passed, passed_second = 0.0, 0.0
        elif shift[g] != shift[g + 1]:
            scale = np.exp(shift[g] - shift[g + 1])
            passed, passed_second = passed * scale, passed_second * scale * scale
        own, own_second = passed + sums[g, 1], passed_second + sums[g, 3]
        passed, passed_second = passed + sums[g, 0], passed_second + sums[g, 2]
        start, deaths_start, stop = group_start[g], first_death[g], group_start[g + 1]
        if curvature.size:
            for k in range(start, deaths_start):
                curvature[k] = max(hazard[k] * passed - hazard[k] * hazard[k] * passed_second, 0.0)
            for k in range(deaths_start, stop):
                curvature[k] = max(hazard[k] * own - hazard[k] * hazard[k] * own_second, 0.0)
        for k in range(start, deaths_start):
            hazard[k] *= passed
        for k in range(deaths_start, stop):
            hazard[k] = hazard[k] * own - (weight[k] if weight.size else 1.0)
