"""Fitting Cox's model: arrays in, a frozen fit out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from biolab.core.arrays import Float
from biolab.core.errors import DataError, FitError

from .baseline_hazard import StepFunction, cumulative_hazards
from .follow_up import FollowUp
from .identifiability import check_information, separation_error
from .newton import minimise
from .partial_likelihood import PartialLikelihood, Ties, risk_sets


@dataclass(frozen=True, kw_only=True)
class CoxSettings:
    """How a fit is made: ridge strength (0 for none), ties, and when the search ends."""

    strength: float
    ties: Ties
    max_iterations: int
    tolerance: float
    device: torch.device


@dataclass(frozen=True, kw_only=True, eq=False)
class CoxFit:
    """A fitted Cox model on the scale of the given columns.

    ``baseline`` holds each stratum's cumulative hazard for a patient at ``centre``, the means of the columns.
    """

    coef: Float[np.ndarray, " p"]
    covariance: Float[np.ndarray, "p p"]
    degrees_of_freedom: float
    log_likelihood: float
    null_log_likelihood: float
    iterations: int
    converged: bool
    last_step: float
    centre: Float[np.ndarray, " p"]
    baseline: dict[Any, StepFunction]


def fit_cox(
    design: Float[np.ndarray, "n p"],
    cases: FollowUp,
    settings: CoxSettings,
    names: Sequence[str],
    *,
    start: Float[np.ndarray, " p"] | None = None,
) -> CoxFit:
    """Maximise the (penalised) partial likelihood by Newton's method on centred and scaled columns.

    Raises
    ------
    FitError
        If there is no event, the columns do not identify the coefficients, or the likelihood has no maximum.
    """
    with _threads_for(design.size, settings.device):
        return _fit(design, cases, settings, names, start)


def _fit(
    design: Float[np.ndarray, "n p"],
    cases: FollowUp,
    settings: CoxSettings,
    names: Sequence[str],
    start: Float[np.ndarray, " p"] | None,
) -> CoxFit:
    present = cases.weight > 0
    if not present.all():
        design, cases = design[present], cases.take(present)
    if cases.events == 0:
        raise FitError(
            f"None of the {len(cases)} patients had the event, so nothing can be estimated. Check the coding of the "
            "event (1 or true = observed) and the follow-up."
        )
    scaled, centre, scale = _standardised(design, names)
    risk = risk_sets(cases, ties=settings.ties, device=settings.device)
    likelihood = PartialLikelihood(scaled, risk)
    curvature = settings.strength / scale**2
    zero = np.zeros(len(names))
    null = likelihood.evaluate(zero)
    if settings.strength == 0:
        check_information(null.hessian, names, cases.events)
    found = minimise(
        likelihood.evaluate,
        curvature,
        zero if start is None else start * scale,
        here=null if start is None else None,
        max_iterations=settings.max_iterations,
        tolerance=settings.tolerance,
    )
    if found.runaway.any():
        raise separation_error(names, found.runaway, cases.events)
    information = found.evaluation.hessian
    if settings.strength == 0:
        check_information(information, names, cases.events)
    covariance = np.linalg.inv(information + np.diag(curvature))
    return CoxFit(
        coef=found.beta / scale,
        covariance=covariance / np.outer(scale, scale),
        degrees_of_freedom=float(np.trace(covariance @ information)),
        log_likelihood=-found.evaluation.value,
        null_log_likelihood=-null.value,
        iterations=found.iterations,
        converged=found.converged,
        last_step=found.last_step,
        centre=centre,
        baseline=cumulative_hazards(risk.time, risk.stratum, np.exp(found.evaluation.log_hazard_step), cases.labels),
    )


@contextmanager
def _threads_for(cells: int, device: torch.device) -> Iterator[None]:
    """Keep small fits on one thread: on a busy machine waiting for a second one costs ten times the work."""
    before = torch.get_num_threads()
    small = device.type == "cpu" and cells < 500_000 and before > 1
    if small:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if small:
            torch.set_num_threads(before)


def _standardised(
    design: Float[np.ndarray, "n p"], names: Sequence[str]
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Centre and scale columns; a constant column becomes exactly zero."""
    with np.errstate(over="ignore", invalid="ignore"):
        centre = design.mean(axis=0)
        scaled = design - centre
        scaled[:, design.max(axis=0) == design.min(axis=0)] = 0.0
        scale = np.sqrt((scaled**2).mean(axis=0))
    wrong = np.flatnonzero(~np.isfinite(scale))
    if wrong.size:
        raise DataError(
            f"Column {names[wrong[0]]!r} holds values up to {np.abs(design[:, wrong[0]]).max():g}, whose squares "
            "overflow float64. Give it in a larger unit."
        )
    scale[scale == 0] = 1.0
    return scaled / scale, centre, scale
