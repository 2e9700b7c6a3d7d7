"""A logistic model for each of many variants beside shared covariates, with Firth's penalty where one needs it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy import ndarray

from biolab.core import DataError, FitError
from biolab.core.arrays import Bool, Float, Int
from biolab.kernels.checks import finite_vector
from biolab.kernels.torch_if_loaded import thread_count

from . import cpu, outcomes

Penalty = Literal["never", "fallback", "always"]
_PENALTIES = {"never": cpu.NEVER, "fallback": cpu.FALLBACK, "always": cpu.ALWAYS}
# Variants that a thread takes at once.
_PART = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class LogisticScan:
    """One fit a variant: NaN where there is none, and ``outcome``, in words ``reason``, says why."""

    n: Int[ndarray, " m"]
    coef: Float[ndarray, " m"]
    standard_error: Float[ndarray, " m"]
    firth: Bool[ndarray, " m"]
    outcome: Int[ndarray, " m"]

    @property
    def z(self) -> Float[ndarray, " m"]:
        """Wald's statistic."""
        return self.coef / self.standard_error

    @property
    def reason(self) -> list[str]:
        """How each fit ended: ok, constant, separated, not converged, collinear or one class only."""
        return [outcomes.REASONS[code] for code in self.outcome.tolist()]


def logistic_scan(
    dosage: Float[ndarray, "m n"],
    outcome: Float[ndarray, " n"],
    *,
    covariates: Float[ndarray, "n q"] | None = None,
    penalty: Penalty = "fallback",
    threads: int | None = None,
) -> LogisticScan:
    """Fit log odds = intercept + Z gamma_j + x_j beta_j for each row x_j of ``dosage``, over its samples not NaN.

    ``penalty`` is Firth's (half the log determinant of the information): never, always, or where cases or controls
    carry none of one allele or the plain fit has no maximum.

    Raises
    ------
    DataError
        If shapes do not fit or the outcome is not 0 and 1.
    FitError
        If all outcomes are equal or the covariates alone have no maximum.

    References
    ----------
    Firth (1993), Biometrika 80:27-38, doi:10.1093/biomet/80.1.27

    Examples
    --------
    >>> found = logistic_scan(np.array([[0.0, 1, 1, 2, 0, 2, 1, 0]]), np.array([0.0, 0, 1, 1, 1, 1, 0, 0]))
    >>> found.coef.round(4).tolist(), found.reason
    ([1.4381], ['ok'])
    """
    y = finite_vector(np.asarray(outcome, dtype=np.float64), "outcome")
    rows = np.ascontiguousarray(dosage, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != y.size:
        raise DataError(
            f"dosage has shape {rows.shape}; expected one row a variant and a column a sample, (m, {y.size})."
        )
    if not np.isin(y, (0.0, 1.0)).all():
        raise DataError("outcome holds other values than 0 (control) and 1 (case).")
    if y.size == 0 or y.min() == y.max():
        raise FitError(f"All {y.size} samples have the same outcome; a logistic model needs cases and controls.")
    design = _design(covariates, y.size)
    start = np.zeros(design.shape[1])
    ended, _ = cpu.maximise(design, y, start, penalty == "always")
    if ended != outcomes.OK:
        raise FitError(
            f"The covariates alone cannot be fitted: {outcomes.REASONS[ended]}. Leave out those that are constant, "
            "combinations of others, or tell cases from controls."
        )
    found = np.empty((len(rows), 5))

    def fit(first: int) -> None:
        part = slice(first, first + _PART)
        cpu.scan(rows[part], y, design, start, _PENALTIES[penalty], found[part])

    with ThreadPoolExecutor(threads or thread_count()) as pool:
        list(pool.map(fit, range(0, len(rows), _PART)))
    n, coef, error, firth, codes = found.T
    return LogisticScan(
        n=n.astype(np.int64), coef=coef, standard_error=error, firth=firth == 1.0, outcome=codes.astype(np.int64)
    )


def _design(covariates: ndarray | None, n: int) -> Float[ndarray, "n r"]:
    """Return an intercept and the covariates, standardised."""
    if covariates is None or np.asarray(covariates).size == 0:
        return np.ones((n, 1))
    given = np.asarray(covariates, dtype=np.float64)
    if given.ndim != 2 or len(given) != n or not np.isfinite(given).all():
        raise DataError(f"covariates has shape {given.shape}; expected finite numbers of shape ({n}, q).")
    centred = given - given.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    flat = np.flatnonzero(scale <= 1e-14 * np.abs(given).max(axis=0))
    if flat.size:
        raise FitError(f"Covariate {flat[0]} (counted from 0) is constant; leave it out.")
    return np.column_stack([np.ones(n), centred / scale])
