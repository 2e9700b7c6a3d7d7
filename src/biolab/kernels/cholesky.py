"""Cholesky's factor of a small matrix, and which column spoils it."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

# A pivot this much smaller than its diagonal entry is one column written as a sum of others.
SINGULAR = 1e-9


@njit(cache=True, nogil=True)
def factor(information: Float[ndarray, "r r"], lower: Float[ndarray, "r r"]) -> int:
    """Fill the Cholesky factor; return the first column that depends on those before it, or r."""
    r = information.shape[0]
    for i in range(r):
        for j in range(i + 1):
            rest = information[i, j]
            for k in range(j):
                rest -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = rest / lower[j, j]
            elif rest > SINGULAR * information[i, i]:
                lower[i, i] = np.sqrt(rest)
            else:
                return i
    return r
