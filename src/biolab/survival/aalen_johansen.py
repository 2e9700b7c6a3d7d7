"""Cumulative incidences in the presence of competing risks."""

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import polars as pl

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import DataError, FitError

from .curve import AbstractCurve
from .event_table import EventTable, check_choice, event_table, normal_quantile
from .follow_up import FollowUp, follow_up
from .kaplan_meier import Interval, probability_limits
from .target import numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class AalenJohansen(AbstractCurve):
    """The probability of each cause by each time; NaN where a limit does not exist, as before the first event.

    ``c`` causes in ascending order of their codes; ``event_free`` is the probability of none of them.
    """

    causes: tuple[int, ...]
    events: Float[np.ndarray, "c t"]
    incidence: Float[np.ndarray, "c t"]
    event_free: Float[np.ndarray, " t"]
    event_free_standard_error: Float[np.ndarray, " t"]

    @property
    def _estimate(self) -> tuple[str, Float[np.ndarray, "c t"], float]:
        return "incidence", self.incidence, 0.0

    @property
    def metrics(self) -> dict[str, float]:
        """Each cause's cumulative incidence at the end of follow-up."""
        parts = ("", self.incidence), (".lower", self.lower), (".upper", self.upper)
        return {
            f"cumulative_incidence.{cause}{suffix}": float(values[at, -1])
            for at, cause in enumerate(self.causes)
            for suffix, values in parts
        }

    def table(self) -> pl.DataFrame:
        """Return one row a cause and distinct follow-up time; null where a limit does not exist."""
        return pl.concat(
            self._table(at)
            .with_columns(events=pl.Series(self.events[at]))
            .select(pl.lit(cause, dtype=pl.Int64).alias("cause"), pl.exclude("censored"))
            for at, cause in enumerate(self.causes)
        )


def aalen_johansen(
    time: Any,
    event: Any,
    *,
    weight: Any = None,
    entry: Any = None,
    confidence: float = 0.95,
    interval: Interval = "log",
) -> AalenJohansen:
    """Estimate the cumulative incidence of each of several causes, of which only the first to come is seen.

    F_k(t) = sum over times s <= t of S(s-) d_k(s) / n(s)

    with d_k(s) events of cause k among n(s) at risk (weighted) and S the Kaplan-Meier estimate of no event at all.
    ``event`` is 0 where follow-up was censored and else the cause's code, 1, 2, ... (1 less Kaplan-Meier with the
    other causes censored is larger: it speaks of a world without them.) Assumes that censoring and late entry are
    independent of the causes.

    Standard errors are the infinitesimal jackknife, ``sum of (w_i dF_k(t) / dw_i)**2``, as in R's survfit; with one
    cause, no weights and no late entry it is Greenwood's. They take O(n log n), not n times the number of times. The
    interval is symmetric for log F ("log"), log(-log F) ("log-log") or F ("plain").

    >>> aalen_johansen([1, 2, 3, 4, 5], [1, 2, 0, 1, 0]).at([2, 4])
    array([[0.2, 0.5],
           [0.2, 0.2]])

    Raises
    ------
    DataError
        If there is no patient, a code is not a whole number >= 0, or another value or length is wrong.
    FitError
        If nobody had an event.
    ConfigError
        If the interval or the confidence is not one of the allowed.

    References
    ----------
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5:141-150
    """
    check_choice("interval", interval, get_args(Interval))
    reach = normal_quantile(confidence)
    codes = _codes(event)
    cases = follow_up((time, codes > 0), weight=weight, entry=entry)
    present = cases.weight > 0
    cases, codes = cases.take(present), codes[present]
    causes = np.unique(codes[codes > 0])
    if not causes.size:
        raise FitError("Nobody had an event, so there is no incidence to estimate. Check the coding: 0 is censored.")
    counts = event_table(cases)
    had = np.vstack([codes == causes[:, None], codes[None] > 0])  # the last row: any cause
    at = np.searchsorted(counts.time, cases.time)
    events = np.stack([np.bincount(at, weights=cases.weight * one, minlength=len(counts.time)) for one in had])
    curve = _Curve.of(counts, events)
    error = np.sqrt(np.stack([_variance(curve, cause, cases, counts.time, had[cause]) for cause in range(len(had))]))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # at an incidence of 0 or near 1
        lower, upper = probability_limits(curve.incidence[:-1], (error / curve.incidence)[:-1], reach, interval)
    return AalenJohansen(
        causes=tuple(causes.tolist()),
        counts=counts,
        events=events[:-1],
        incidence=curve.incidence[:-1],
        standard_error=error[:-1],
        lower=lower,
        upper=upper,
        event_free=curve.survival,
        event_free_standard_error=error[-1],
        interval=interval,
        confidence=confidence,
    )


def _codes(event: Any) -> Int[np.ndarray, " n"]:
    values = numbers(event, "event")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (values == np.round(values))))
    if wrong.size:
        raise DataError(
            f"event, row {wrong[0]} (counted from 0): {values[wrong[0]]:g} is no cause ({wrong.size} such rows). "
            "Code 0 = censored and causes as 1, 2, ..."
        )
    return values.astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Curve:
    """Estimates at each time, and how they answer to one patient more at risk or with the event there."""

    survival: Float[np.ndarray, " t"]
    incidence: Float[np.ndarray, "c t"]
    own_share: Float[np.ndarray, " t"]  # S(s-) / n(s): what an event adds to its cause
    others_loss: Float[np.ndarray, " t"]  # 1 / (n(s) - d(s)): by what an event takes from all that follows
    lost_now: Float[np.ndarray, "c t"]  # the same two of merely being at risk, negative and spread over time
    won_later: Float[np.ndarray, " t"]

    @classmethod
    def of(cls, counts: EventTable, events: Float[np.ndarray, "c t"]) -> "_Curve":
        at_risk, left, there = counts.at_risk, counts.outliving, counts.at_risk > 0
        survival = np.cumprod(np.divide(left, at_risk, out=np.ones_like(left), where=there))
        before = np.concatenate([[1.0], survival[:-1]])
        own_share = np.divide(before, at_risk, out=np.zeros_like(before), where=there)
        others_loss = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)
        hazard = np.divide(events, at_risk, out=np.zeros_like(events), where=there)
        return cls(
            survival=survival,
            incidence=np.cumsum(own_share * events, axis=1),
            own_share=own_share,
            others_loss=others_loss,
            lost_now=own_share * hazard,
            won_later=others_loss * hazard[-1],
        )


def _variance(
    curve: _Curve, cause: int, cases: FollowUp, time: Float[np.ndarray, " t"], had: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, " t"]:
    """Sum the squared influences of all patients on one cause's incidence F at every time.

    The influence of a patient at risk from entry to min(t, its end) is ``-[A] + F(t) [G] - [B]``, with brackets for
    the increase over that stretch of A = sum lost_now, G = sum won_later, B = sum won_later F; its event adds
    ``own_share - (F(t) - F(end)) others_loss``. Each is linear in F(t), so six running sums hold all patients.
    """
    F, weight2 = curve.incidence[cause], cases.weight**2

    def running(steps: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
        return np.concatenate([[0.0], np.cumsum(steps)])

    A_B, G = running(curve.lost_now[cause] + curve.won_later * F), running(curve.won_later)
    end = np.searchsorted(time, cases.time)
    start = np.zeros_like(end) if cases.entry is None else np.searchsorted(time, cases.entry, side="right")
    constant = A_B[start] - A_B[end + 1] + had * curve.own_share[end] + cases.event * F[end] * curve.others_loss[end]
    slope = G[end + 1] - G[start] - cases.event * curve.others_loss[end]
    gone = _quadratic(F, *(_moments(constant, slope, weight2, end, len(time))))
    entered = _moments(A_B[start], -G[start], weight2, start, len(time) + 1)
    left = _moments(A_B[start], -G[start], weight2, end, len(time) + 1)
    staying = [into[:-1] - out[:-1] for into, out in zip(entered, left, strict=True)]
    constant, slope = -A_B[1:], G[1:]
    still = (constant + F * slope) ** 2 * staying[0] + 2 * (constant + F * slope) * (staying[1] + F * staying[2])
    return np.maximum(gone + still + _quadratic(F, *staying), 0.0)


def _moments(
    constant: Float[np.ndarray, " n"],
    slope: Float[np.ndarray, " n"],
    weight: Float[np.ndarray, " n"],
    place: Int[np.ndarray, " n"],
    length: int,
) -> list[Float[np.ndarray, " t"]]:
    """Run the sums of 1, c, s, c**2, c s, s**2, weighted, over patients in the order of their places."""
    powers = (1.0, constant, slope, constant**2, constant * slope, slope**2)
    return [np.cumsum(np.bincount(place, weights=weight * power, minlength=length)) for power in powers]


def _quadratic(F: Float[np.ndarray, " t"], *moments: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    return moments[3] + 2 * F * moments[4] + F**2 * moments[5]
