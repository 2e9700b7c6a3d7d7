"""Columns of a design to mean 0 and variance 1, in three passes over it."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def standardised(
    design: Float[ndarray, "n p"],
) -> tuple[Float[ndarray, "n p"], Float[ndarray, " p"], Float[ndarray, " p"]]:
    """Return the columns centred and divided by their root mean square, their centres, and what they were divided by.

    A constant column becomes exactly 0 and is divided by 1. Where squares overflow, the scale is infinite or NaN.

    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]]))
    (array([[-1.,  0.],
           [ 1.,  0.]]), array([2., 5.]), array([1., 1.]))
    """
    n, p = design.shape
    centre, square, scale = np.zeros(p), np.zeros(p), np.ones(p)
    varies = np.zeros(p)
    for row in range(n):
        for c in range(p):
            centre[c] += design[row, c]
            varies[c] = 1.0 if design[row, c] != design[0, c] else varies[c]
    centre /= n
    scaled = np.empty((n, p))
    for row in range(n):
        for c in range(p):
            scaled[row, c] = (design[row, c] - centre[c]) * varies[c]
            square[c] += scaled[row, c] * scaled[row, c]
    for c in range(p):
        if square[c] != 0.0:
            scale[c] = np.sqrt(square[c] / n)
        square[c] = 1.0 / scale[c]
    for row in range(n):
        for c in range(p):
            scaled[row, c] *= square[c]
    return scaled, centre, scale
