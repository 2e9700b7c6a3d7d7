"""The minimum of a quadratic with an elastic-net penalty, by guessing the signs of its coordinates."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int

# A pivot under this share of its column's curvature: the column is a combination of those before it
_DEPENDENT = 1e-9
_ROUNDS = 30
_SLACK = 1e-12  # a slope beyond its lasso by less is rounding


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _dot(left: Float[ndarray, " r"], right: Float[ndarray, " r"], size: int) -> float:
    total = 0.0
    for k in range(size):
        total += left[k] * right[k]
    return total


@njit(cache=True, nogil=True)
def factorise(
    curvature: Float[ndarray, "c c"],
    ridge: Float[ndarray, " a"],
    chosen: Int[ndarray, " c"],
    factor: Float[ndarray, "c c"],
    rows: tuple[int, int],
) -> bool:
    """Fill some rows of the Cholesky factor of the chosen coordinates' curvature; false where they are dependent."""
    for i in range(rows[0], rows[1]):
        j = chosen[i]
        for k in range(i):
            rest = curvature[j, chosen[k]] - _dot(factor[i], factor[k], k)
            factor[i, k] = rest / factor[k, k]
        own = curvature[j, j] + ridge[j]
        rest = own - _dot(factor[i], factor[i], i)
        if not rest > _DEPENDENT * own:
            return False
        factor[i, i] = np.sqrt(rest)
    return True


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def solve(factor: Float[ndarray, "c c"], values: Float[ndarray, " s"]) -> None:
    """Solve ``factor @ factor.T @ x = values`` in place."""
    size = values.size
    for i in range(size):
        values[i] = (values[i] - _dot(factor[i], values, i)) / factor[i, i]
    for i in range(size - 1, -1, -1):
        values[i] /= factor[i, i]
        for k in range(i):
            values[k] -= values[i] * factor[i, k]


@njit(cache=True, nogil=True, fastmath={"contract"})
def accumulate(total: Float[ndarray, " a"], factor: float, values: Float[ndarray, " c"]) -> None:
    """Add a multiple of a row to a running sum."""
    for j in range(total.size):
        total[j] += factor * values[j]


@njit(cache=True, nogil=True)
def _keep(
    solution: Float[ndarray, " a"], lasso: Float[ndarray, " a"], chosen: Int[ndarray, " c"], known: int
) -> tuple[int, int]:
    """Bring ``chosen`` up to date with the coordinates that are not 0; return how many, and how many rows stay good."""
    size, good = 0, known
    listed = np.zeros(solution.size, dtype=np.bool_)
    for i in range(known):
        j = chosen[i]
        if solution[j] == 0.0 and lasso[j] > 0.0:
            good = min(good, size)
            continue
        chosen[size] = j
        listed[j] = True
        size += 1
    for j in range(solution.size):
        if not listed[j] and (solution[j] != 0.0 or lasso[j] == 0.0):
            chosen[size] = j
            size += 1
    return size, good


@njit(cache=True, nogil=True)
def _moves(  # noqa: PLR0913, PLR0917
    gradient: Float[ndarray, " a"],
    curvature: Float[ndarray, "c c"],
    solution: Float[ndarray, " a"],
    signs: Float[ndarray, " a"],
    penalty: tuple[ndarray, ndarray],
    chosen: Int[ndarray, " s"],
    factor: Float[ndarray, "c c"],
) -> Float[ndarray, " a"]:
    """Return how far each coordinate goes: the chosen to their common minimum with signs held, the others to 0."""
    lasso, ridge = penalty
    moves, target = -solution, np.empty(chosen.size)
    for i in range(chosen.size):
        moves[chosen[i]] = 0.0
    for i in range(chosen.size):
        j = chosen[i]
        target[i] = -gradient[j] - ridge[j] * solution[j] - lasso[j] * signs[j]
    for j in range(solution.size):
        if moves[j] != 0.0:  # it leaves, and the others feel it go
            for i in range(chosen.size):
                target[i] -= moves[j] * curvature[j, chosen[i]]
    solve(factor, target)
    for i in range(chosen.size):
        moves[chosen[i]] = target[i]
    return moves


@njit(cache=True, nogil=True)
def _turn(
    signs: Float[ndarray, " a"], found: Float[ndarray, " a"], slope: Float[ndarray, " a"], lasso: Float[ndarray, " a"]
) -> bool:
    """Let coordinates whose sign turned leave and those whose slope exceeds their lasso join; true if none does."""
    settled = True
    for j in range(signs.size):
        if lasso[j] == 0.0:
            continue
        if signs[j] != 0.0:
            if found[j] * signs[j] <= 0.0:
                signs[j], settled = 0.0, False
        elif abs(slope[j]) > lasso[j] * (1.0 + _SLACK):
            signs[j], settled = -np.sign(slope[j]), False
    return settled


@njit(cache=True, nogil=True)
def pivot(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    gradient: Float[ndarray, " a"],
    curvature: Float[ndarray, "c c"],
    solution: Float[ndarray, " a"],
    lasso: Float[ndarray, " a"],
    ridge: Float[ndarray, " a"],
    chosen: Int[ndarray, " c"],
    factor: Float[ndarray, "c c"],
    known: int,
) -> int:
    """Move ``solution`` to the minimum; return how many coordinates are not 0, or -1 (nothing moved) if not found.

    The equations of the coordinates that are not 0 are solved with their signs held; those whose sign turns leave,
    those whose slope exceeds their lasso join, and so on until nothing changes: then every condition of the minimum
    holds. From a start near it that takes a few rounds; elsewhere it may go round in circles and gives up.
    ``chosen`` and the rows of ``factor`` of its first ``known`` coordinates are kept from round to round, and from call
    to call where curvature and ridge stay. Only the first a coordinates of the larger arrays are looked at.
    """
    a, signs, slope = gradient.size, np.sign(solution), np.empty(gradient.size)
    for _ in range(_ROUNDS):
        size, good = _keep(signs, lasso, chosen, known)
        if not factorise(curvature, ridge, chosen, factor, (good, size)):
            return -1
        known = size
        moves = _moves(gradient, curvature, solution, signs, (lasso, ridge), chosen[:size], factor)
        slope[:] = gradient
        for j in range(a):
            if moves[j] != 0.0:
                accumulate(slope, moves[j], curvature[j])
        found = solution + moves
        if _turn(signs, found, slope, lasso):
            solution[:] = found
            return size
    return -1
