"""The minimum of a quadratic function plus an elastic-net penalty, by pivoting or by coordinate descent."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float

from . import cpu
from .pivot import pivot

MAX_SWEEPS = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent:
    """Where the search ended, after how many sweeps over the coordinates (0 where pivoting found the minimum)."""

    solution: Float[ndarray, " a"]
    sweeps: int


def elastic_net_descent(  # noqa: PLR0913 - all but three are keyword-only
    gradient: Float[ndarray, " a"],
    curvature: Float[ndarray, "a m"],
    start: Float[ndarray, " a"],
    *,
    lasso: Float[ndarray, " a"],
    ridge: Float[ndarray, " a"],
    rows: Float[ndarray, "a m"] | None = None,
    tolerance: float = 1e-14,
    max_sweeps: int = MAX_SWEEPS,
) -> Descent:
    """Minimise a quadratic around ``start`` with a penalty of its own for each coordinate.

    g.(b - b0) + (b - b0).A (b - b0) / 2 + sum_j ( lasso_j |b_j| + ridge_j b_j^2 / 2 )

    A is ``curvature``, or ``rows @ curvature.T`` where rows are given: then A is never formed, which pays where there
    are many more coordinates than rows are long. A must be symmetric and positive semi-definite. It ends when no
    coordinate of a whole sweep lowers the objective by more than half the tolerance.

    Raises
    ------
    DataError
        If shapes do not fit or a penalty is negative.

    References
    ----------
    Friedman, Hastie, Tibshirani (2010), J. Stat. Softw. 33(1):1-22, doi:10.18637/jss.v033.i01

    Examples
    --------
    >>> one, none = np.ones(2), np.zeros(2)
    >>> elastic_net_descent(np.array([-3.0, 0.5]), np.eye(2), none, lasso=one, ridge=one).solution
    array([1., 0.])
    """
    vectors = [np.array(values, dtype=np.float64) for values in (gradient, start, lasso, ridge)]
    matrices = [np.ascontiguousarray(matrix, dtype=np.float64) for matrix in (curvature, rows) if matrix is not None]
    a = vectors[0].size
    shape = (a, a) if rows is None else (a, matrices[0].shape[-1])
    if any(vector.shape != (a,) for vector in vectors) or any(matrix.shape != shape for matrix in matrices):
        shapes = [array.shape for array in (*vectors, *matrices)]
        raise DataError(f"Shapes of gradient, start, lasso, ridge, curvature (and rows) do not fit: {shapes}.")
    slope, solution, l1, l2 = vectors
    if not ((l1 >= 0).all() and (l2 >= 0).all()):
        raise DataError("A lasso or ridge penalty is negative or NaN; expected numbers >= 0.")
    if rows is None:
        chosen, factor = np.empty(a, dtype=np.int64), np.empty(shape)
        found = pivot(slope, matrices[0], solution, l1, l2, chosen, factor, 0) >= 0
        sweeps = 0 if found else cpu.descend(slope, matrices[0], solution, l1, l2, tolerance, max_sweeps)
    else:
        sweeps = cpu.descend_rows(slope, matrices[1], matrices[0], solution, l1, l2, tolerance, max_sweeps)
    return Descent(solution=solution, sweeps=sweeps)
