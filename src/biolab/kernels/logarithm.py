"""A logarithm that compilers turn into vector instructions: within 1 unit in the last place of log(x)."""

import numpy as np
from numba import njit

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# log(x) is cut so that the mantissa lies between the roots of 1/2 and 2
_ROOT_HALF = 0x3FE6A09E667F3BCD
_MANTISSA = 0x000FFFFFFFFFFFFF
_ONE = 0x3FF0000000000000


@njit(fastmath={"contract"}, error_model="numpy", inline="always")
def logarithm(x: float) -> float:
    """Return log(x) for a normal positive x (2.3e-308 and above)."""
    bits = np.float64(x).view(np.int64) + np.int64(_ONE - _ROOT_HALF)
    power = np.float64((bits >> np.int64(52)) - np.int64(1023))
    mantissa = np.int64((bits & np.int64(_MANTISSA)) + np.int64(_ROOT_HALF))
    f = mantissa.view(np.float64) - 1.0
    # log(1 + f) = 2 atanh(s) with s = f / (2 + f), |s| < 0.1716: its series to s^19, in powers of s^2
    s = f / (2.0 + f)
    z = s * s
    p = 0.10526315789473684
    p = p * z + 0.11764705882352941
    p = p * z + 0.13333333333333333
    p = p * z + 0.15384615384615385
    p = p * z + 0.18181818181818182
    p = p * z + 0.2222222222222222
    p = p * z + 0.2857142857142857
    p = p * z + 0.4
    p = p * z + 0.6666666666666666
    half = 0.5 * f * f
    return power * _LN2_HIGH - ((half - (s * (half + z * p) + power * _LN2_LOW)) - f)
