"""Cox's partial likelihood of right-censored follow-up on the processor, by the compiled kernel."""

import numpy as np

from biolab.core.arrays import Bool, Float, Int
from biolab.kernels import RiskSet, cox_information

from .follow_up import FollowUp
from .partial_likelihood import Evaluation, Ties


class SortedLikelihood:
    """The negative log partial likelihood of a design, its rows sorted once; evaluates as `PartialLikelihood` does.

    ``time`` and ``stratum`` are those of the baseline hazard's steps, ascending.
    """

    def __init__(self, design: Float[np.ndarray, "n p"], cases: FollowUp, ties: Ties) -> None:
        weight = None if (cases.weight == 1).all() else cases.weight
        strata = cases.stratum if len(cases.labels) > 1 else None
        self._risk = RiskSet(cases.time, cases.event, ties=ties, strata=strata, weight=weight)
        rows = self._risk.sorted_rows()
        self._design = design.take(rows.order, axis=0)
        first = rows.order[rows.first_death]
        self._ascending = _earliest_first(rows.opens)
        self.time = cases.time[first][self._ascending]
        self.stratum = cases.stratum[first][self._ascending]

    def evaluate(self, beta: Float[np.ndarray, " p"]) -> Evaluation:
        """Return value, gradient, Hessian and the baseline hazard's steps at the coefficients."""
        found = cox_information(self._design, beta, self._risk, sorted_design=True)
        return Evaluation(
            value=found.value,
            gradient=found.gradient,
            hessian=found.hessian,
            log_hazard_step=lambda: found.log_hazard_step[self._ascending],
        )

    def log_hazard_step(self, beta: Float[np.ndarray, " p"]) -> Float[np.ndarray, " d"]:
        """Return the logarithm of the baseline hazard's steps alone, at x = 0: for that one column serves."""
        log_hazard = (self._design @ beta)[:, None]
        found = cox_information(log_hazard, np.ones(1), self._risk, sorted_design=True)
        return found.log_hazard_step[self._ascending]


def _earliest_first(opens: Bool[np.ndarray, " g"]) -> Int[np.ndarray, " g"]:
    """Return the groups stratum by stratum as they stand, but each stratum's in reverse."""
    starts = np.flatnonzero(opens)
    ends = np.append(starts[1:], opens.size)
    block = np.cumsum(opens) - 1
    return (starts + ends - 1)[block] - np.arange(opens.size)
