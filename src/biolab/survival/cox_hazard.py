"""What a fitted Cox model says of a patient's hazard: coefficients, and a baseline hazard in each stratum."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from biolab.core.arrays import Float, Int
from biolab.core.errors import DataError
from biolab.core.suggestions import did_you_mean

from .baseline_hazard import StepFunction, cumulative_hazards, prediction_times
from .follow_up import FollowUp, stratum_codes
from .partial_likelihood import PartialLikelihood, RiskSets, Ties, risk_sets
from .sorted_likelihood import SortedLikelihood


@dataclass(frozen=True, kw_only=True, eq=False)
class CoxHazard:
    """Coefficients, and for each stratum's label the cumulative hazard of a patient at ``centre``.

    Without strata the only label is None.
    """

    coef: Float[np.ndarray, " p"]
    centre: Float[np.ndarray, " p"]
    baseline: dict[Any, StepFunction]

    def cumulative(self, design: Float[np.ndarray, "n p"], times: Any, strata: Any = None) -> Float[np.ndarray, "n t"]:
        """Return the cumulative hazard of each patient at each time; constant after the stratum's last event.

        Raises
        ------
        DataError
            If the model has strata and none are given, or a stratum was not in the fit.
        """
        times = prediction_times(times)
        relative = (design - self.centre) @ self.coef
        hazard = np.empty((len(design), len(times)))
        with np.errstate(divide="ignore"):  # log of a hazard of 0 before the first event
            for label, rows in self._rows_by_stratum(strata, len(design)):
                hazard[rows] = np.exp(relative[rows, None] + np.log(self.baseline[label](times)))
        return hazard

    def at_origin(self) -> dict[Any, StepFunction]:
        """Return each stratum's cumulative hazard at x = 0."""
        shift = math.exp(-float(self.centre @ self.coef))
        return {
            label: StepFunction(times=hazard.times, values=hazard.values * shift)
            for label, hazard in self.baseline.items()
        }

    def _rows_by_stratum(self, strata: Any, rows: int) -> list[tuple[Any, Int[np.ndarray, " r"]]]:
        if strata is None:
            if None in self.baseline:
                return [(None, np.arange(rows))]
            raise DataError(
                f"The model was fitted with strata {', '.join(map(str, self.baseline))}; say each patient's: strata=."
            )
        if None in self.baseline:
            raise DataError("The model was fitted without strata; leave strata out.")
        codes, labels = stratum_codes(strata, rows)
        unknown = [label for label in labels if label not in self.baseline]
        if unknown:
            raise DataError(
                f"Stratum {unknown[0]!r} was not in the fit, so its baseline hazard is unknown. "
                f"{did_you_mean(str(unknown[0]), map(str, self.baseline))}"
            )
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(1, len(labels)))
        return list(zip(labels, np.split(order, edges), strict=False))


@dataclass(frozen=True, kw_only=True, eq=False)
class CoxHazardPath:
    """The hazards that belong to a path of coefficients: Breslow's or Efron's steps, as the ties of the fit.

    ``log_step`` holds the logarithms of the steps at ``centre``, a row for each coefficients, a column for each
    event time of each stratum (ascending codes: positions in ``labels``).
    """

    coef: Float[np.ndarray, "l p"]
    centre: Float[np.ndarray, " p"]
    time: Float[np.ndarray, " d"]
    stratum: Int[np.ndarray, " d"]
    labels: tuple[Any, ...]
    log_step: Float[np.ndarray, "l d"]

    def __getitem__(self, at: int) -> CoxHazard:
        """Return the hazard at one of the path's coefficients."""
        step = np.exp(self.log_step[at])
        baseline = cumulative_hazards(self.time, self.stratum, step, self.labels)
        return CoxHazard(coef=self.coef[at], centre=self.centre, baseline=baseline)


def cox_hazard_path(
    design: Float[np.ndarray, "n p"], cases: FollowUp, coef: Float[np.ndarray, "l p"], ties: Ties
) -> CoxHazardPath:
    """Estimate the baseline hazards that belong to coefficients found in any way. There must be an event."""
    present = cases.weight > 0
    if not present.all():
        design, cases = design[present], cases.take(present)
    centre = design.mean(axis=0)
    used = coef.any(axis=0)
    columns = design[:, used] - centre[used]
    risk: SortedLikelihood | RiskSets
    if cases.entry is None:
        risk = SortedLikelihood(columns, cases, ties)
        steps = [risk.log_hazard_step(beta) for beta in coef[:, used]]
    else:
        risk = risk_sets(cases, ties=ties)
        steps = [_late_steps(columns @ beta, risk) for beta in coef[:, used]]
    return CoxHazardPath(
        coef=coef,
        centre=centre,
        time=risk.time,
        stratum=risk.stratum,
        labels=cases.labels,
        log_step=np.stack(steps),
    )


def _late_steps(log_hazard: Float[np.ndarray, " n"], risk: RiskSets) -> Float[np.ndarray, " d"]:
    """Return the logarithm of the steps, which know the covariates by the log-hazard alone."""
    return PartialLikelihood(log_hazard[:, None], risk).evaluate(np.ones(1)).log_hazard_step()
