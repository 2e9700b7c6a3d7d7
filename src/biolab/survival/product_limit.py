"""The product-limit estimator for many weightings at once: survival for calibration, censoring for weights."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int

Weights = Int[ndarray, "*b n"] | Float[ndarray, "*b n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductLimit:
    """Right-continuous step functions that start at 1, one for each weighting.

    ``steps[..., j]`` holds from ``times[j - 1]`` until before ``times[j]``; ``variance`` is Greenwood's sum
    ``sum d / (n (n - d))`` in the same places.
    """

    times: Float[ndarray, " k"]
    steps: Float[ndarray, "*b k+1"]
    variance: Float[ndarray, "*b k+1"] | None

    def at(self, times: Float[ndarray, " t"]) -> Float[ndarray, "*b t"]:
        """Return the value at each time, drops at that time included."""
        return self.steps[..., np.searchsorted(self.times, times, side="right")]

    def before(self, times: Float[ndarray, " t"]) -> Float[ndarray, "*b t"]:
        """Return the left limit at each time, drops at that time not included."""
        return self.steps[..., np.searchsorted(self.times, times, side="left")]

    def standard_error(self, times: Float[ndarray, " t"]) -> Float[ndarray, "*b t"]:
        """Return Greenwood's standard error at each time."""
        assert self.variance is not None, "asked for at construction with greenwood=True"
        return self.at(times) * np.sqrt(self.variance[..., np.searchsorted(self.times, times, side="right")])


def product_limit(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    *,
    weights: Weights | None = None,
    of: Literal["event", "censoring"] = "event",
    greenwood: bool = False,
) -> ProductLimit:
    """Estimate the distribution of the event or of the censoring time, for weights of shape [n] or [b, n].

    S(t) = product over times s <= t of (1 - d(s) / n(s))

    At a time with both, events come before censorings: n(s) of the event counts all with time >= s, n(s) of the
    censoring leaves out those who had their event at s. Where nobody is left, the curve stays as it is.

    References
    ----------
    Kaplan, Meier (1958), J. Am. Stat. Assoc. 53:457-481, doi:10.1080/01621459.1958.10501452
    """
    case = np.ones(time.size) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.argsort(time, kind="stable")
    times, first = np.unique(time[order], return_index=True)
    if time.size == 0:
        return ProductLimit(times=times, steps=np.ones((*case.shape[:-1], 1)), variance=None)
    case, observed = case[..., order], event[order]
    leaving = np.add.reduceat(case, first, axis=-1)
    failing = np.add.reduceat(case * observed, first, axis=-1)
    exposed = np.cumsum(leaving[..., ::-1], axis=-1)[..., ::-1]
    dropping = np.add.reduceat(observed if of == "event" else ~observed, first) > 0
    times, failing, leaving, exposed = (
        times[dropping],
        failing[..., dropping],
        leaving[..., dropping],
        exposed[..., dropping],
    )
    if of == "censoring":
        exposed, failing = exposed - failing, leaving - failing
    fraction = np.divide(failing, exposed, out=np.zeros_like(exposed), where=exposed > 0)
    variance = None
    if greenwood:
        remaining = exposed * (exposed - failing)
        variance = _from_start(
            np.cumsum(np.divide(failing, remaining, out=np.zeros_like(remaining), where=remaining > 0), axis=-1), 0.0
        )
    return ProductLimit(times=times, steps=_from_start(np.cumprod(1 - fraction, axis=-1), 1.0), variance=variance)


def _from_start(values: Float[ndarray, "*b k"], start: float) -> Float[ndarray, "*b k+1"]:
    return np.concatenate([np.full((*values.shape[:-1], 1), start), values], axis=-1)
