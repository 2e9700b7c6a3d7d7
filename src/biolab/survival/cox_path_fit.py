"""Solving for a whole path of elastic-net penalties: arrays in, a frozen path out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import DataError, FitError
from biolab.kernels import RiskSet, cox_loss
from biolab.kernels.cox_curvature import cpu as curvature
from biolab.kernels.cox_loss import cpu as loss
from biolab.kernels.elastic_net_descent import MAX_SWEEPS
from biolab.kernels.elastic_net_descent import cpu as descent

from .follow_up import FollowUp
from .partial_likelihood import Ties

# Shares of the null loss: what the last Newton step may promise, and what a coordinate may still give inside one
_PROMISE = 1e-9
_REST = 1e-14
_MAX_NEWTON = 100
# Above so many columns the information matrix costs more than longer sweeps without it
_FORMED = 1000
# Below so many cells a second thread costs more than it brings: on a busy machine products take ten times as long
_WORTH_THREADS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class PathSettings:
    """What is penalised and how: `lambdas` None lets the data choose."""

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
    risk = RiskSet(cases.time, cases.event, ties=ties, weight=cases.weight)
    return -cox_loss(torch.from_numpy(coef @ design.T), risk).numpy()


def fit_path(design: Float[np.ndarray, "n p"], cases: FollowUp, settings: PathSettings) -> PathFit:
    """Minimise the penalised loss at every lambda, from the largest down.

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
    scaled, scale = _scaled(design, cases.weight)
    p = len(scale)
    factors = np.ones(p) if settings.factors is None else settings.factors * (p / settings.factors.sum())
    constant = np.flatnonzero(scale == 0)
    duplicate = _duplicates(scaled, scale, factors) if settings.l1_ratio == 1 else np.empty(0, dtype=np.int64)
    kept = np.setdiff1d(np.arange(p), np.concatenate([constant, duplicate]))
    unit = np.ones(len(kept)) if settings.standardise else scale[kept]
    lasso = settings.l1_ratio * factors[kept] / unit
    ridge = (1 - settings.l1_ratio) * factors[kept] / unit**2
    with threadpool_limits(limits=1 if design.size < _WORTH_THREADS else None, user_api="blas"):
        problem = _Problem(scaled[:, kept], cases, lasso, ridge, settings.ties)
        lambdas = settings.lambdas
        if lambdas is None:
            lambdas = _lambdas(problem, factors[kept] / unit, settings, wide=len(cases) < p)
        coef, iterations = np.zeros((len(lambdas), p)), np.zeros(len(lambdas), dtype=np.int64)
        converged, likelihood = np.zeros(len(lambdas), dtype=bool), np.zeros(len(lambdas))
        for at, (strength, before) in enumerate(zip(lambdas, [None, *lambdas[:-1]], strict=True)):
            iterations[at], converged[at] = problem.solve(strength, before)
            coef[at, kept] = problem.beta / scale[kept]
            likelihood[at] = -problem.value * problem.total
    return PathFit(
        lambdas=lambdas,
        coef=coef,
        log_likelihood=likelihood,
        iterations=iterations,
        converged=converged,
        constant=constant,
        duplicate=duplicate,
    )


class _Problem:
    """The loss of sorted, scaled columns per patient, its minimum so far, and the gradient there."""

    def __init__(
        self,
        scaled: Float[np.ndarray, "n k"],
        cases: FollowUp,
        lasso: Float[np.ndarray, " k"],
        ridge: Float[np.ndarray, " k"],
        ties: Ties,
    ) -> None:
        weighted = not (cases.weight == 1).all()
        risk = RiskSet(cases.time, cases.event, ties=ties, weight=cases.weight if weighted else None)
        order = risk.sorted_rows().order
        self._columns = np.ascontiguousarray(scaled[order].T)  # [k, m], the rows ever at risk, latest first
        self._rows = risk.rows_in_order()
        self._lasso, self._ridge = lasso, ridge
        self.total = float(cases.weight.sum())
        self.beta = np.zeros(len(lasso))
        self._eta = np.zeros(order.size)
        self.value, self._slope = self._loss(self._eta)
        self._null = self.value
        self.gradient = self._columns @ self._slope
        self._free = np.flatnonzero((lasso == 0) & (ridge == 0))
        if self._free.size:
            self._newton(self._free, 0.0)
            self.gradient = self._columns @ self._slope

    def solve(self, strength: float, before: float | None) -> tuple[int, bool]:
        """Move to the minimum for a strength, given that of the step before; return Newton steps and convergence."""
        bound = strength * self._lasso
        start = bound if before is None else before * self._lasso
        strong = np.abs(self.gradient) >= 2 * bound - np.maximum(start, bound)
        candidates = np.flatnonzero(strong | (self.beta != 0))
        working = (self.beta != 0) | (bound == 0)
        columns = self._columns[candidates]
        taken, limit = 0, 1  # one step shows most of the columns that come in
        while True:
            steps, settled = self._newton(np.flatnonzero(working), strength, limit)
            taken += steps
            wrong = candidates[np.abs(columns @ self._slope) > bound[candidates] * (1 + 1e-9)]
            wrong = wrong[~working[wrong]]
            last = settled or limit > 1
            if last and not wrong.size:  # the strong rules may be mistaken, so all columns are looked at
                self.gradient = self._columns @ self._slope
                wrong = np.flatnonzero((np.abs(self.gradient) > bound * (1 + 1e-9)) & ~working)
                if not wrong.size:
                    return taken, settled
            working[wrong] = True
            limit = _MAX_NEWTON

    def _newton(self, working: Int[np.ndarray, " a"], strength: float, limit: int = _MAX_NEWTON) -> tuple[int, bool]:
        """Take proximal Newton steps with the exact Hessian in some columns until a step promises nothing."""
        if not working.size:
            return 0, True
        columns = self._columns[working]
        lasso, ridge = strength * self._lasso[working], strength * self._ridge[working]
        beta = self.beta[working]
        done, steps = False, 0
        while not done and steps < limit:
            steps += 1
            gradient = columns @ self._slope
            found = self._proximal(columns, gradient, beta, lasso, ridge)
            penalty = _penalty(beta, lasso, ridge)
            promised = float(gradient @ (found - beta)) + _penalty(found, lasso, ridge) - penalty
            done = -promised <= _PROMISE * self._null
            for length in 0.5 ** np.arange(40):
                trial = found if length == 1 else beta + length * (found - beta)
                eta = trial @ columns
                value, slope = self._loss(eta)
                gained = value + _penalty(trial, lasso, ridge) - self.value - penalty
                if gained <= 1e-4 * length * promised:
                    beta, self._eta, self.value, self._slope = trial, eta, value, slope
                    break
                if done:  # what is left is rounding
                    break
            else:
                break
        self.beta[working] = beta
        return steps, done

    def _proximal(
        self,
        columns: Float[np.ndarray, "a m"],
        gradient: Float[np.ndarray, " a"],
        beta: Float[np.ndarray, " a"],
        lasso: Float[np.ndarray, " a"],
        ridge: Float[np.ndarray, " a"],
    ) -> Float[np.ndarray, " a"]:
        images, found = np.empty_like(columns), beta.copy()
        curvature.images(curvature.prepare(self._eta, self._rows), self._rows, columns, images)
        images /= self.total
        rest = _REST * self._null
        if len(beta) > _FORMED:
            descent.descend_rows(gradient, columns, images, found, lasso, ridge, rest, MAX_SWEEPS)
        else:
            descent.descend(gradient.copy(), columns @ images.T, found, lasso, ridge, rest, MAX_SWEEPS)
        return found

    def _loss(self, eta: Float[np.ndarray, " m"]) -> tuple[float, Float[np.ndarray, " m"]]:
        """Return the mean loss and its gradient in the log-hazards."""
        slope = np.empty(eta.size)
        value = loss.evaluate(eta, self._rows, slope, np.empty(0))
        return value / self.total, slope / self.total


def _penalty(beta: Float[np.ndarray, " a"], lasso: Float[np.ndarray, " a"], ridge: Float[np.ndarray, " a"]) -> float:
    return float(lasso @ np.abs(beta) + ridge @ (beta * beta) / 2)


def _lambdas(
    problem: _Problem, factors: Float[np.ndarray, " k"], settings: PathSettings, *, wide: bool
) -> Float[np.ndarray, " l"]:
    """Return glmnet's grid: evenly on a log scale from the smallest lambda that keeps penalised coefficients at 0."""
    penalised = factors > 0
    steepest = (np.abs(problem.gradient[penalised]) / factors[penalised]).max(initial=0.0)
    highest = float(steepest) / max(settings.l1_ratio, 1e-3) or 1.0
    ratio = settings.lambda_min_ratio or (1e-2 if wide else 1e-4)
    return highest * ratio ** (np.arange(settings.n_lambdas) / max(settings.n_lambdas - 1, 1))


def _scaled(
    design: Float[np.ndarray, "n p"], weight: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, " p"]]:
    """Centre and scale columns by their weighted moments; a constant column becomes 0 and has the scale 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        share = weight / weight.sum()
        scaled = design - share @ design
        scaled[:, design.max(axis=0) == design.min(axis=0)] = 0.0
        scale = np.sqrt(share @ scaled**2)
    wrong = np.flatnonzero(~np.isfinite(scale))
    if wrong.size:
        raise DataError(
            f"Column {wrong[0]} (counted from 0) holds values up to {np.abs(design[:, wrong[0]]).max():g}, whose "
            "squares overflow float64. Give it in a larger unit."
        )
    return scaled / np.where(scale == 0, 1.0, scale), scale


def _duplicates(
    scaled: Float[np.ndarray, "n p"], scale: Float[np.ndarray, " p"], factors: Float[np.ndarray, " p"]
) -> Int[np.ndarray, " d"]:
    """Find columns equal to another of no larger factor; of equals the first is kept."""
    groups: dict[bytes, list[int]] = {}
    for at, digest in _digests(scaled, scale):
        groups.setdefault(digest, []).append(at)
    extra = [at for group in groups.values() for at in sorted(group, key=lambda at: factors[at])[1:]]
    return np.array(sorted(extra), dtype=np.int64)


def _digests(scaled: Float[np.ndarray, "n p"], scale: Float[np.ndarray, " p"]) -> Iterator[tuple[int, bytes]]:
    """Yield a fingerprint of each column that varies; only those that share their first moments are read in full."""
    key = np.column_stack([scale, scaled[0]])
    _, group, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    for at in np.flatnonzero((count[group.ravel()] > 1) & (scale > 0)):
        yield int(at), scaled[:, at].tobytes()
