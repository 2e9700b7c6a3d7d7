"""The Kaplan-Meier estimate of a survival curve, with pointwise intervals."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from biolab.core.arrays import Float
from biolab.core.estimate import Estimate

from .baseline_hazard import prediction_times
from .curve import AbstractCurve
from .event_table import check_choice, event_table, normal_quantile
from .follow_up import follow_up

Interval = Literal["log", "log-log", "plain"]


@dataclass(frozen=True, kw_only=True, eq=False)
class KaplanMeier(AbstractCurve):
    """A survival curve with its counts; NaN where a standard error or limit does not exist."""

    survival: Float[np.ndarray, " t"]

    @property
    def _estimate(self) -> tuple[str, Float[np.ndarray, " t"], float]:
        return "survival", self.survival, 1.0

    @property
    def metrics(self) -> dict[str, float]:
        """The median survival time with its limits."""
        return self.median.metrics("median_survival")

    def at_risk(self, times: Any) -> Float[np.ndarray, " s"]:
        """Return how many were at risk just before each time, as printed under a curve (late entries as of then)."""
        known = np.append(self.counts.at_risk, 0.0)
        return known[np.searchsorted(self.counts.time, prediction_times(times), side="left")]

    @property
    def median(self) -> Estimate:
        """The time by which half have had the event; infinite where the curve or its limit does not fall that far."""
        return self.quantile(0.5)

    def quantile(self, probability: float) -> Estimate:
        """Return the time by which a share of patients had the event, its limits read off the limits of the curve.

        Where the curve is level at exactly ``1 - probability`` the midpoint of that stretch is taken.
        """
        level = 1 - probability
        return Estimate(
            estimate=self._first_time(self.survival, level),
            standard_error=math.nan,
            lower=self._first_time(self.lower, level),
            upper=self._first_time(self.upper, level),
            confidence=self.confidence,
        )

    def _first_time(self, curve: Float[np.ndarray, " t"], level: float) -> float:
        slack = 1e-8  # survival of exactly the level, but for rounding
        at_or_below = np.flatnonzero(curve <= level + slack)
        if not at_or_below.size:
            return math.inf
        first = at_or_below[0]
        below = np.flatnonzero(curve < level - slack)
        end = below[0] if below.size else len(curve) - 1
        return (
            float((self.counts.time[first] + self.counts.time[end]) / 2)
            if end > first
            else float(self.counts.time[first])
        )


def kaplan_meier(
    time: Any,
    event: Any,
    *,
    weight: Any = None,
    entry: Any = None,
    confidence: float = 0.95,
    interval: Interval = "log",
) -> KaplanMeier:
    """Estimate a survival curve by the product-limit method.

    S(t) = product over event times s <= t of 1 - d(s) / n(s)

    with d(s) events among n(s) patients at risk, both weighted. Greenwood's standard error; the interval is symmetric
    for log S ("log"), log(-log S) ("log-log") or S ("plain"), cut to [0, 1]. With late entry a small first risk set
    can take the curve to 0 early: look at ``at_risk``.

    >>> kaplan_meier([6, 6, 7, 10], [1, 0, 1, 0]).at([5, 6, 8])
    array([1.   , 0.75 , 0.375])

    Raises
    ------
    DataError
        If there is no patient, or a value or length is wrong.
    ConfigError
        If the interval or the confidence is not one of the allowed.

    References
    ----------
    Kaplan and Meier (1958), Journal of the American Statistical Association 53:457-481,
    doi:10.1080/01621459.1958.10501452
    """
    check_choice("interval", interval, get_args(Interval))
    reach = normal_quantile(confidence)
    counts = event_table(follow_up((time, event), weight=weight, entry=entry))
    with np.errstate(divide="ignore", invalid="ignore"):
        left = counts.outliving
        factor = np.where(counts.at_risk > 0, left / counts.at_risk, 1.0)
        greenwood = np.where(counts.events > 0, counts.events / (counts.at_risk * left), 0.0)
        survival, log_error = np.cumprod(factor), np.sqrt(np.cumsum(greenwood))
        lower, upper = probability_limits(survival, log_error, reach, interval)
        standard_error = survival * log_error
    return KaplanMeier(
        counts=counts,
        survival=survival,
        standard_error=standard_error,
        lower=lower,
        upper=upper,
        interval=interval,
        confidence=confidence,
    )


def probability_limits(
    survival: Float[np.ndarray, " t"], log_error: Float[np.ndarray, " t"], reach: float, interval: Interval
) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
    """Return the pointwise limits; NaN at survival 0 and, for log-log, where nobody has had the event yet."""
    if interval == "plain":
        lower, upper = survival * (1 - reach * log_error), survival * (1 + reach * log_error)
    elif interval == "log":
        lower, upper = survival * np.exp(-reach * log_error), survival * np.exp(reach * log_error)
    else:
        spread = reach * log_error / np.log(survival)
        lower, upper = survival ** np.exp(-spread), survival ** np.exp(spread)
        lower, upper = np.where(survival < 1, lower, np.nan), np.where(survival < 1, upper, np.nan)
    lower, upper = np.maximum(lower, 0.0), np.minimum(upper, 1.0)
    return np.where(survival > 0, lower, np.nan), np.where(survival > 0, upper, np.nan)
