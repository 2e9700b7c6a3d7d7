"""Cox's partial likelihood in one walk over sorted rows and one walk back; nothing is ever subtracted."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int
from biolab.kernels.exponential import exponential
from biolab.kernels.risk_set import Rows

# Exponents stay within +-REACH of the shift of their segment: squares and reciprocal squares still fit float64.
REACH = 250.0
_CHUNK = 16

VALUE, GRADIENT, HESSIAN = 0, 1, 2


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def step_sums(others: float, dying: float, deaths: int) -> tuple[float, float, float, float, float]:
    """Sum over Efron's steps l < d with phi_l = others + (1 - l/d) dying.

    Returns the sums of log phi_l, 1 / phi_l, (1 - l/d) / phi_l and of the last two squared.
    """
    total = others + dying
    if deaths == 1:
        inverse = 1.0 / total
        return np.log(total), inverse, inverse, inverse * inverse, inverse * inverse
    logs, first, own, second, own_second = deaths * np.log(total), 0.0, 0.0, 0.0, 0.0
    for chunk in range(0, deaths, _CHUNK):
        product = 1.0
        for step in range(chunk, min(chunk + _CHUNK, deaths)):
            kept = (deaths - step) / deaths
            phi = others + kept * dying
            inverse = 1.0 / phi
            product *= phi / total
            first += inverse
            second += inverse * inverse
            own += kept * inverse
            own_second += (kept * inverse) * (kept * inverse)
        logs += np.log(product)
    return logs, first, own, second, own_second


@njit(cache=True, nogil=True)
def group_steps(
    others: float,
    dying: float,
    deaths: int,
    weight: float,
    out: Float[ndarray, " 4"],
    efron: bool,  # noqa: FBT001 - compiled functions take positions only
) -> float:
    """Fill the group's four sums, weighted; return the value of its logarithms. ``weight`` is the deaths' sum."""
    if efron:
        logs, out[0], out[1], out[2], out[3] = step_sums(others, dying, deaths)
        out *= weight / deaths
        return logs * weight / deaths
    total = others + dying
    out[:2] = weight / total
    out[2:] = weight / (total * total)
    return weight * np.log(total)


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _total(values: Float[ndarray, " m"], start: int, stop: int) -> float:
    total = 0.0
    for k in range(start, stop):
        total += values[k]
    return total


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
def unsorted(sorted_: Float[ndarray, " m"], place: Int[ndarray, " n"], values: Float[ndarray, " n"]) -> None:
    """Take values back to the order of rows; a row never at risk has 0."""
    for row in range(place.size):
        values[row] = sorted_[place[row]] if place[row] >= 0 else 0.0


@njit(cache=True, nogil=True)
def _segment_shifts(
    eta: Float[ndarray, " m"],
    rows: Rows,
    shift: Float[ndarray, " g"],
) -> None:
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


@njit(cache=True, nogil=True, fastmath={"contract"})
def _exponentials(
    eta: Float[ndarray, " m"], shift: float, weight: Float[ndarray, " m_or_0"], start: int, stop: int
) -> None:
    """Replace each linear predictor by its weighted exponential."""
    for k in range(start, stop):
        eta[k] = exponential(eta[k] - shift)
    if weight.size:
        for k in range(start, stop):
            eta[k] *= weight[k]


@njit(cache=True, nogil=True)
def _event_term(
    eta: Float[ndarray, " m"],
    shift: Float[ndarray, " g"],
    rows: Rows,
) -> float:
    """Sum weight * (shift - eta) over the events."""
    group_start, first_death, weight = rows.group_start, rows.first_death, rows.weight
    total = 0.0
    for g in range(shift.size):
        part = 0.0
        for k in range(first_death[g], group_start[g + 1]):
            part += (shift[g] - eta[k]) * (weight[k] if weight.size else 1.0)
        total += part
    return total


@njit(cache=True, nogil=True)
def evaluate(
    values: Float[ndarray, " n"],
    rows: Rows,
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
) -> float:
    """Return the loss; fill the gradient and the Hessian's diagonal where their arrays are not empty."""
    order, group_start, first_death = rows.order, rows.group_start, rows.first_death
    opens, weight = rows.opens, rows.weight
    groups = first_death.size
    hazard, shift = np.empty(order.size), np.empty(groups)
    low, high = sorted_values(values, order, hazard)
    narrow = high - low <= 2 * REACH
    if narrow:
        shift[:] = (low + high) / 2
    else:
        _segment_shifts(hazard, rows, shift)
    loss = _event_term(hazard, shift, rows)
    if narrow:
        _exponentials(hazard, (low + high) / 2, weight, 0, order.size)
    else:
        for g in range(groups):
            _exponentials(hazard, shift[g], weight, group_start[g], group_start[g + 1])
    wanted = gradient.size > 0
    sums, at_risk, own = np.empty((groups if wanted else 1, 4)), 0.0, np.empty(4)
    for g in range(groups):
        deaths_start, stop = first_death[g], group_start[g + 1]
        if opens[g]:
            at_risk = 0.0
        elif shift[g] != shift[g - 1]:
            at_risk *= np.exp(shift[g - 1] - shift[g])
        at_risk += _total(hazard, group_start[g], deaths_start)
        dying = _total(hazard, deaths_start, stop)
        deaths = stop - deaths_start
        total_weight = _total(weight, deaths_start, stop) if weight.size else float(deaths)
        loss += group_steps(at_risk, dying, deaths, total_weight, own, rows.efron)
        at_risk += dying
        if wanted:
            sums[g] = own
    if wanted:
        curvature = np.empty(order.size if hessian.size else 0)
        _walk_back(hazard, shift, rows, sums, curvature)
        unsorted(hazard, rows.place, gradient)
        if hessian.size:
            unsorted(curvature, rows.place, hessian)
    return loss


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
