"""Two walks whose sums follow the running maximum, for log-hazards too far from 0; p x p parts are matrix products."""

from typing import Any

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.risk_set import Rows


def evaluate(design: Float[ndarray, "m p"], eta: Float[ndarray, " m"], rows: Rows) -> dict[str, Any]:
    """Return the fields of `CoxInformation` for rows in sorted order."""
    deaths = rows.group_start[1:] - rows.first_death
    steps = int(deaths.sum()) if rows.efron else deaths.size
    means = np.empty((steps, design.shape[1]))
    exposure, event_weight = np.zeros(eta.size), np.zeros(eta.size)
    tops, increments = np.empty(deaths.size), np.empty(deaths.size)
    value = _walk(design, eta, rows, means, exposure, (tops, increments), event_weight)
    exposed = design * np.sqrt(exposure)[:, None]
    return {
        "value": float(value),
        "gradient": (exposure - event_weight) @ design,
        "hessian": exposed.T @ exposed - means.T @ means,
        "increment": increments,
        "top": tops,
    }


@njit(cache=True, nogil=True)
def _walk(design, eta, rows, means, exposure, steps, event_weight):  # noqa: PLR0913, PLR0917
    """Walk latest first for the risk sets' sums, then earliest first for every row's cumulative exposure.

    ``means`` receives the mean covariates of each denominator times the root of its weight.
    """
    columns = design.shape[1]
    groups = rows.first_death.size
    (tops, increments), taken = steps, np.zeros(groups)
    alive, dying, total = 0.0, 0.0, 0.0
    alive_x, dying_x = np.zeros(columns), np.zeros(columns)
    value, step, top = 0.0, 0, -np.inf
    for g in range(groups):
        if rows.opens[g]:
            alive, top = 0.0, -np.inf
            alive_x[:] = 0.0
        dying, total = 0.0, 0.0
        dying_x[:] = 0.0
        start, death, end = rows.group_start[g], rows.first_death[g], rows.group_start[g + 1]
        peak = top
        for r in range(start, end):
            peak = max(peak, eta[r])
        if peak > top:
            shrink = np.exp(top - peak)
            alive *= shrink
            for c in range(columns):
                alive_x[c] *= shrink
            top = peak
        for r in range(start, death):
            share = _weight(rows, r) * np.exp(eta[r] - top)
            exposure[r] = share
            alive += share
            row = design[r]
            for c in range(columns):
                alive_x[c] += share * row[c]
        for r in range(death, end):
            w = _weight(rows, r)
            share = w * np.exp(eta[r] - top)
            exposure[r] = share
            dying += share
            total += w
            event_weight[r] = w
            value -= w * eta[r]
            row = design[r]
            for c in range(columns):
                dying_x[c] += share * row[c]
        count = end - death if rows.efron else 1
        share_x = means[step : step + count]
        step += count
        log_phi, increment, off = _denominators((alive, dying), (alive_x, dying_x), total / count, share_x)
        value += log_phi + total * top
        tops[g], increments[g], taken[g] = top, increment, off
        alive += dying
        for c in range(columns):
            alive_x[c] += dying_x[c]
    _expose(rows, tops, increments, taken, exposure)
    return value


@njit(cache=True, nogil=True)
def _denominators(sums, sums_x, weight, means):
    """Thin the failing rows step by step; sum weight times log phi, 1 / phi and fraction / phi over the steps."""
    (alive, dying), (alive_x, dying_x) = sums, sums_x
    log_phi, increment, off = 0.0, 0.0, 0.0
    for j in range(len(means)):
        fraction = j / len(means)
        phi = alive + (1.0 - fraction) * dying
        scale = np.sqrt(weight) / phi
        mean = means[j]
        for c in range(alive_x.size):
            mean[c] = (alive_x[c] + (1.0 - fraction) * dying_x[c]) * scale
        log_phi += weight * np.log(phi)
        increment += weight / phi
        off += fraction * weight / phi
    return log_phi, increment, off


@njit(cache=True, nogil=True)
def _expose(rows, tops, increments, taken, exposure):
    """Multiply each row's share of its risk set's scale by the cumulative hazard it was exposed to."""
    cumulative, top = 0.0, 0.0
    for g in range(tops.size - 1, -1, -1):
        if g == tops.size - 1 or rows.opens[g + 1]:
            cumulative = increments[g]
        else:
            cumulative = cumulative * np.exp(tops[g] - top) + increments[g]
        top = tops[g]
        for r in range(rows.group_start[g], rows.group_start[g + 1]):
            exposure[r] *= cumulative - taken[g] if r >= rows.first_death[g] else cumulative


@njit(cache=True, nogil=True)
def _weight(rows, r):
    return rows.weight[r] if rows.weight.size else 1.0
