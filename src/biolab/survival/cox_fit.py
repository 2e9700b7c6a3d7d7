"""Fitting Cox's model: arrays in, a frozen fit out."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from biolab.core.arrays import Float
from biolab.core.errors import DataError, FitError
from biolab.kernels import standardised

from .baseline_hazard import StepFunction, cumulative_hazards
from .follow_up import FollowUp
from .identifiability import check_information, separation_error
from .newton import Minimum, minimise
from .partial_likelihood import PartialLikelihood, Ties, risk_sets
from .sorted_likelihood import SortedLikelihood


@dataclass(frozen=True, kw_only=True)
class CoxSettings:
    """How a fit is made: ties, when the search ends, and where it is computed."""

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


class CoxProblem:
    """Data made ready for fitting: columns centred and scaled, risk sets sorted; solved for one strength after another.

    Raises
    ------
    FitError
        If there is no event.
    DataError
        If the squares of a column overflow.
    """

    def __init__(
        self, design: Float[np.ndarray, "n p"], cases: FollowUp, settings: CoxSettings, names: Sequence[str]
    ) -> None:
        present = cases.weight > 0
        if not present.all():
            design, cases = design[present], cases.take(present)
        if cases.events == 0:
            raise FitError(
                f"None of the {len(cases)} patients had the event, so nothing can be estimated. Check the coding of "
                "the event (1 or true = observed) and the follow-up."
            )
        self._names, self._cases, self._settings, self._cells = names, cases, settings, design.size
        scaled, self._centre, self._scale = _standardised(design, names)
        with few_threads(self._cells, self._settings.device):
            self._likelihood = _likelihood(scaled, cases, settings)
            self._null = self._likelihood.evaluate(np.zeros(len(names)))

    def solve(self, strength: float, *, start: Float[np.ndarray, " p"] | None = None) -> CoxFit:
        """Maximise the log partial likelihood less ``strength / 2 * sum(coef**2)``.

        Raises
        ------
        FitError
            If there is no penalty and the columns do not identify the coefficients, or separate the events.
        """
        names, scale, events = self._names, self._scale, self._cases.events
        if strength == 0:
            check_information(self._null.hessian, names, events)
        curvature = strength / scale**2
        with few_threads(self._cells, self._settings.device):
            found = minimise(
                self._likelihood.evaluate,
                curvature,
                np.zeros(len(names)) if start is None else start * scale,
                here=self._null if start is None else None,
                max_iterations=self._settings.max_iterations,
                tolerance=self._settings.tolerance,
            )
        if found.runaway.any():
            raise separation_error(names, found.runaway, events)
        if strength == 0:
            check_information(found.evaluation.hessian, names, events)
        return self._result(found, curvature)

    def log_likelihood(self, coef: Float[np.ndarray, " p"]) -> float:
        """Return the unpenalised log partial likelihood at coefficients on the given scale."""
        with few_threads(self._cells, self._settings.device):
            return -self._likelihood.evaluate(coef * self._scale).value

    def _result(self, found: Minimum, curvature: Float[np.ndarray, " p"]) -> CoxFit:
        information, steps = found.evaluation.hessian, self._likelihood
        covariance = np.linalg.inv(information + np.diag(curvature))
        step = np.exp(found.evaluation.log_hazard_step())
        return CoxFit(
            coef=found.beta / self._scale,
            covariance=covariance / np.outer(self._scale, self._scale),
            degrees_of_freedom=float(np.trace(covariance @ information)),
            log_likelihood=-found.evaluation.value,
            null_log_likelihood=-self._null.value,
            iterations=found.iterations,
            converged=found.converged,
            last_step=found.last_step,
            centre=self._centre,
            baseline=cumulative_hazards(steps.time, steps.stratum, step, self._cases.labels),
        )


@contextmanager
def few_threads(cells: int, device: torch.device | None = None) -> Generator[None]:
    """Keep small fits on one thread: on a busy machine waiting for a second one costs ten times the work."""
    before = torch.get_num_threads()
    small = (device is None or device.type == "cpu") and cells < 500_000 and before > 1
    if small:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if small:
            torch.set_num_threads(before)


def _likelihood(
    design: Float[np.ndarray, "n p"], cases: FollowUp, settings: CoxSettings
) -> PartialLikelihood | SortedLikelihood:
    """Take the compiled walk where it applies: right-censored follow-up on the processor."""
    if cases.entry is None and settings.device.type == "cpu":
        return SortedLikelihood(design, cases, settings.ties)
    return PartialLikelihood(design, risk_sets(cases, ties=settings.ties, device=settings.device))


def _standardised(
    design: Float[np.ndarray, "n p"], names: Sequence[str]
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Centre and scale columns; a constant column becomes exactly zero."""
    scaled, centre, scale = standardised(np.ascontiguousarray(design))
    wrong = np.flatnonzero(~np.isfinite(scale))
    if wrong.size:
        raise DataError(
            f"Column {names[wrong[0]]!r} holds values up to {np.abs(design[:, wrong[0]]).max():g}, whose squares "
            "overflow float64. Give it in a larger unit."
        )
    return scaled, centre, scale
