"""Counts at each distinct follow-up time: what every nonparametric estimate starts from."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtri

from biolab.core.arrays import Float
from biolab.core.errors import ConfigError, DataError

from .follow_up import FollowUp
from .range_sums import RangeSums


@dataclass(frozen=True, kw_only=True, eq=False)
class EventTable:
    """Weighted counts at the distinct times at which somebody had the event or was censored."""

    time: Float[np.ndarray, " t"]
    at_risk: Float[np.ndarray, " t"]
    events: Float[np.ndarray, " t"]
    censored: Float[np.ndarray, " t"]

    @property
    def outliving(self) -> Float[np.ndarray, " t"]:
        """How many of those at risk do not have the event at each time."""
        left = np.maximum(self.at_risk - self.events, 0.0)
        return np.where(left < 1e-12 * self.at_risk, 0.0, left)  # weights that sum to the events', but for rounding


def event_table(cases: FollowUp) -> EventTable:
    """Count patients at risk (entered before, not yet left), events and censorings at each time.

    Raises
    ------
    DataError
        If there is nobody, or nobody with a weight > 0.
    """
    present = cases.weight > 0
    cases = cases if present.all() else cases.take(present)
    if len(cases) == 0:
        raise DataError("There is no patient (with a weight > 0) to estimate a curve from.")
    time, at = np.unique(cases.time, return_inverse=True)
    leaving = np.bincount(at, weights=cases.weight)
    events = np.bincount(at, weights=cases.weight * cases.event)
    if cases.entry is None:
        at_risk = np.cumsum(leaving[::-1])[::-1]
    else:
        first = np.searchsorted(time, cases.entry, side="right")
        ranges = RangeSums(first, at, len(time), torch.device("cpu"))
        at_risk = ranges.over_rows(torch.as_tensor(cases.weight)[None])[0].numpy()
    return EventTable(time=time, at_risk=at_risk, events=events, censored=leaving - events)


def normal_quantile(confidence: float) -> float:
    """Return how many standard errors a two-sided interval reaches.

    >>> round(normal_quantile(0.95), 2)
    1.96

    Raises
    ------
    ConfigError
        If the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; it must lie between 0 and 1, e.g. 0.95.")
    return float(ndtri((1 + confidence) / 2))


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is not one of the known.

    Raises
    ------
    ConfigError
        Naming the known words.
    """
    if value not in known:
        raise ConfigError(f"{name} is {value!r}; it is one of {', '.join(map(repr, known))}.")
