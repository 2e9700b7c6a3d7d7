"""The log-rank test of whether groups share one hazard."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import gammaincc

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import DataError, FitError

from .follow_up import stratum_codes
from .target import survival_target


@dataclass(frozen=True, kw_only=True, eq=False)
class LogRank:
    """Observed and expected events by group, and the test that they differ by chance only."""

    groups: tuple[Any, ...]
    patients: Int[np.ndarray, " g"]
    observed: Float[np.ndarray, " g"]
    expected: Float[np.ndarray, " g"]
    covariance: Float[np.ndarray, "g g"]
    statistic: float
    degrees_of_freedom: int
    p_value: float

    @property
    def settings(self) -> dict[str, object]:
        """The groups compared."""
        return {"groups": [str(group) for group in self.groups]}

    @property
    def metrics(self) -> dict[str, float]:
        """The test statistic with its p-value."""
        return {"log_rank": self.statistic, "log_rank.p_value": self.p_value}

    def table(self) -> pl.DataFrame:
        """Return one row a group: patients, observed and expected events."""
        return pl.DataFrame(
            {
                "group": [str(group) for group in self.groups],
                "patients": self.patients,
                "observed": self.observed,
                "expected": self.expected,
            }
        )


def log_rank(time: Any, event: Any, group: Any, *, strata: Any = None) -> LogRank:
    """Test that two or more groups have the same hazard, within strata where given.

    At each event time the events fall on the groups by the hypergeometric distribution given those at risk; observed
    minus expected, summed over times and strata, is chi-squared with one degree of freedom less than there are
    groups. It has most power against proportional hazards and may miss hazards that cross.

    >>> test = log_rank([6, 7, 10, 15, 19, 25], [1, 1, 1, 1, 0, 1], ["a", "a", "a", "b", "b", "b"])
    >>> round(test.statistic, 4), test.degrees_of_freedom
    (5.0517, 1)

    Raises
    ------
    DataError
        If lengths differ, a value is wrong, or there is one group only.
    FitError
        If nobody had the event.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163-170

    Peto and Peto (1972), Journal of the Royal Statistical Society A 135:185-207, doi:10.2307/2344317
    """
    target = survival_target((time, event))
    if group is None:
        raise DataError("group is None; give each patient's group.")
    codes, groups = stratum_codes(group, len(target))
    stratum, labels = stratum_codes(strata, len(target))
    if len(groups) < 2:
        raise DataError(f"There is one group only ({', '.join(map(str, groups))}); a comparison needs two or more.")
    if not target.event.any():
        raise FitError("Nobody had the event, so the groups cannot be compared. Check the coding of the event.")
    observed = np.bincount(codes, weights=target.event, minlength=len(groups))
    expected, covariance = np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for code in range(len(labels)):
        here = stratum == code
        more = _expected(target.time[here], target.event[here], codes[here], len(groups))
        expected, covariance = expected + more[0], covariance + more[1]
    statistic, freedom = _quadratic_form(observed - expected, covariance)
    return LogRank(
        groups=groups,
        patients=np.bincount(codes, minlength=len(groups)),
        observed=observed,
        expected=expected,
        covariance=covariance,
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=float(gammaincc(freedom / 2, statistic / 2)),
    )


def _expected(
    time: Float[np.ndarray, " n"], event: Bool[np.ndarray, " n"], codes: Int[np.ndarray, " n"], groups: int
) -> tuple[Float[np.ndarray, " g"], Float[np.ndarray, "g g"]]:
    """Sum the hypergeometric means and covariances over one stratum's event times."""
    moments, events = np.unique(time[event], return_counts=True)
    at_risk = np.stack([_count_from(time[codes == code], moments) for code in range(groups)], axis=1)
    total = at_risk.sum(axis=1)
    share = at_risk / total[:, None]
    spare = np.divide(total - events, total - 1, out=np.zeros(len(total)), where=total > 1)
    variance = events * spare
    covariance = np.diag(variance @ share) - (share * variance[:, None]).T @ share
    return events @ share, covariance


def _count_from(time: Float[np.ndarray, " m"], moments: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    ordered = np.sort(time)
    return (len(ordered) - np.searchsorted(ordered, moments, side="left")).astype(np.float64)


def _quadratic_form(difference: Float[np.ndarray, " g"], covariance: Float[np.ndarray, "g g"]) -> tuple[float, int]:
    """Standardise the differences of the groups that were ever at risk of being compared."""
    compared = np.flatnonzero(np.diag(covariance) > 0)
    if len(compared) < 2:
        raise FitError("No event happened while two groups were at risk, so the groups cannot be compared.")
    kept = compared[1:]  # the differences sum to zero: one group says nothing new
    solved = np.linalg.lstsq(covariance[np.ix_(kept, kept)], difference[kept], rcond=None)[0]
    return float(difference[kept] @ solved), len(kept)
