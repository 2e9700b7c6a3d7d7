"""Fitting Cox's model: arrays in, a frozen fit out."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from biolab.core.arrays import Bool, Float
from biolab.core.errors import DataError, FitError
from biolab.kernels import standardised

from .baseline_hazard import StepFunction, cumulative_hazards
from .follow_up import FollowUp
from .identifiability import check_information, separation_error
from .newton import Minimum, minimise
from .partial_likelihood import PartialLikelihood, Ties, risk_sets
from .sorted_likelihood import SortedLikelihood

# A column that keeps less than this share of the information it has at 0 has run away
_GONE = 1e-8


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

    ``baseline`` holds each stratum's cumulative hazard for a patient at ``centre``, the means of the columns;
    ``covariance`` is None where a penalty has set coefficients to 0.
    """

    coef: Float[np.ndarray, " p"]
    covariance: Float[np.ndarray, "p p"] | None
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

    def check(self) -> None:
        """Refuse columns that do not identify their coefficients.

        Raises
        ------
        FitError
            Naming them.
        """
        check_information(self._null.hessian, self._names, self._cases.events)

    def at(
        self, coef: Float[np.ndarray, " p"], strength: Float[np.ndarray, " p"], *, free: Bool[np.ndarray, " p"]
    ) -> CoxFit:
        """Describe the fit at coefficients that were found elsewhere, each with a ridge of its own.

        Raises
        ------
        FitError
            If ``free`` columns, those without a penalty, separate the events.
        """
        with few_threads(self._cells, self._settings.device):
            here = self._likelihood.evaluate(coef * self._scale)
        gone = free & (np.diag(here.hessian) <= _GONE * np.diag(self._null.hessian))
        if gone.any():
            raise separation_error(self._names, gone, self._cases.events)
        nowhere = np.zeros(len(coef), dtype=bool)
        found = Minimum(
            beta=coef * self._scale, evaluation=here, iterations=0, converged=True, runaway=nowhere, last_step=0.0
        )
        return self._result(found, strength / self._scale**2)

    def solve(
        self, strength: float | Float[np.ndarray, " p"], *, start: Float[np.ndarray, " p"] | None = None
    ) -> CoxFit:
        """Maximise the log partial likelihood less ``sum(strength * coef**2) / 2``.

        Raises
        ------
        FitError
            If columns without a penalty do not identify their coefficients, or separate the events.
        """
        names, scale, events = self._names, self._scale, self._cases.events
        curvature = strength / scale**2
        free = not np.all(curvature)
        if free:
            check_information(self._null.hessian + np.diag(curvature), names, events)
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
        if free:
            check_information(found.evaluation.hessian + np.diag(curvature), names, events)
        return self._result(found, curvature)

    def log_likelihood(self, coef: Float[np.ndarray, " p"]) -> float:
        """Return the unpenalised log partial likelihood at coefficients on the given scale."""
        with few_threads(self._cells, self._settings.device):
            return -self._likelihood.evaluate(coef * self._scale).value

    def _result(self, found: Minimum, curvature: Float[np.ndarray, " p"]) -> CoxFit:
        information, steps = found.evaluation.hessian, self._likelihood
        covariance = _inverse(information + np.diag(curvature))
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


def _inverse(matrix: Float[np.ndarray, "p p"]) -> Float[np.ndarray, "p p"]:
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(matrix, hermitian=True)


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
