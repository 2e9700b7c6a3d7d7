"""A genome scan: one Cox model a feature, with tests, q-values and, by permutation, family-wise error control."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import polars as pl
import torch

from biolab import kernels
from biolab.core.arrays import Float
from biolab.core.errors import DataError, FitError
from biolab.stats.multiple_testing import benjamini_hochberg

from .target import survival_target

Ties = Literal["efron", "breslow"]

# Permutations are multiplied with the features in blocks of about this many numbers.
_BLOCK = 1 << 22


def cox_scan(  # noqa: PLR0913 - all but three are keyword-only
    X: Any,
    time: Any,
    event: Any,
    *,
    ties: Ties = "efron",
    covariates: Any = None,
    strata: Any = None,
    entry: Any = None,
    names: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Fit a Cox model for each column of ``X`` (an array [n, p] or a frame), beside shared covariates if given.

    h(t | x_j, Z) = h0(t) exp(x_j beta_j + Z gamma_j), a baseline hazard a stratum

    With ``entry`` a row is at risk in (entry, time] only.

    Returns one row a feature: ``feature, coef, standard_error, z, p_value, q_value, score_p_value, lr_p_value,
    converged, reason``. P-values are two-sided: Wald's (``p_value``), the score test's and the likelihood ratio's;
    ``q_value`` is Benjamini and Hochberg's of Wald's. Where there is no finite maximum numbers are null and ``reason``
    says why: "constant" (among those at risk), "separated" (the failing always have the highest, or the lowest,
    value; the score test remains valid), "collinear" (with the covariates) or "not converged".

    Assumes proportional hazards in each model. Wald's test loses power for very large effects: look at the
    likelihood ratio there.

    Raises
    ------
    DataError
        If shapes do not fit, a value is missing, or a row enters no earlier than it leaves; rows and columns are
        counted from 0.
    FitError
        If there is no event, or the covariates alone cannot be fitted.

    References
    ----------
    Cox (1972), J. R. Stat. Soc. B 34:187-220, doi:10.1111/j.2517-6161.1972.tb00899.x

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> X = generator.normal(size=(200, 3))
    >>> time = generator.exponential(np.exp(-X[:, 0]))
    >>> table = cox_scan(X, time, np.ones(200), names=["a", "b", "c"])
    >>> table.filter(pl.col("q_value") < 0.05)["feature"].to_list()
    ['a']
    """
    features, labels = _features(X, names)
    target = survival_target((time, event))
    risk = kernels.RiskSet(target.time, target.event, ties=ties, strata=_column(strata), entry=_column(entry))
    shared = None if covariates is None else _features(covariates, None)[0]
    found = kernels.cox_scan(features, risk, covariates=shared)
    p_value = _two_sided(found.z**2)
    converged = found.outcome == 0
    return pl.DataFrame(
        {
            "feature": labels,
            "coef": found.coef,
            "standard_error": found.standard_error,
            "z": found.z,
            "p_value": p_value,
            "q_value": benjamini_hochberg(p_value),
            "score_p_value": _two_sided(found.score),
            "lr_p_value": _two_sided(found.likelihood_ratio),
            "converged": converged,
            "reason": found.reason,
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def cox_scan_max_t(  # noqa: PLR0913 - all but three are keyword-only
    X: Any,
    time: Any,
    event: Any,
    *,
    ties: Ties = "efron",
    strata: Any = None,
    names: Sequence[str] | None = None,
    permutations: int = 1000,
    seed: int,
) -> pl.DataFrame:
    """Test each column of ``X`` by permuting follow-up, holding the chance of any false finding.

    The statistic is the score U_j = sum_i x_ij M_i, with M the martingale residuals of the model without features,
    over its standard deviation under permutation (within strata):

    T_j = |U_j| / sqrt( sum_s  sum_{i in s} (x_ij - mean_s)^2  sum_{i in s} (M_i - mean_s)^2 / (n_s - 1) )

    Returns ``feature, statistic, p_value`` (this feature alone) and ``adjusted_p_value`` (step-down max-T), smallest
    possible 1 / (permutations + 1). Features without variance have null. Same seed, same numbers.

    Assumes that follow-up is exchangeable between rows of a stratum if no feature matters: censoring, too, must not
    depend on the features. There is no adjustment for covariates here, because permuting would break their effect.

    Raises
    ------
    DataError
        If shapes do not fit, a value is missing, or there are no permutations.
    FitError
        If there is no event.

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing, Wiley, ISBN 978-0-471-55761-6

    Ge, Dudoit and Speed (2003), Test 12:1-77, doi:10.1007/BF02595811
    """
    if permutations < 1:
        raise DataError(f"permutations is {permutations}; expected at least 1 (1000 resolves p-values of 0.001).")
    features, labels = _features(X, names)
    target = survival_target((time, event))
    groups = _column(strata)
    risk = kernels.RiskSet(target.time, target.event, ties=ties, strata=groups)
    if not target.event.any():
        raise FitError("There is no event among these rows; a permutation test needs at least one.")
    if len(features) != len(target):
        raise DataError(f"X has {len(features)} rows and time {len(target)}; both must have one a subject.")
    derivatives = kernels.cox_derivatives(torch.zeros(len(target), dtype=torch.float64), risk)
    code = np.zeros(len(target), dtype=np.int64) if groups is None else np.unique(groups, return_inverse=True)[1]
    residual = _within(-derivatives.gradient.numpy()[:, None], code)[:, 0]
    scaled = _scaled_features(features, residual, code)
    statistic = np.abs(residual @ scaled)
    alone, adjusted = _step_down(scaled, residual, code, statistic, permutations, np.random.default_rng(seed))
    return pl.DataFrame(
        {"feature": labels, "statistic": statistic, "p_value": alone, "adjusted_p_value": adjusted}
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def _features(X: Any, names: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    if hasattr(X, "columns"):
        names = [str(name) for name in X.columns] if names is None else names
    values = X.detach().cpu().numpy() if hasattr(X, "detach") else X.to_numpy() if hasattr(X, "to_numpy") else X
    values = np.asarray(values)
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise DataError(
            f"X is {values.dtype} of shape {values.shape}; expected numbers of shape (n, p), one column a feature."
        )
    labels = [f"x{j}" for j in range(values.shape[1])] if names is None else list(names)
    if len(labels) != values.shape[1]:
        raise DataError(f"names has {len(labels)} entries for {values.shape[1]} features; expected one a column of X.")
    return values, labels


def _column(values: Any) -> np.ndarray | None:
    if values is None:
        return None
    return values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)


def _two_sided(chi_squared: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
    """Return the upper tail of the chi-squared distribution with one degree of freedom."""
    from scipy.special import chdtrc

    return np.asarray(chdtrc(1.0, chi_squared))


def _within(values: Float[np.ndarray, "n p"], code: np.ndarray) -> Float[np.ndarray, "n p"]:
    """Centre each column within each stratum."""
    centred = np.array(values, dtype=np.float64)
    for stratum in np.unique(code):
        rows = code == stratum
        centred[rows] -= centred[rows].mean(axis=0)
    return centred


def _scaled_features(
    features: Float[np.ndarray, "n p"], residual: Float[np.ndarray, " n"], code: np.ndarray
) -> Float[np.ndarray, "n p"]:
    """Divide features by the permutation standard deviation of their score; NaN where there is none."""
    centred = _within(features, code)
    if not np.isfinite(centred).all():
        row, column = np.argwhere(~np.isfinite(np.asarray(features, dtype=np.float64)))[0]
        raise DataError(f"X is {features[row, column]} in row {row}, column {column}; impute or drop it first.")
    variance = np.zeros(centred.shape[1])
    for stratum in np.unique(code):
        rows = code == stratum
        if rows.sum() > 1:
            variance += (centred[rows] ** 2).sum(axis=0) * (residual[rows] ** 2).sum() / (rows.sum() - 1)
    largest = np.abs(features).max(axis=0, initial=0.0)
    flat = variance <= 1e-24 * np.maximum(largest, 1e-300) ** 2
    centred[:, flat] = np.nan
    return centred / np.sqrt(np.where(flat, 1.0, variance))


def _step_down(
    scaled: Float[np.ndarray, "n p"],
    residual: Float[np.ndarray, " n"],
    code: np.ndarray,
    statistic: Float[np.ndarray, " p"],
    permutations: int,
    generator: np.random.Generator,
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Count how often permutation reaches each statistic: for the feature alone, and for it or any smaller one."""
    tested = np.flatnonzero(~np.isnan(statistic))
    order = tested[np.argsort(-statistic[tested], kind="stable")]
    columns, observed = np.ascontiguousarray(scaled[:, order]), statistic[order]
    reach = observed * (1 - 1e-12)  # a permutation that changes nothing must count whatever its rounding
    alone, stepped = np.ones(order.size), np.ones(order.size)
    strata = [np.flatnonzero(code == stratum) for stratum in np.unique(code)]
    done, block = 0, max(1, _BLOCK // max(order.size, 1))
    while done < permutations:
        width = min(block, permutations - done)
        shuffled = np.tile(residual, (width, 1))
        for rows in strata:
            shuffled[:, rows] = generator.permuted(shuffled[:, rows], axis=1)
        drawn = np.abs(shuffled @ columns)
        alone += (drawn >= reach).sum(axis=0)
        largest = np.maximum.accumulate(drawn[:, ::-1], axis=1)[:, ::-1]
        stepped += (largest >= reach).sum(axis=0)
        done += width
    placed = np.full((2, statistic.size), np.nan)
    placed[0, order] = alone / (permutations + 1)
    placed[1, order] = np.maximum.accumulate(stepped / (permutations + 1))
    return placed[0], placed[1]
