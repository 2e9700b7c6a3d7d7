"""Cyclic coordinate descent on a quadratic with an elastic-net penalty, with Newton steps between fixed signs."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

# A coordinate whose curvature is under this share of the largest has none: the penalty takes it to 0, or it stays.
_FLAT = 1e-13
# Every so many sweeps the signs are taken as they are and the equations solved, as often as a sign changes
_SWEEPS_BETWEEN, _SOLVES = 10, 20


@njit(cache=True, nogil=True)
def _move(gradient: float, curve: float, here: float, lasso: float, ridge: float) -> float:
    """Return how far one coordinate goes to its minimum with the others held; ``curve`` is 0 where it is flat."""
    if curve + ridge == 0.0:
        return -here if abs(gradient) < lasso else 0.0
    pull = curve * here - gradient
    size = abs(pull) - lasso
    return (np.sign(pull) * size / (curve + ridge) if size > 0.0 else 0.0) - here


@njit(cache=True, nogil=True)
def _solve_signs(
    gradient: Float[ndarray, " a"],
    curvature: Float[ndarray, "a a"],
    solution: Float[ndarray, " a"],
    lasso: Float[ndarray, " a"],
    ridge: Float[ndarray, " a"],
) -> None:
    """Go to the minimum over the coordinates that are not 0 with their signs held, or to the first that reaches 0."""
    for _ in range(_SOLVES):
        some = np.flatnonzero(solution)
        if some.size == 0:
            return
        matrix, target, largest = np.empty((some.size, some.size)), np.empty(some.size), 0.0
        for k in range(some.size):
            j = some[k]
            for i in range(some.size):
                matrix[k, i] = curvature[j, some[i]]
            matrix[k, k] += ridge[j]
            largest = max(largest, matrix[k, k])
            target[k] = -gradient[j] - ridge[j] * solution[j] - lasso[j] * np.sign(solution[j])
        for k in range(some.size):
            matrix[k, k] += 1e-12 * largest  # equal columns leave it singular; the step still goes down
        if largest == 0.0:
            return
        step = np.linalg.solve(matrix, target)
        length, reached = 1.0, -1
        for k in range(some.size):
            if not np.isfinite(step[k]):
                return
            here = solution[some[k]]
            if lasso[some[k]] > 0.0 and (here + step[k]) * here <= 0.0 and -here / step[k] <= length:
                length, reached = -here / step[k], k
        for k in range(some.size):
            move = -solution[some[k]] if k == reached else length * step[k]
            solution[some[k]] += move
            for i in range(gradient.size):
                gradient[i] += move * curvature[some[k], i]
        if reached < 0:
            return


@njit(cache=True, nogil=True)
def descend(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    gradient: Float[ndarray, " a"],
    curvature: Float[ndarray, "a a"],
    solution: Float[ndarray, " a"],
    lasso: Float[ndarray, " a"],
    ridge: Float[ndarray, " a"],
    tolerance: float,
    max_sweeps: int,
) -> int:
    """Move ``solution`` to the minimum and keep ``gradient`` up to date, both in place; return the sweeps made.

    Between two sweeps over all coordinates those which are not zero are swept until they rest; where that is slow,
    their equations are solved.
    """
    a = gradient.size
    flat = 0.0
    for j in range(a):
        flat = max(flat, curvature[j, j] * _FLAT)
    everyone, sweeps = True, 0
    while sweeps < max_sweeps:
        sweeps += 1
        worst = 0.0
        if sweeps % _SWEEPS_BETWEEN == _SWEEPS_BETWEEN // 2:
            _solve_signs(gradient, curvature, solution, lasso, ridge)
        for j in range(a):
            if not everyone and solution[j] == 0.0:
                continue
            curve = curvature[j, j] if curvature[j, j] > flat else 0.0
            move = _move(gradient[j], curve, solution[j], lasso[j], ridge[j])
            if move != 0.0:
                solution[j] += move
                for i in range(a):
                    gradient[i] += move * curvature[j, i]
                worst = max(worst, (curve + ridge[j]) * move * move)
        if worst <= tolerance:
            if everyone:
                break
            everyone = True
        else:
            everyone = False
    return sweeps


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def descend_rows(  # noqa: PLR0913, PLR0917
    gradient: Float[ndarray, " a"],
    rows: Float[ndarray, "a m"],
    images: Float[ndarray, "a m"],
    solution: Float[ndarray, " a"],
    lasso: Float[ndarray, " a"],
    ridge: Float[ndarray, " a"],
    tolerance: float,
    max_sweeps: int,
) -> int:
    """Do as `descend` with the curvature ``rows @ images.T``, which is never formed; ``gradient`` stays."""
    a, m = rows.shape
    diagonal, moved = np.empty(a), np.zeros(m)
    flat = 0.0
    for j in range(a):
        curve = 0.0
        for i in range(m):
            curve += rows[j, i] * images[j, i]
        diagonal[j] = curve
        flat = max(flat, curve * _FLAT)
    for j in range(a):
        diagonal[j] = diagonal[j] if diagonal[j] > flat else 0.0
    everyone, sweeps = True, 0
    while sweeps < max_sweeps:
        sweeps += 1
        worst = 0.0
        for j in range(a):
            if not everyone and solution[j] == 0.0:
                continue
            slope = gradient[j]
            for i in range(m):
                slope += rows[j, i] * moved[i]
            move = _move(slope, diagonal[j], solution[j], lasso[j], ridge[j])
            if move != 0.0:
                solution[j] += move
                for i in range(m):
                    moved[i] += move * images[j, i]
                worst = max(worst, (diagonal[j] + ridge[j]) * move * move)
        if worst <= tolerance:
            if everyone:
                break
            everyone = True
        else:
            everyone = False
    return sweeps
