"""A fitted Cox model beside follow-up: what was observed of each patient, and what the model expected."""

from typing import Any

import numpy as np
import torch

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import ConfigError, DataError, FitError

from .cox import CoxPH
from .cox_fit import few_threads
from .follow_up import FollowUp, check_rows, follow_up
from .partial_likelihood import PartialLikelihood, Steps, Ties, risk_sets


class RiskProcess:
    """The risk sets of given data at given coefficients, and each patient's share in them.

    With steps s, their hazard increments h_s and covariate means m_s as in `PartialLikelihood`, a patient with
    covariates x who leaves at t has the exposure ``exp(eta) * sum of h_s`` over the steps at risk (of the tied events'
    own steps only the part that Efron leaves them).

    Weights must be > 0; there must be an event.
    """

    def __init__(
        self, design: Float[np.ndarray, "n p"], cases: FollowUp, coef: Float[np.ndarray, " p"], ties: Ties
    ) -> None:
        self.design = design - design.mean(axis=0)
        self.cases = cases
        self.risk = risk_sets(cases, ties=ties)
        likelihood = PartialLikelihood(self.design, self.risk)
        self._log_hazard = torch.as_tensor(self.design @ coef)
        self._bands: list[tuple[float, Steps]] = [
            (float(shift), likelihood.steps(self._log_hazard, shift, groups))
            for shift, groups in likelihood.bands(self._log_hazard)
        ]

    @property
    def event_rows(self) -> Int[np.ndarray, " e"]:
        """The patients with an event, in the order of the data."""
        return np.flatnonzero(self.cases.event)

    def exposure(self) -> Float[np.ndarray, " n"]:
        """Return the events expected of each patient, its cumulative hazard over its own time at risk."""
        total = torch.stack([steps.exposure(steps.increment) for _, steps in self._bands]).sum(0)
        return total.numpy() / self.cases.weight

    def log_exposure(self) -> Float[np.ndarray, " n"]:
        """Return the logarithm of `exposure`, finite also where the exposure of a patient with an event underflows."""
        total = torch.full_like(self._log_hazard, -torch.inf)
        for shift, steps in self._bands:
            baseline = self.risk.ranges.over_positions(steps.by_group(steps.increment))
            if self.risk.tied:
                taken = steps.by_group(steps.fraction * steps.increment)
                baseline.index_add_(0, steps.rows, taken[steps.event_group], alpha=-1)
            total = torch.logaddexp(total, torch.log(baseline) + (self._log_hazard - shift))
        return total.numpy()

    def event_means(self) -> Float[np.ndarray, "e p"]:
        """Return the covariates' mean among those at risk at each event, averaged over the steps of tied events."""
        total = torch.zeros((self.design.shape[1], len(self.risk.time)), dtype=torch.float64)
        steps_of = torch.bincount(self.risk.step_group, minlength=len(self.risk.time))
        for _, steps in self._bands:
            total.index_add_(1, steps.group, steps.mean)
        by_patient = np.empty_like(self.design)
        by_patient[self.risk.event_rows.numpy()] = (total / steps_of)[:, self.risk.event_group].T.numpy()
        return by_patient[self.event_rows]

    def schoenfeld(self) -> Float[np.ndarray, "e p"]:
        """Return covariates less `event_means` at each event, in the order of the data."""
        return self.design[self.event_rows] - self.event_means()

    def score(self) -> Float[np.ndarray, "n p"]:
        """Return each patient's part of the score, x less the mean integrated over observed less expected events."""
        score = np.zeros_like(self.design)
        score[self.event_rows] = self.schoenfeld()
        for _, steps in self._bands:
            of_mean = torch.stack([steps.exposure(steps.increment * mean) for mean in steps.mean], dim=1)
            expected = torch.as_tensor(self.design) * steps.exposure(steps.increment)[:, None] - of_mean
            score -= expected.numpy() / self.cases.weight[:, None]
        return score

    def information(self, factor: Float[np.ndarray, " d"]) -> Float[np.ndarray, "p p"]:
        """Return the sum of the covariates' covariance at each event time, times a number of each event time."""
        columns = torch.as_tensor(self.design.T)
        total = torch.zeros((len(columns), len(columns)), dtype=torch.float64)
        for _, steps in self._bands:
            by_step = torch.as_tensor(factor)[steps.group]
            exposure = steps.exposure(by_step * steps.increment)
            total += (columns * exposure) @ columns.T - (steps.mean * (by_step * steps.weight)) @ steps.mean.T
        return total.numpy()


def risk_process(
    model: CoxPH, X: Any, y: Any, *, strata: Any = None, sample_weight: Any = None, entry: Any = None
) -> tuple[RiskProcess, Bool[np.ndarray, " n"]]:
    """Set a fitted model beside data; also tell which patients are in it, those with a weight > 0.

    Raises
    ------
    ConfigError
        If the model is not a `CoxPH`.
    DataError
        If values, lengths or strata are wrong.
    FitError
        If nobody had the event.
    """
    if not isinstance(model, CoxPH):
        raise ConfigError(
            f"The model is a {type(model).__name__}; a fitted CoxPH is expected (of CoxPHCV, pass its model_)."
        )
    design = model.check_covariates(X)
    cases = follow_up(y, strata=strata, weight=sample_weight, entry=entry)
    check_rows(design, cases)
    _check_strata(model, cases)
    present = cases.weight > 0
    cases = cases.take(present)
    if not cases.events:
        raise FitError("Nobody had the event, so there are no risk sets to look at. Check the coding of the event.")
    with few_threads(design.size):
        return RiskProcess(design[present], cases, model.coef_, model.ties), present


def _check_strata(model: CoxPH, cases: FollowUp) -> None:
    """Refuse strata for a model without, and none for a model with them: its risk sets would be others."""
    fitted, given = None not in model.baseline_hazard_, cases.labels != (None,)
    if fitted and not given:
        raise DataError("The model was fitted with strata; say each patient's: strata=.")
    if given and not fitted:
        raise DataError("The model was fitted without strata; leave strata out.")
