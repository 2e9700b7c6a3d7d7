"""The minimum of a quadratic with an elastic-net penalty, by trying every pattern of signs: O(3^a), float64."""

from itertools import product

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float


def objective(
    solution: Float[ndarray, " a"],
    gradient: Float[ndarray, " a"],
    curvature: Float[ndarray, "a a"],
    start: Float[ndarray, " a"],
    lasso: Float[ndarray, " a"],
    ridge: Float[ndarray, " a"],
) -> float:
    """Return g.(b - b0) + (b - b0).A(b - b0) / 2 + sum(lasso |b| + ridge b^2 / 2)."""
    step = solution - start
    penalty = lasso @ np.abs(solution) + ridge @ solution**2 / 2
    return float(gradient @ step + step @ curvature @ step / 2 + penalty)


def minimum(
    gradient: Float[ndarray, " a"],
    curvature: Float[ndarray, "a a"],
    start: Float[ndarray, " a"],
    lasso: Float[ndarray, " a"],
    ridge: Float[ndarray, " a"],
) -> Float[ndarray, " a"]:
    """Return the best of the stationary points of all sign patterns."""
    best, lowest = np.zeros_like(start), np.inf
    for pattern in product((-1.0, 0.0, 1.0), repeat=start.size):
        signs = np.array(pattern)
        free = signs != 0
        matrix = curvature[np.ix_(free, free)] + np.diag(ridge[free])
        target = (curvature @ start - gradient - lasso * signs)[free]
        found = np.zeros_like(start)
        found[free] = np.linalg.lstsq(matrix, target, rcond=1e-12)[0]
        value = objective(found, gradient, curvature, start, lasso, ridge)
        if value < lowest:
            best, lowest = found, value
    return best
