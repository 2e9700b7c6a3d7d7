"""Solving for a whole path of elastic-net penalties: arrays in, a frozen path out."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import FitError
from biolab.kernels import RiskSet, cox_loss

from .follow_up import FollowUp
from .partial_likelihood import Ties
from .penalised_columns import PenalisedColumns, penalised_columns
from .proximal_newton import EXACT, ProximalNewton

# Below so many cells a second thread costs more than it brings: on a busy machine products take ten times as long
_WORTH_THREADS = 20_000_000
# A lone strength is reached by way of larger ones, each this share of the one before
_STRIDE = 0.7


@dataclass(frozen=True, kw_only=True)
class PathSettings:
    """What is penalised and how: `lambdas` None lets the data choose; `factors` None are all 1."""

    l1_ratio: float
    n_lambdas: int
    lambda_min_ratio: float | None
    lambdas: Float[np.ndarray, " l"] | None
    factors: Float[np.ndarray, " p"] | None
    standardise: bool
    ties: Ties


@dataclass(frozen=True, kw_only=True, eq=False)
class PathFit:
    """A fitted path on the scale of the given columns; ``constant`` and ``duplicate`` columns were left at 0."""

    lambdas: Float[np.ndarray, " l"]
    coef: Float[np.ndarray, "l p"]
    log_likelihood: Float[np.ndarray, " l"]
    iterations: Int[np.ndarray, " l"]
    converged: Bool[np.ndarray, " l"]
    constant: Int[np.ndarray, " c"]
    duplicate: Int[np.ndarray, " d"]


def log_likelihoods(
    design: Float[np.ndarray, "n p"], cases: FollowUp, coef: Float[np.ndarray, "l p"], ties: Ties
) -> Float[np.ndarray, " l"]:
    """Return the unpenalised log partial likelihood at each of some coefficients."""
    return -cox_loss(torch.from_numpy(coef @ design.T), risk_set(cases, ties)).numpy()


def risk_set(cases: FollowUp, ties: Ties) -> RiskSet:
    """Sort follow-up, leaving out of account what it does not have."""
    return RiskSet(
        cases.time,
        cases.event,
        ties=ties,
        strata=cases.stratum if cases.stratum.any() else None,
        weight=None if (cases.weight == 1).all() else cases.weight,
        entry=cases.entry,
    )


def fit_path(
    design: Float[np.ndarray, "n p"],
    cases: FollowUp,
    settings: PathSettings,
    *,
    lone: bool = False,
    precision: float = EXACT,
) -> PathFit:
    """Minimise the penalised loss at every lambda, from the largest down.

    With ``lone`` the lambdas of the settings are far below the first at which anything happens: larger ones are solved
    on the way and left out.

    Raises
    ------
    FitError
        If there is no event.
    DataError
        If the squares of a column overflow.
    """
    present = cases.weight > 0
    if not present.all():
        design, cases = design[present], cases.take(present)
    if cases.events == 0:
        raise FitError(
            f"None of the {len(cases)} patients had the event, so nothing can be estimated. Check the coding of "
            "the event (1 or true = observed) and the follow-up."
        )
    p, total = design.shape[1], float(cases.weight.sum())
    risk = risk_set(cases, settings.ties)
    data = penalised_columns(design, cases.weight, risk, settings.factors, merge=settings.l1_ratio == 1)
    factors = data.factors / (1.0 if settings.standardise else data.scale)
    ridge = (1 - settings.l1_ratio) * factors / (1.0 if settings.standardise else data.scale)
    with threadpool_limits(limits=1 if design.size < _WORTH_THREADS else None, user_api="blas"):
        problem = ProximalNewton(data.columns, risk, total, settings.l1_ratio * factors, ridge, precision)
        lambdas = settings.lambdas
        if lambdas is None:
            lambdas = _lambdas(problem, factors, settings, wide=len(cases) < p)
        elif lone:
            _approach(problem, _highest(problem, factors, settings.l1_ratio), float(lambdas[0]))
        return _walk(problem, data, lambdas, (p, total))


def _walk(
    problem: ProximalNewton, data: PenalisedColumns, lambdas: Float[np.ndarray, " l"], sizes: tuple[int, float]
) -> PathFit:
    """Solve one lambda after the other; ``sizes`` are the number of columns and the sum of the weights."""
    coef, iterations = np.zeros((len(lambdas), sizes[0])), np.zeros(len(lambdas), dtype=np.int64)
    converged, likelihood = np.zeros(len(lambdas), dtype=bool), np.zeros(len(lambdas))
    for at, strength in enumerate(lambdas):
        iterations[at], converged[at] = problem.solve(float(strength))
        coef[at, data.kept] = problem.beta / data.scale
        likelihood[at] = -problem.value * sizes[1]
    return PathFit(
        lambdas=lambdas,
        coef=coef,
        log_likelihood=likelihood,
        iterations=iterations,
        converged=converged,
        constant=data.constant,
        duplicate=data.duplicate,
    )


def _highest(problem: ProximalNewton, factors: Float[np.ndarray, " k"], l1_ratio: float) -> float:
    """Return the smallest lambda that keeps penalised coefficients at 0 (for a ridge: as if 1/1000 were lasso)."""
    penalised = factors > 0
    steepest = (np.abs(problem.gradient()[penalised]) / factors[penalised]).max(initial=0.0)
    return float(steepest) / max(l1_ratio, 1e-3) or 1.0


def _lambdas(
    problem: ProximalNewton, factors: Float[np.ndarray, " k"], settings: PathSettings, *, wide: bool
) -> Float[np.ndarray, " l"]:
    """Return glmnet's grid: evenly on a log scale from the smallest lambda that keeps penalised coefficients at 0."""
    ratio = settings.lambda_min_ratio or (1e-2 if wide else 1e-4)
    steps = np.arange(settings.n_lambdas) / max(settings.n_lambdas - 1, 1)
    return _highest(problem, factors, settings.l1_ratio) * ratio**steps


def _approach(problem: ProximalNewton, highest: float, target: float) -> None:
    """Come near a strength step by step, which is faster and safer than at once."""
    if 0 < target < highest:
        for power in range(1, math.ceil(math.log(target / highest) / math.log(_STRIDE))):
            problem.solve(highest * _STRIDE**power)
