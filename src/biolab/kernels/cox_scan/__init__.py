"""A Cox model for each of many features: every gene of a genome beside the same follow-up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from biolab.core import DataError, FitError
from biolab.core.arrays import Float, Int
from biolab.kernels.cholesky import factor
from biolab.kernels.risk_set import RiskSet, Rows

from . import adjusted, cpu, outcomes

# Features are sorted and fitted in blocks of about this many numbers.
BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class CoxScan:
    """One fit a feature: NaN where there is none, and ``outcome``, in words ``reason``, says why.

    ``score`` and ``likelihood_ratio`` are chi-squared statistics with one degree of freedom.
    """

    coef: Float[ndarray, " p"]
    standard_error: Float[ndarray, " p"]
    score: Float[ndarray, " p"]
    likelihood_ratio: Float[ndarray, " p"]
    outcome: Int[ndarray, " p"]

    @property
    def z(self) -> Float[ndarray, " p"]:
        """Wald's statistic."""
        return self.coef / self.standard_error

    @property
    def reason(self) -> list[str]:
        """How each fit ended: ok, constant, separated, not converged or collinear."""
        return [outcomes.REASONS[code] for code in self.outcome.tolist()]


def cox_scan(
    features: Float[ndarray, "n p"] | Float[Tensor, "n p"],
    risk: RiskSet,
    *,
    covariates: Float[ndarray, "n q"] | None = None,
    threads: int | None = None,
) -> CoxScan:
    """Fit h(t | x_j, Z) = h0(t) exp(x_j beta_j + Z gamma_j) for each column x_j of ``features``.

    Each model maximises the partial likelihood of the risk set (its ties, strata, weights and late entry) by Newton's
    method. Features on a CUDA device are fitted there (without covariates or late entry). A feature whose likelihood
    rises without end is found by comparison, not by divergence, if there are no covariates.

    Raises
    ------
    DataError
        If shapes do not fit, or a value is NaN or infinite.
    FitError
        If there is no event, or the covariates alone have no finite maximum.

    Examples
    --------
    >>> risk = RiskSet([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 0])
    >>> found = cox_scan(np.array([[1.0, 7.0], [0.0, 7.0], [1.0, 7.0], [0.0, 7.0]]), risk)
    >>> found.coef.round(4).tolist(), found.reason
    ([0.9406, nan], ['ok', 'constant'])
    """
    columns = _checked(features, risk)
    if isinstance(columns, Tensor) and covariates is None and not risk.truncated:
        from . import gpu

        return _named(gpu.scan(columns, risk))
    table = columns.cpu().numpy() if isinstance(columns, Tensor) else columns
    rows = risk.sorted_rows()
    null = None if covariates is None else _null_model(np.asarray(covariates), rows, risk.rows)
    found = np.empty((table.shape[1], outcomes.COLUMNS))

    def fit(block: slice) -> None:
        if null is None:
            if not cpu.fit_block(table[:, block].astype(np.float64, copy=False), rows, found[block]):
                _refuse_not_finite(table, block)
        else:
            _refuse_not_finite(table, block)
            values = np.ascontiguousarray(table[:, block][rows.order], dtype=np.float64)
            adjusted.scan(values, *null, rows, found[block])

    with ThreadPoolExecutor(threads or torch.get_num_threads()) as pool:
        list(pool.map(fit, _blocks(table.shape[1], rows.order.size)))
    return _named(found)


def _checked(features: Any, risk: RiskSet) -> ndarray | Tensor:
    columns = features if isinstance(features, Tensor) and features.is_cuda else np.asarray(features)
    if columns.ndim != 2 or columns.shape[0] != risk.rows:
        raise DataError(
            f"features has shape {tuple(columns.shape)}; expected one row a subject and one column a feature, "
            f"({risk.rows}, p). Transpose it if features stand in rows."
        )
    if isinstance(columns, ndarray) and columns.dtype.kind not in "biuf":
        raise DataError(f"features holds {columns.dtype} values; expected numbers.")
    if not risk.layout.first_death.numel():
        raise FitError("There is no event among these rows; a Cox model needs at least one.")
    return columns


def _blocks(p: int, m: int) -> Iterator[slice]:
    width = max(BLOCK // max(m, 1) // cpu.LANES, 1) * cpu.LANES
    width = min(width, max(p // 8 // cpu.LANES, 1) * cpu.LANES)
    for start in range(0, p, width):
        yield slice(start, min(start + width, p))


def _refuse_not_finite(table: ndarray, block: slice) -> None:
    part = table[:, block]
    if part.dtype.kind != "f" or np.isfinite(part.sum(dtype=np.float64)) or np.isfinite(part).all():
        return
    row, column = np.argwhere(~np.isfinite(part))[0]
    raise DataError(
        f"features is {part[row, column]} in row {row}, column {block.start + column}; expected finite numbers. "
        "Impute or drop this feature first."
    )


def _null_model(
    covariates: ndarray, rows: Rows, n: int
) -> tuple[Float[ndarray, "m q"], tuple[Float[ndarray, " q"], float]]:
    """Standardise the covariates and fit them without a feature."""
    if covariates.ndim != 2 or covariates.shape[0] != n or covariates.dtype.kind not in "biuf":
        raise DataError(
            f"covariates is {covariates.dtype} of shape {covariates.shape}; expected numbers of shape ({n}, q)."
        )
    _refuse_not_finite(covariates, slice(0, None))
    z = np.ascontiguousarray(covariates[rows.order], dtype=np.float64)
    z -= z.mean(axis=0)
    scale = np.sqrt((z * z).mean(axis=0))
    flat = np.flatnonzero(scale <= 1e-14 * np.abs(covariates).max(axis=0, initial=0.0))
    if flat.size:
        raise FitError(f"Covariate {flat[0]} (counted from 0) is constant among the rows at risk; leave it out.")
    z /= scale
    beta = np.zeros(z.shape[1])
    outcome, value, _ = adjusted.maximise(z, rows, beta, adjusted.DIVERGED)
    if outcome != outcomes.OK:
        information = np.zeros((beta.size, beta.size))
        adjusted.evaluate(np.zeros(beta.size), z, rows, np.zeros(beta.size), information)
        dependent = factor(information, np.zeros_like(information))
        why = (
            f"covariate {dependent} (counted from 0) is a combination of those before it"
            if dependent < beta.size
            else "they predict the order of events perfectly"
        )
        raise FitError(f"The covariates alone have no finite maximum of the partial likelihood: {why}. Leave one out.")
    return z, (beta, value)


def _named(found: Float[ndarray, "p 5"]) -> CoxScan:
    coef, standard_error, score, ratio, outcome = found.T
    return CoxScan(
        coef=coef, standard_error=standard_error, score=score, likelihood_ratio=ratio, outcome=outcome.astype(np.int64)
    )
