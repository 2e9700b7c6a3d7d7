"""Cox's partial likelihood: risk sets sorted once, then value, gradient and information for any coefficients."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from biolab.core.arrays import Bool, Float, Int

from .follow_up import FollowUp
from .range_sums import RangeSums

Ties = Literal["efron", "breslow"]

# exp() of half this width neither overflows nor lets a risk set vanish in float64, sums and products included
_BAND = 600.0


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskSets:
    """Who is at risk at each distinct event time of each stratum; what depends on follow-up alone, computed once.

    ``n`` patients, ``d`` distinct (stratum, event time) pairs in ascending order, ``k`` steps: one an event time
    (Breslow) or one an event (Efron). Step s has the denominator

    phi_s = sum_{at risk} w exp(eta) - fraction_s * sum_{tied events} w exp(eta)

    and the weight by which its logarithm enters: the tied events' weights in sum (Breslow) or their mean (Efron).
    """

    ranges: RangeSums
    time: Float[np.ndarray, " d"]
    stratum: Int[np.ndarray, " d"]
    weight: Float[Tensor, " n"]
    event_rows: Int[Tensor, " e"]
    event_group: Int[Tensor, " e"]
    step_group: Int[Tensor, " k"]
    step_fraction: Float[Tensor, " k"]
    step_weight: Float[Tensor, " k"]
    tied: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """The negative log partial likelihood at some coefficients, with its derivatives.

    ``log_hazard_step()`` is the logarithm of the baseline hazard's step at each event time, at x = 0 of the given
    design.
    """

    value: float
    gradient: Float[np.ndarray, " p"]
    hessian: Float[np.ndarray, "p p"]
    log_hazard_step: Callable[[], Float[np.ndarray, " d"]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """The denominators of some risk sets at given log-hazards, and what they say of each patient.

    ``at_risk`` is phi of `RiskSets` and ``mean`` the covariates' mean in it, weighted by the hazard; both, and
    ``hazard`` (times the case weight), are relative to the exponential of one shift.
    """

    risk: RiskSets
    shifted: Float[Tensor, " n"]
    hazard: Float[Tensor, " n"]
    at_risk: Float[Tensor, " k"]
    mean: Float[Tensor, "p k"]
    weight: Float[Tensor, " k"]
    fraction: Float[Tensor, " k"]
    group: Int[Tensor, " k"]
    rows: Int[Tensor, " e"]
    event_group: Int[Tensor, " e"]

    @property
    def increment(self) -> Float[Tensor, " k"]:
        """The baseline hazard's increment at each step."""
        return self.weight / self.at_risk

    def by_group(self, values: Float[Tensor, " k"]) -> Float[Tensor, " d"]:
        """Sum a number of each step over the steps of an event time."""
        return values.new_zeros(len(self.risk.time)).index_add_(0, self.group, values)

    def exposure(self, increment: Float[Tensor, " k"]) -> Float[Tensor, " n"]:
        """Sum increments over each patient's time at risk, times hazard; tied events take their Efron share."""
        exposure = self.hazard * self.risk.ranges.over_positions(self.by_group(increment))
        if self.risk.tied:
            taken = self.by_group(self.fraction * increment)[self.event_group]
            exposure.index_add_(0, self.rows, self.hazard[self.rows] * taken, alpha=-1)
        return exposure


def risk_sets(cases: FollowUp, *, ties: Ties = "efron", device: torch.device | None = None) -> RiskSets:
    """Sort follow-up into risk sets; O(n log n), and O(n) memory for any pattern of ties. Weights must be > 0."""
    device = device or torch.device("cpu")
    moments = np.unique(cases.time[cases.event])
    stride = len(moments) + 1
    offset = cases.stratum * stride
    key = offset + np.searchsorted(moments, cases.time, side="right")
    entered = offset if cases.entry is None else offset + np.searchsorted(moments, cases.entry, side="right")
    event_rows = np.flatnonzero(cases.event)
    event_rows = event_rows[np.argsort(key[event_rows], kind="stable")]
    keys, event_group, tied = np.unique(key[event_rows], return_inverse=True, return_counts=True)
    first, last = np.searchsorted(keys, entered, side="right"), np.searchsorted(keys, key, side="right") - 1
    group, fraction, weight = _steps(event_group, tied, cases.weight[event_rows], ties)

    def held(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, device=device)

    return RiskSets(
        ranges=RangeSums(first, last, len(keys), device),
        time=moments[keys % stride - 1],
        stratum=keys // stride,
        weight=held(cases.weight),
        event_rows=held(event_rows),
        event_group=held(event_group),
        step_group=held(group),
        step_fraction=held(fraction),
        step_weight=held(weight),
        tied=bool(fraction.any()),
    )


def _steps(
    event_group: Int[np.ndarray, " e"], tied: Int[np.ndarray, " d"], weight: Float[np.ndarray, " e"], ties: Ties
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Lay out the denominators: group, fraction of the tied events to take off, weight of the logarithm."""
    total = np.bincount(event_group, weights=weight, minlength=len(tied))
    if ties == "breslow":
        return np.arange(len(tied)), np.zeros(len(tied)), total
    rank = np.arange(len(event_group)) - (np.cumsum(tied) - tied)[event_group]
    return event_group, rank / tied[event_group], (total / tied)[event_group]


class PartialLikelihood:
    """The negative log partial likelihood of a design, as a function of its coefficients.

    -l(beta) = sum_s v_s log phi_s - sum_{events} w_i eta_i,  eta = X beta

    with the steps s of `RiskSets`. Ties follow Efron or Breslow; weighted Efron is R's: v_s is the mean weight of the
    tied events. One evaluation takes O(n p^2) time and O(n p) memory. Exponentials are scaled by one shift where the
    log-hazards span under 600, else band by band of the risk sets' largest log-hazard, so that a common shift changes
    nothing and no risk set vanishes beside a larger one.

    On a CUDA device scattered sums run in no fixed order, so last digits may differ between two runs.

    References
    ----------
    Cox (1975), Biometrika 62:269-276, doi:10.1093/biomet/62.2.269

    Efron (1977), Journal of the American Statistical Association 72:557-565, doi:10.1080/01621459.1977.10480613

    Breslow (1974), Biometrics 30:89-99, doi:10.2307/2529620
    """

    def __init__(self, design: Float[np.ndarray, "n p"], risk: RiskSets) -> None:
        columns = torch.as_tensor(np.ascontiguousarray(design.T, dtype=np.float64), device=risk.weight.device)
        self._with_ones = torch.cat([columns.new_ones((1, len(design))), columns])
        self._columns = self._with_ones[1:]
        self._risk, self.time, self.stratum = risk, risk.time, risk.stratum
        events = self._columns[:, risk.event_rows]
        self._event_total = events @ risk.weight[risk.event_rows]

    def evaluate(self, beta: Float[np.ndarray, " p"]) -> Evaluation:
        """Return value, gradient, Hessian and the baseline hazard's steps at the coefficients."""
        eta = torch.as_tensor(beta, device=self._columns.device) @ self._columns
        value = eta.new_zeros(())
        gradient = -self._event_total
        hessian = eta.new_zeros((len(beta), len(beta)))
        log_step = eta.new_full((len(self._risk.time),), -torch.inf)
        for shift, groups in self.bands(eta):
            part = self._band(eta, shift, groups)
            value, gradient, hessian = value + part[0], gradient + part[1], hessian + part[2]
            log_step = torch.maximum(log_step, part[3])
        return Evaluation(
            value=float(value),
            gradient=gradient.cpu().numpy(),
            hessian=hessian.cpu().numpy(),
            log_hazard_step=lambda: log_step.cpu().numpy(),
        )

    def bands(self, eta: Float[Tensor, " n"]) -> Iterator[tuple[Tensor, Bool[Tensor, " d"] | None]]:
        """Yield shifts, each with the risk sets whose largest log-hazard is within half a band of it."""
        if not len(self._risk.time):
            return
        low, high = eta.min(), eta.max()
        if not (torch.isfinite(high - low) and high - low > _BAND):
            yield (low + high) / 2, None
            return
        width = _BAND / 4  # the peak of a risk set is known to a quarter band, so three quarters of range are left
        level = torch.floor((eta - low) / width)
        peak = torch.zeros(len(self._risk.time), dtype=eta.dtype, device=eta.device)
        for number in torch.unique(level):
            present = self._risk.ranges.over_rows((level == number).to(eta.dtype)[None])[0] > 0
            peak = torch.where(present, number, peak)
        band = torch.floor(peak / 4)
        for number in torch.unique(band):
            yield low + (number + 0.5) * _BAND, band == number

    def steps(self, eta: Float[Tensor, " n"], shift: Tensor, groups: Bool[Tensor, " d"] | None) -> Steps:
        """Sum up the risk sets of some event times (all: None) with exponentials shifted by one number."""
        risk = self._risk
        shifted = eta - shift
        weight, fraction, group, here = risk.step_weight, risk.step_fraction, risk.step_group, slice(None)
        if groups is not None:  # larger log-hazards are at risk in other bands only
            shifted = torch.where(shifted > _BAND / 2 + 1, -torch.inf, shifted)
            keep, here = groups[group], groups[risk.event_group]
            weight, fraction, group = weight[keep], fraction[keep], group[keep]
        rows, event_group = risk.event_rows[here], risk.event_group[here]
        hazard = risk.weight * torch.exp(shifted)
        weighted = hazard * self._with_ones
        sums = risk.ranges.over_rows(weighted).index_select(1, group)
        if risk.tied:
            tied = sums.new_zeros((len(sums), len(risk.time))).index_add_(
                1, event_group, weighted.index_select(1, rows)
            )
            sums -= fraction * tied.index_select(1, group)
        return Steps(
            risk=risk,
            shifted=shifted,
            hazard=hazard,
            at_risk=sums[0],
            mean=sums[1:] / sums[0],
            weight=weight,
            fraction=fraction,
            group=group,
            rows=rows,
            event_group=event_group,
        )

    def _band(self, eta: Tensor, shift: Tensor, groups: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Evaluate the steps of some risk sets."""
        steps = self.steps(eta, shift, groups)
        exposure = steps.exposure(steps.increment)
        value = steps.weight @ torch.log(steps.at_risk) - self._risk.weight[steps.rows] @ steps.shifted[steps.rows]
        hessian = (self._columns * exposure) @ self._columns.T - (steps.mean * steps.weight) @ steps.mean.T
        return value, self._columns @ exposure, hessian, torch.log(steps.by_group(steps.increment)) - shift
