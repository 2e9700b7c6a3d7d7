"""What one event time adds: sums over the steps by which tied deaths leave Efron's denominator."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

# Exponents stay within +-REACH of a shift: squares and reciprocal squares still fit float64.
REACH = 250.0
# A product of so many ratios between 1 / deaths and 1 does not underflow.
_CHUNK = 32


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"}, error_model="numpy")
def step_sums(others: float, dying: float, deaths: int) -> tuple[float, float, float, float, float]:
    """Sum over Efron's steps l < d with phi_l = others + (1 - l/d) dying.

    Returns the sums of log phi_l, 1 / phi_l, (1 - l/d) / phi_l and of the last two squared.
    """
    total = others + dying
    if deaths == 1:
        inverse = 1.0 / total
        return np.log(total), inverse, inverse, inverse * inverse, inverse * inverse
    logs, first, own, second, own_second = deaths * np.log(total), 0.0, 0.0, 0.0, 0.0
    share, scale = 1.0 / deaths, 1.0 / total
    for chunk in range(0, deaths, _CHUNK):
        product = 1.0
        for step in range(chunk, min(chunk + _CHUNK, deaths)):
            kept = (deaths - step) * share
            phi = others + kept * dying
            inverse = 1.0 / phi
            product *= phi * scale
            first += inverse
            second += inverse * inverse
            own += kept * inverse
            own_second += (kept * inverse) * (kept * inverse)
        logs += np.log(product)
    return logs, first, own, second, own_second


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
