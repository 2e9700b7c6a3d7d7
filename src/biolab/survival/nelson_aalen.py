"""The Nelson-Aalen estimate of a cumulative hazard."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from biolab.core.arrays import Float

from .curve import AbstractCurve
from .event_table import check_choice, event_table, normal_quantile
from .follow_up import follow_up

HazardInterval = Literal["log", "plain"]


@dataclass(frozen=True, kw_only=True, eq=False)
class NelsonAalen(AbstractCurve):
    """A cumulative hazard with its counts; its limits are NaN before the first event under the log interval."""

    cumulative_hazard: Float[np.ndarray, " t"]

    @property
    def _estimate(self) -> tuple[str, Float[np.ndarray, " t"], float]:
        return "cumulative_hazard", self.cumulative_hazard, 0.0

    @property
    def metrics(self) -> dict[str, float]:
        """The cumulative hazard at the end of follow-up."""
        return {
            "cumulative_hazard": float(self.cumulative_hazard[-1]),
            "cumulative_hazard.lower": float(self.lower[-1]),
            "cumulative_hazard.upper": float(self.upper[-1]),
        }


def nelson_aalen(
    time: Any,
    event: Any,
    *,
    weight: Any = None,
    entry: Any = None,
    confidence: float = 0.95,
    interval: HazardInterval = "log",
) -> NelsonAalen:
    """Estimate a cumulative hazard.

    H(t) = sum over event times s <= t of d(s) / n(s), with variance the sum of d(s) / n(s)**2

    with d(s) events among n(s) patients at risk, both weighted. The interval is symmetric for log H or for H.

    >>> nelson_aalen([6, 6, 7, 10], [1, 0, 1, 0]).at([5, 6, 8])
    array([0.  , 0.25, 0.75])

    Raises
    ------
    DataError
        If there is no patient, or a value or length is wrong.
    ConfigError
        If the interval or the confidence is not one of the allowed.

    References
    ----------
    Aalen (1978), Annals of Statistics 6:701-726, doi:10.1214/aos/1176344247
    """
    check_choice("interval", interval, get_args(HazardInterval))
    reach = normal_quantile(confidence)
    counts = event_table(follow_up((time, event), weight=weight, entry=entry))
    share = np.divide(counts.events, counts.at_risk, out=np.zeros_like(counts.events), where=counts.events > 0)
    hazard = np.cumsum(share)
    error = np.sqrt(np.cumsum(np.divide(share, counts.at_risk, out=np.zeros_like(share), where=share > 0)))
    if interval == "plain":
        lower, upper = np.maximum(hazard - reach * error, 0.0), hazard + reach * error
    else:
        spread = np.divide(reach * error, hazard, out=np.full_like(hazard, np.nan), where=hazard > 0)
        lower, upper = hazard * np.exp(-spread), hazard * np.exp(spread)
    return NelsonAalen(
        counts=counts,
        cumulative_hazard=hazard,
        standard_error=error,
        lower=lower,
        upper=upper,
        interval=interval,
        confidence=confidence,
    )
