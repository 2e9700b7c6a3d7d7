"""The log-rank test of whether groups share one hazard."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from scipy.special import gammaincc

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import ConfigError, DataError, FitError

from .event_table import check_choice
from .follow_up import stratum_codes
from .target import survival_target

NamedWeights = Literal["log-rank", "gehan", "peto"]


@dataclass(frozen=True)
class FlemingHarrington:
    """Weights ``S(t-)**p * (1 - S(t-))**q``, S the Kaplan-Meier curve of all groups together (of a stratum).

    (0, 0) is the log-rank test; p > 0 looks at early, q > 0 at late differences.

    Raises
    ------
    ConfigError
        If p or q is not a finite number >= 0.

    References
    ----------
    Fleming and Harrington (1981), Communications in Statistics A 10:763-794, doi:10.1080/03610928108828073
    """

    p: float
    q: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("p", self.p), ("q", self.q)):
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name} is {value}; Fleming and Harrington's powers are finite numbers >= 0.")


@dataclass(frozen=True, kw_only=True, eq=False)
class LogRank:
    """Observed and expected events by group (weighted, if weights are), and the test that chance parts them."""

    weights: NamedWeights | FlemingHarrington
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
        """The groups compared and how event times were weighted."""
        return {"groups": [str(group) for group in self.groups], "weights": str(self.weights)}

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


def log_rank(
    time: Any,
    event: Any,
    group: Any,
    *,
    strata: Any = None,
    weights: NamedWeights | FlemingHarrington = "log-rank",
) -> LogRank:
    """Test that two or more groups have the same hazard, within strata where given.

    At each event time the events fall on the groups by the hypergeometric distribution given those at risk; observed
    minus expected, summed over times and strata, is chi-squared with one degree of freedom less than there are
    groups. It has most power against proportional hazards and may miss hazards that cross.

    Event times can be weighted: by the number at risk ("gehan", which early losses to follow-up bias in power), by the
    Kaplan-Meier curve of all just before ("peto": R's survdiff(rho = 1)), or by powers of it, `FlemingHarrington`.
    The weights must be chosen before the data are seen. Observed and expected events are then sums of weights.

    >>> test = log_rank([6, 7, 10, 15, 19, 25], [1, 1, 1, 1, 0, 1], ["a", "a", "a", "b", "b", "b"])
    >>> round(test.statistic, 4), test.degrees_of_freedom
    (5.0517, 1)

    Raises
    ------
    DataError
        If lengths differ, a value is wrong, or there is one group only.
    ConfigError
        If the weights are none of these.
    FitError
        If nobody had the event.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163-170

    Peto and Peto (1972), Journal of the Royal Statistical Society A 135:185-207, doi:10.2307/2344317
    """
    if not isinstance(weights, FlemingHarrington):
        check_choice("weights", weights, get_args(NamedWeights))
    target = survival_target((time, event))
    if group is None:
        raise DataError("group is None; give each patient's group.")
    codes, groups = stratum_codes(group, len(target))
    stratum, labels = stratum_codes(strata, len(target))
    if len(groups) < 2:
        raise DataError(f"There is one group only ({', '.join(map(str, groups))}); a comparison needs two or more.")
    if not target.event.any():
        raise FitError("Nobody had the event, so the groups cannot be compared. Check the coding of the event.")
    observed, expected, covariance = np.zeros(len(groups)), np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for code in range(len(labels)):
        here = stratum == code
        more = _stratum(target.time[here], target.event[here], codes[here], len(groups), weights)
        observed, expected, covariance = observed + more[0], expected + more[1], covariance + more[2]
    statistic, freedom = _quadratic_form(observed - expected, covariance)
    return LogRank(
        weights=weights,
        groups=groups,
        patients=np.bincount(codes, minlength=len(groups)),
        observed=observed,
        expected=expected,
        covariance=covariance,
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=float(gammaincc(freedom / 2, statistic / 2)),
    )


def _stratum(
    time: Float[np.ndarray, " n"],
    event: Bool[np.ndarray, " n"],
    codes: Int[np.ndarray, " n"],
    groups: int,
    weights: NamedWeights | FlemingHarrington,
) -> tuple[Float[np.ndarray, " g"], Float[np.ndarray, " g"], Float[np.ndarray, "g g"]]:
    """Sum events and their hypergeometric means and covariances over one stratum's event times, weighted."""
    moments, position = np.unique(time[event], return_inverse=True)
    cells = np.bincount(position * groups + codes[event], minlength=len(moments) * groups)
    by_group = cells.reshape(len(moments), groups)
    events = by_group.sum(axis=1)
    at_risk = np.stack([_count_from(time[codes == code], moments) for code in range(groups)], axis=1)
    total = at_risk.sum(axis=1)
    factor = _weights(events, total, weights)
    share = at_risk / total[:, None]
    spare = np.divide(total - events, total - 1, out=np.zeros(len(total)), where=total > 1)
    variance = factor**2 * events * spare
    covariance = np.diag(variance @ share) - (share * variance[:, None]).T @ share
    return factor @ by_group, (factor * events) @ share, covariance


def _weights(
    events: Int[np.ndarray, " d"], total: Float[np.ndarray, " d"], weights: NamedWeights | FlemingHarrington
) -> Float[np.ndarray, " d"]:
    """Weigh each event time."""
    if weights == "log-rank":
        return np.ones(len(total))
    if weights == "gehan":
        return total
    before = np.concatenate([[1.0], np.cumprod(1 - events / total)[:-1]])
    powers = weights if isinstance(weights, FlemingHarrington) else FlemingHarrington(1.0)
    return before**powers.p * (1 - before) ** powers.q


def _count_from(time: Float[np.ndarray, " m"], moments: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    ordered = np.sort(time)
    return (len(ordered) - np.searchsorted(ordered, moments, side="left")).astype(np.float64)


def _quadratic_form(difference: Float[np.ndarray, " g"], covariance: Float[np.ndarray, "g g"]) -> tuple[float, int]:
    """Standardise the differences of the groups that were ever at risk of being compared."""
    compared = np.flatnonzero(np.diag(covariance) > 0)
    if len(compared) < 2:
        raise FitError(
            "No event (of a weight > 0) happened while two groups were at risk, so the groups cannot be compared."
        )
    kept = compared[1:]  # the differences sum to zero: one group says nothing new
    solved = np.linalg.lstsq(covariance[np.ix_(kept, kept)], difference[kept], rcond=None)[0]
    return float(difference[kept] @ solved), len(kept)
