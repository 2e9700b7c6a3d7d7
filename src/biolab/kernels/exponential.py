"""An exponential that compilers turn into vector instructions: within 1 unit in the last place of exp(x)."""

import numpy as np
from numba import njit

LOG2_E = 1.4426950408889634
# adding 1.5 * 2^52 rounds to an integer, which then stands in the lowest bits
_ROUND = 6755399441055744.0
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
LOWEST = -708.0


@njit(fastmath={"contract"}, inline="always")
def exponential(x: float) -> float:
    """Return exp(x) for x < 709; what lies below -708 counts as -708, 3e-308."""
    x = x if x > LOWEST else LOWEST
    rounded = x * LOG2_E + _ROUND
    power = rounded - _ROUND
    r = (x - power * _LN2_HIGH) - power * _LN2_LOW
    bits = np.int64((np.float64(rounded).view(np.int64) + np.int64(1023)) << np.int64(52))
    # Chebyshev's fit to (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2: exp(r) within 2e-17
    p = 2.510038549551032e-08
    p = p * r + 2.7620088445409746e-07
    p = p * r + 2.7557268459997064e-06
    p = p * r + 2.4801521295954376e-05
    p = p * r + 0.00019841269863053618
    p = p * r + 0.0013888888917213717
    p = p * r + 0.008333333333330062
    p = p * r + 0.04166666666662413
    p = p * r + 0.16666666666666669
    p = p * r + 0.5000000000000001
    p = p * r + 1.0
    p = p * r + 1.0
    return p * bits.view(np.float64)
