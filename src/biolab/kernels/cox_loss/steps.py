"""What one event time adds: sums over the steps by which tied deaths leave Efron's denominator."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Bool, Float
from biolab.kernels.logarithm import logarithm
from biolab.kernels.risk_set import Rows

from .smooth_steps import FEW, one_by_one, smooth_from, smoothly

# Exponents stay within +-REACH of a shift: squares and reciprocal squares still fit float64.
REACH = 250.0
# Event times whose sums stay in the first cache.
_NEAR = 1024


@njit(cache=True, nogil=True, error_model="numpy")
def step_sums(others: float, dying: float, deaths: int) -> tuple[float, float, float, float, float]:
    """Sum over Efron's steps l < d with phi_l = others + (1 - l/d) dying.

    Returns the sums of log phi_l, 1 / phi_l, (1 - l/d) / phi_l and of the last two squared. What many deaths cost grows
    with the logarithm of their number: most of their steps are summed as an integral.
    """
    total = others + dying
    scale = 1.0 / total
    if deaths == 1:
        return np.log(total), scale, scale, scale * scale, scale * scale
    rest, fall = others * scale, dying * scale / deaths
    single = smooth_from(rest, fall, deaths) if deaths > FEW else deaths
    logs, first, own, second, own_second = one_by_one(rest, fall, deaths, single)
    if single < deaths:
        more = smoothly(rest, fall, deaths, single)
        logs, first, own = logs + more[0], first + more[1], own + more[2]
        second, own_second = second + more[3], own_second + more[4]
    return deaths * np.log(total) + logs, first * scale, own * scale, second * scale * scale, own_second * scale * scale


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True)
def accumulate(sums: Float[ndarray, "s 2"], opens: Bool[ndarray, " g"]) -> None:
    """Add to those who join at each group, but do not fail there, all who were at risk already."""
    at_risk = 0.0
    for g in range(opens.size):
        if opens[g]:
            at_risk = 0.0
        joining, failing = sums[g, 0], sums[g, 1]
        sums[g, 0] = at_risk + joining
        at_risk += joining + failing


@njit(cache=True, nogil=True)
def step_groups(
    rows: Rows, table: Float[ndarray, "s 2"], curves: Float[ndarray, "s_or_0 2"], start: int, stop: int
) -> float:
    """Replace the sums of some groups by those of 1 / phi, fill those of its square; return the logarithms' value."""
    total, work = 0.0, np.empty((5, _NEAR))
    for begin in range(start, stop, _NEAR):
        size = min(_NEAR, stop - begin)
        near, far = table[begin : begin + size], curves[begin : begin + size]
        others, failing, slope, curve, logs = (
            work[0, :size],
            work[1, :size],
            work[2, :size],
            work[3, :size],
            work[4, :size],
        )
        for g in range(size):
            others[g], failing[g] = near[g, 0], near[g, 1]
        _steps_of_one(others, failing, rows.death_weight[begin : begin + size], slope, curve, logs)
        for g in range(size):
            near[g, 0] = near[g, 1] = slope[g]
        for g in range(len(far)):
            far[g, 0] = far[g, 1] = curve[g]
        if rows.efron:
            _steps_of_ties(others, failing, rows, begin, near, far, logs)
        total += logs.sum()
    return total


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _steps_of_one(
    others: Float[ndarray, " c"],
    failing: Float[ndarray, " c"],
    weight: Float[ndarray, " c"],
    slope: Float[ndarray, " c"],
    curve: Float[ndarray, " c"],
    logs: Float[ndarray, " c"],
) -> None:
    """Take every group's deaths to leave at once: right for Breslow's ties and for single deaths."""
    for g in range(weight.size):
        phi = others[g] + failing[g]
        inverse = 1.0 / phi
        logs[g] = logarithm(phi) * weight[g]
        slope[g] = weight[g] * inverse
        curve[g] = slope[g] * inverse


@njit(cache=True, nogil=True)
def _steps_of_ties(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    others: Float[ndarray, " c"],
    failing: Float[ndarray, " c"],
    rows: Rows,
    first: int,
    table: Float[ndarray, "c 2"],
    curves: Float[ndarray, "c_or_0 2"],
    logs: Float[ndarray, " c"],
) -> None:
    """Do Efron's steps of groups with more than one death."""
    out = np.empty(4)
    for g in range(others.size):
        deaths = rows.group_start[first + g + 1] - rows.first_death[first + g]
        if deaths > 1:
            logs[g] = group_steps(others[g], failing[g], deaths, rows.death_weight[first + g], out, rows.efron)
            table[g] = out[:2]
            if len(curves):
                curves[g] = out[2:]


@njit(cache=True, nogil=True)
def accumulate_back(table: Float[ndarray, "s_or_0 2"], opens: Bool[ndarray, " g"]) -> None:
    """Add to each group what all earlier event times of its stratum add for those who outlive them."""
    passed = 0.0
    for g in range(opens.size - 1, -1, -1) if len(table) else range(0):
        table[g, 1] += passed
        passed += table[g, 0]
        table[g, 0] = passed
        if opens[g]:
            passed = 0.0
    table[opens.size :] = 0.0
