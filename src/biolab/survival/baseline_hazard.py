"""Cumulative baseline hazards, as the step functions they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from biolab.core.arrays import Bool, Float
from biolab.core.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class StepFunction:
    """A right-continuous step function: ``values[j]`` from ``times[j]`` on, ``initial`` before the first time.

    >>> hazard = StepFunction(times=np.array([1.0, 3.0]), values=np.array([0.2, 0.5]))
    >>> hazard([0.5, 1.0, 2.0, 9.0])
    array([0. , 0.2, 0.2, 0.5])
    >>> hazard([1.0], left_limit=True)
    array([0.])

    Raises
    ------
    DataError
        If times do not strictly increase, or times and values differ in length.
    """

    times: Float[np.ndarray, " t"]
    values: Float[np.ndarray, " t"]
    initial: float = 0.0

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or self.times.shape != self.values.shape:
            raise DataError(
                f"A step function needs one value a time; got shapes {self.times.shape} and {self.values.shape}."
            )
        if not (np.diff(self.times) > 0).all():
            raise DataError("A step function's times must increase strictly.")

    def __call__(self, at: Any, *, left_limit: bool = False) -> Float[np.ndarray, " s"]:
        """Evaluate at the given times; with ``left_limit`` just before them."""
        at = prediction_times(at)
        position = np.searchsorted(self.times, at, side="left" if left_limit else "right")
        return np.concatenate([[self.initial], self.values])[position]

    def table(self) -> pl.DataFrame:
        """Return the steps as columns ``time`` and ``value``."""
        return pl.DataFrame({"time": self.times, "value": self.values})


def breslow_hazard(
    time: Float[np.ndarray, " n"], event: Bool[np.ndarray, " n"], log_hazard: Float[np.ndarray, " n"]
) -> StepFunction:
    """Estimate the cumulative baseline hazard under a log-hazard that is given, not fitted here.

    H0(t) = sum over event times s <= t of d(s) / sum over i at risk at s of exp(log_hazard_i)

    >>> hazard = breslow_hazard(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), np.zeros(3))
    >>> hazard([1.0, 3.0]).round(3)
    array([0.333, 1.333])

    References
    ----------
    Breslow (1972), Journal of the Royal Statistical Society B 34:216-217, in the discussion of Cox;
    doi:10.1111/j.2517-6161.1972.tb00900.x
    """
    shift = float(log_hazard.max(initial=-np.inf))
    moments, place = np.unique(time, return_inverse=True)
    leaving = np.bincount(place, weights=np.exp(log_hazard - shift))
    at_risk = np.cumsum(leaving[::-1])[::-1]
    deaths = np.bincount(place, weights=event.astype(np.float64))
    steps = deaths / at_risk * np.exp(-shift)
    return StepFunction(times=moments[deaths > 0], values=np.cumsum(steps[deaths > 0]))


def prediction_times(times: Any) -> Float[np.ndarray, " t"]:
    """Read times at which something is asked for; a single number counts as one time.

    Raises
    ------
    DataError
        If a time is NaN or there is more than one dimension.
    """
    values = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if values.ndim != 1 or np.isnan(values).any():
        raise DataError(f"times must be one-dimensional and not NaN; got shape {values.shape}: {times!r}.")
    return values


def cumulative_hazards(
    time: Float[np.ndarray, " d"], stratum: np.ndarray, step: Float[np.ndarray, " d"], labels: tuple[Any, ...]
) -> dict[Any, StepFunction]:
    """Add up hazard steps within each stratum; a stratum without events has a hazard of 0 throughout.

    Strata come as ascending codes: positions in ``labels``.
    """
    edges = np.searchsorted(stratum, np.arange(len(labels) + 1))
    inside = {label: slice(edges[code], edges[code + 1]) for code, label in enumerate(labels)}
    return {label: StepFunction(times=time[here], values=np.cumsum(step[here])) for label, here in inside.items()}
