"""The test that hazard ratios do not change over time."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from scipy.special import gammaincc
from scipy.stats import rankdata

from biolab.core.arrays import Float
from biolab.core.errors import FitError

from .cox import CoxPH
from .cox_fit import few_threads
from .event_table import check_choice
from .follow_up import FollowUp
from .kaplan_meier import kaplan_meier
from .risk_process import RiskProcess, risk_process

TimeTransform = Literal["km", "rank", "identity", "log"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ProportionalHazards:
    """Chi-squared tests of constant hazard ratios: each column's, and all together."""

    terms: tuple[str, ...]
    transform: TimeTransform
    statistic: Float[np.ndarray, " p"]
    p_value: Float[np.ndarray, " p"]
    global_statistic: float
    global_p_value: float

    @property
    def settings(self) -> dict[str, object]:
        """The function of time against which coefficients were tested."""
        return {"transform": self.transform}

    @property
    def metrics(self) -> dict[str, float]:
        """The global test with its p-value."""
        return {
            "proportional_hazards": self.global_statistic,
            "proportional_hazards.p_value": self.global_p_value,
        }

    def table(self) -> pl.DataFrame:
        """Return one row a column of the model, and a last one, "global", for all together."""
        return pl.DataFrame(
            {
                "term": [*self.terms, "global"],
                "chi_squared": [*self.statistic.tolist(), self.global_statistic],
                "degrees_of_freedom": [*(1 for _ in self.terms), len(self.terms)],
                "p_value": [*self.p_value.tolist(), self.global_p_value],
            }
        )


def proportional_hazards_test(  # noqa: PLR0913 - all but three are keyword-only
    model: CoxPH,
    X: Any,
    y: Any,
    *,
    transform: TimeTransform = "km",
    strata: Any = None,
    sample_weight: Any = None,
    entry: Any = None,
) -> ProportionalHazards:
    """Test whether coefficients change with a function g of time.

    h(t | x) = h0(t) exp(x @ coef + g(t) x @ theta), the score test of theta = 0 at the fitted coefficients

    g(t) is 1 less Kaplan-Meier just before t ("km", which outliers in time move little), the rank of t among all
    follow-up times, t itself, or log t. It is the test of cox.zph in R's survival 3.0 and
    later, not the older approximation. A small p-value may also say that a covariate's form is wrong or that another
    one is missing; with many patients small departures become significant: look at the scaled Schoenfeld residuals.

    >>> rng = np.random.default_rng(1)
    >>> X = rng.integers(0, 2, (400, 1))
    >>> time = rng.weibull(1 + 2 * X[:, 0])  # the groups' hazards cross
    >>> test = proportional_hazards_test(CoxPH().fit(X, (time, time < 2)), X, (time, time < 2))
    >>> test.global_p_value < 1e-6
    True

    Raises
    ------
    ConfigError
        If the transform is not one of these.
    DataError
        If values, lengths or strata are wrong.
    FitError
        If there are too few event times to tell a change.

    References
    ----------
    Grambsch and Therneau (1994), Biometrika 81:515-526, doi:10.1093/biomet/81.3.515
    """
    check_choice("transform", transform, get_args(TimeTransform))
    process, _ = risk_process(model, X, y, strata=strata, sample_weight=sample_weight, entry=entry)
    with few_threads(process.design.size):
        score, variance = _score(process, _transformed(process.cases, transform))
    terms = tuple(model.summary()["term"])
    spread = np.sqrt(np.diag(variance))
    correlation = variance / np.outer(spread, spread) if (spread > 0).all() else np.zeros_like(variance)
    if not np.linalg.eigvalsh(correlation)[0] > 1e-10:
        raise FitError(
            f"{process.cases.events} events at {len(np.unique(process.risk.time))} distinct times cannot tell a "
            f"change over time of {len(terms)} coefficients. Test fewer columns."
        )
    z = score / spread
    everything = float(z @ np.linalg.solve(correlation, z))
    return ProportionalHazards(
        terms=terms,
        transform=transform,
        statistic=z**2,
        p_value=gammaincc(0.5, z**2 / 2),
        global_statistic=everything,
        global_p_value=float(gammaincc(len(z) / 2, everything / 2)),
    )


def _transformed(cases: FollowUp, transform: TimeTransform) -> Float[np.ndarray, " n"]:
    """Return g of each patient's time, centred over the events."""
    if transform == "km":
        values = 1 - kaplan_meier(cases.time, cases.event, entry=cases.entry).at(cases.time, left_limit=True)
    elif transform == "rank":
        values = rankdata(cases.time)
    else:
        values = cases.time if transform == "identity" else np.log(cases.time)
    return values - values[cases.event].mean()


def _score(
    process: RiskProcess, transformed: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, "p p"]]:
    """Return theta's score and its variance given the coefficients, the Schur complement of the information."""
    rows = process.event_rows
    score = (process.cases.weight[rows] * transformed[rows]) @ process.schoenfeld()
    factor = np.empty(len(process.risk.time))
    factor[process.risk.event_group.numpy()] = transformed[process.risk.event_rows.numpy()]
    base, cross, own = (process.information(factor**power) for power in range(3))
    return score, own - cross @ np.linalg.solve(base, cross)
