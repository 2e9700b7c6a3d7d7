"""Slope of one covariate in a Cox model, for one weighting or many replicates of it."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Bool, Float
from biolab.kernels.checks import Weights, checked_weights, finite_vector, same_length

from . import cpu


@dataclass(frozen=True, kw_only=True)
class CoxSlope:
    """Maximum-likelihood slope, one value a replicate; NaN where not converged.

    ``standard_error`` is that of the information; it is None for replicates, whose spread is the error.
    """

    slope: Float[ndarray, "*b"]
    converged: Bool[ndarray, "*b"]
    standard_error: float | None


def cox_slope(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    covariate: Float[ndarray, " n"],
    *,
    weights: Weights | None = None,
) -> CoxSlope:
    """Fit a Cox model with one covariate by Efron's partial likelihood, once or for each of b weightings.

    Rows with weight 0 are left out. Where there is no finite maximum (no event, a constant covariate, separation)
    ``converged`` is false and the slope NaN.

    Raises
    ------
    DataError
        If shapes differ, a time or covariate is NaN or infinite, or a weight is negative or not finite.

    References
    ----------
    Cox (1972), J. R. Stat. Soc. B 34:187-220, doi:10.1111/j.2517-6161.1972.tb00899.x;
    Efron (1977), J. Am. Stat. Assoc. 72:557-565, doi:10.1080/01621459.1977.10480613

    Examples
    --------
    >>> fit = cox_slope(np.array([1.0, 2.0, 3.0]), np.array([True, True, True]), np.array([1.0, 0.0, 1.0]))
    >>> round(float(fit.slope), 4)
    -0.3466
    """
    time, covariate = finite_vector(time, "time"), finite_vector(covariate, "covariate").astype(np.float64)
    event = np.ascontiguousarray(event, dtype=bool)
    same_length(time=time, event=event, covariate=covariate)
    case = checked_weights(weights, "weights", time.size)
    spread = float(np.ptp(covariate)) if time.size else 0.0
    if spread == 0.0 or not np.isfinite(spread):
        if not np.isfinite(spread):
            raise DataError(f"covariate ranges over {spread}; rescale it so that its range is a finite number.")
        missing, error = np.full(case.shape[:-1], np.nan), np.nan if case.ndim == 1 else None
        return CoxSlope(slope=missing, converged=np.zeros(case.shape[:-1], dtype=bool), standard_error=error)
    order = np.argsort(-time, kind="stable")
    group = np.concatenate([[0], np.cumsum(np.diff(time[order]) != 0)])
    rows = (order, group, event[order], (covariate - covariate.mean())[order])
    slope, error = cpu.solve_replicates(*rows, np.atleast_2d(case))
    slope = slope.reshape(case.shape[:-1])
    return CoxSlope(slope=slope, converged=np.isfinite(slope), standard_error=float(error) if case.ndim == 1 else None)
