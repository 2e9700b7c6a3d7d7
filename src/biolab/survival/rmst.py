"""Restricted mean survival time: how long patients live on average within a horizon, and how groups differ in it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from biolab.core.errors import ConfigError, DataError
from biolab.core.estimate import Estimate

from .event_table import normal_quantile
from .follow_up import follow_up, stratum_codes
from .kaplan_meier import KaplanMeier, kaplan_meier


def rmst(
    time: Any, event: Any, tau: float, *, weight: Any = None, entry: Any = None, confidence: float = 0.95
) -> Estimate:
    """Estimate the mean of the time to the event, cut at ``tau``: the area under Kaplan-Meier's curve up to there.

    variance = sum over event times t_j <= tau of (area from t_j to tau)**2 d_j / (n_j (n_j - d_j))

    It needs no proportional hazards, but a horizon stated beforehand. The interval is symmetric, cut to [0, tau].

    >>> rmst([1, 2, 3, 4], [1, 1, 1, 1], 3)
    2.250 (95 % CI 1.437 to 3.000)

    Raises
    ------
    ConfigError
        If tau is not a finite time > 0, or the confidence not between 0 and 1.
    DataError
        If there is no patient, a value or length is wrong, or follow-up ends before tau with patients left.

    References
    ----------
    Royston and Parmar (2013), BMC Medical Research Methodology 13:152, doi:10.1186/1471-2288-13-152
    """
    _check_horizon(tau)
    return _mean(kaplan_meier(time, event, weight=weight, entry=entry, confidence=confidence), tau, "")


@dataclass(frozen=True, kw_only=True, eq=False)
class RmstComparison:
    """Two groups' restricted mean survival times, the second's less the first's, and their ratio."""

    groups: tuple[Any, Any]
    tau: float
    means: tuple[Estimate, Estimate]
    difference: Estimate
    difference_p_value: float
    ratio: Estimate
    ratio_p_value: float

    @property
    def settings(self) -> dict[str, object]:
        """The groups compared, the horizon and the intervals' confidence."""
        return {
            "groups": [str(group) for group in self.groups],
            "tau": self.tau,
            "confidence": self.difference.confidence,
        }

    @property
    def metrics(self) -> dict[str, float]:
        """Difference and ratio with their limits and p-values."""
        return {
            **self.difference.metrics("rmst_difference"),
            "rmst_difference.p_value": self.difference_p_value,
            **self.ratio.metrics("rmst_ratio"),
            "rmst_ratio.p_value": self.ratio_p_value,
        }

    def table(self) -> pl.DataFrame:
        """Return one row a group, then difference and ratio."""
        first, second = map(str, self.groups)
        estimates = (*self.means, self.difference, self.ratio)
        return pl.DataFrame(
            {
                "quantity": [first, second, f"{second} - {first}", f"{second} / {first}"],
                "estimate": [one.estimate for one in estimates],
                "standard_error": [one.standard_error for one in estimates],
                "lower": [one.lower for one in estimates],
                "upper": [one.upper for one in estimates],
                "p_value": [None, None, self.difference_p_value, self.ratio_p_value],
            }
        )


def compare_rmst(  # noqa: PLR0913 - all but four are keyword-only
    time: Any,
    event: Any,
    group: Any,
    tau: float,
    *,
    weight: Any = None,
    entry: Any = None,
    confidence: float = 0.95,
) -> RmstComparison:
    """Compare two groups by their restricted mean survival times: difference and ratio.

    The groups are independent, so variances add: those of the means for the difference, and of their logarithms,
    ``(standard error / mean)**2``, for the ratio, whose interval is symmetric on the log scale. The first group is the
    reference (labels in ascending order).

    >>> found = compare_rmst([1, 2, 3, 4, 2, 4, 5, 6], [1] * 8, list("aaaabbbb"), 4)
    >>> found.difference
    1.000 (95 % CI -0.386 to 2.386)

    Raises
    ------
    ConfigError
        If tau is not a finite time > 0, or the confidence not between 0 and 1.
    DataError
        If there are not exactly two groups, a value or length is wrong, or a group's follow-up ends before tau.

    References
    ----------
    Uno et al. (2014), Journal of Clinical Oncology 32:2380-2385, doi:10.1200/JCO.2014.55.2208
    """
    _check_horizon(tau)
    reach = normal_quantile(confidence)
    cases = follow_up((time, event), weight=weight, entry=entry)
    if group is None:
        raise DataError("group is None; give each patient's group.")
    codes, labels = stratum_codes(group, len(cases), name="group")
    if len(labels) != 2:
        raise DataError(f"There are {len(labels)} groups ({', '.join(map(str, labels))}); exactly two are compared.")
    parts = [cases.take(codes == code) for code in range(2)]
    curves = [
        kaplan_meier(part.time, part.event, weight=part.weight, entry=part.entry, confidence=confidence)
        for part in parts
    ]
    first, second = (_mean(curve, tau, f" of group {label!r}") for curve, label in zip(curves, labels, strict=True))
    difference, error = second.estimate - first.estimate, math.hypot(first.standard_error, second.standard_error)
    ratio = second.estimate / first.estimate
    log_error = math.hypot(first.standard_error / first.estimate, second.standard_error / second.estimate)
    return RmstComparison(
        groups=(labels[0], labels[1]),
        tau=float(tau),
        means=(first, second),
        difference=Estimate(
            estimate=difference,
            standard_error=error,
            lower=difference - reach * error,
            upper=difference + reach * error,
            confidence=confidence,
        ),
        difference_p_value=_p_value(difference, error),
        ratio=Estimate(
            estimate=ratio,
            standard_error=ratio * log_error,
            lower=ratio * math.exp(-reach * log_error),
            upper=ratio * math.exp(reach * log_error),
            confidence=confidence,
        ),
        ratio_p_value=_p_value(math.log(ratio), log_error),
    )


def _check_horizon(tau: float) -> None:
    if not (math.isfinite(tau) and tau > 0):
        raise ConfigError(f"tau is {tau}; the horizon must be a finite time > 0.")


def _mean(curve: KaplanMeier, tau: float, where: str) -> Estimate:
    """Take the area under a curve up to tau, with Greenwood's kind of standard error."""
    counts, last = curve.counts, curve.counts.time[-1]
    if tau > last and curve.survival[-1] > 0:
        raise DataError(
            f"tau is {tau:g}, but follow-up{where} ends at {last:g} with patients left, and what comes after is not "
            f"known. Choose tau <= {last:g}."
        )
    before = counts.time <= tau
    edges = np.concatenate([[0.0], counts.time[before], [tau]])
    pieces = np.diff(edges) * np.concatenate([[1.0], curve.survival[before]])
    ahead = np.cumsum(pieces[:0:-1])[::-1]  # the area from each time to tau
    events, at_risk = counts.events[before], counts.at_risk[before]
    stays = (events > 0) & (curve.survival[before] > 0)
    greenwood = np.divide(events, at_risk * (at_risk - events), out=np.zeros_like(events), where=stays)
    area, error = float(pieces.sum()), math.sqrt(float(greenwood @ ahead**2))
    reach = normal_quantile(curve.confidence)
    return Estimate(
        estimate=area,
        standard_error=error,
        lower=max(area - reach * error, 0.0),
        upper=min(area + reach * error, float(tau)),
        confidence=curve.confidence,
    )


def _p_value(difference: float, error: float) -> float:
    return float(2 * ndtr(-abs(difference) / error)) if error > 0 else math.nan
