"""An exponential that compilers turn into vector instructions: within 1.1 units in the last place of exp(x)."""

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
    # Taylor's series to r^13 / 13!: |r| <= log(2) / 2
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 1.984126984126984e-04
    p = p * r + 1.388888888888889e-03
    p = p * r + 8.333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * bits.view(np.float64)
