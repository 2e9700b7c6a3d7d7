"""Fitting Cox's model with a penalty that sets coefficients to 0: arrays in, a frozen fit out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from biolab.core.arrays import Float
from biolab.stats.penalties import ElasticNet

from .cox_fit import CoxFit, CoxProblem, CoxSettings
from .cox_path_fit import PathFit, PathSettings, fit_path
from .follow_up import FollowUp


def fit_sparse(
    design: Float[np.ndarray, "n p"],
    cases: FollowUp,
    penalty: ElasticNet,
    settings: CoxSettings,
    names: Sequence[str],
) -> tuple[CoxFit, PathFit]:
    """Maximise the log partial likelihood less the penalty; return the fit and what its search met.

    The fit has no covariance: the distribution of coefficients of which some are 0 by choice is not normal, and the
    inverse information of those that are left ignores the choice. Its degrees of freedom are those of the columns left.

    Raises
    ------
    ConfigError
        If factors or unpenalised columns do not fit the columns.
    FitError
        If there is no event, or columns without a penalty are constant, collinear or separate the events.
    """
    factors = penalty.column_factors(names, design.shape[1])
    free = factors == 0
    if free.any():
        CoxProblem(design[:, free], cases, settings, _of(names, free)).check()
    search = PathSettings(
        l1_ratio=penalty.l1_ratio,
        n_lambdas=1,
        lambda_min_ratio=None,
        lambdas=np.array([penalty.strength / cases.weight.sum()]),
        factors=factors,
        standardise=False,
        ties=settings.ties,
    )
    path = fit_path(design, cases, search, lone=True)
    coef = path.coef[0]
    used = free | (coef != 0)
    used[0] |= not used.any()  # a likelihood needs a column
    there = CoxProblem(design[:, used], cases, settings, _of(names, used))
    ridge = penalty.strength * (1 - penalty.l1_ratio) * factors[used]
    fit = there.at(coef[used], ridge, free=free[used])
    found = replace(
        fit,
        coef=coef,
        covariance=None,
        centre=design[cases.weight > 0].mean(axis=0),
        iterations=int(path.iterations[0]),
        converged=bool(path.converged[0]),
        degrees_of_freedom=fit.degrees_of_freedom if coef.any() else 0.0,
    )
    return found, path


def _of(names: Sequence[str], chosen: np.ndarray) -> list[str]:
    return [name for name, yes in zip(names, chosen, strict=True) if yes]
