"""Survival data with known truth, to see whether a method finds what was put in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core import ConfigError
from biolab.core.arrays import Float


@dataclass(frozen=True, kw_only=True)
class Weibull:
    """A Weibull baseline: cumulative hazard H0(t) = (t / scale_months) ** shape.

    >>> float(Weibull(shape=1.0, scale_months=60.0).cumulative_hazard(np.array([60.0]))[0])
    1.0
    """

    shape: float = 1.2
    scale_months: float = 80.0

    def __post_init__(self) -> None:
        if not (self.shape > 0 and self.scale_months > 0):
            raise ConfigError(f"Weibull: shape {self.shape} and scale_months {self.scale_months} must both be above 0.")

    def cumulative_hazard(self, times: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
        """Return H0 at the given times in months."""
        return (np.asarray(times, dtype=np.float64) / self.scale_months) ** self.shape

    def inverse(self, hazard: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return the times in months at which H0 reaches the given values."""
        return self.scale_months * np.asarray(hazard, dtype=np.float64) ** (1.0 / self.shape)


@dataclass(frozen=True, kw_only=True)
class UniformCensoring:
    """Follow-up ends between two times, each equally likely, whatever the covariates are."""

    earliest_months: float = 24.0
    latest_months: float = 120.0

    def __post_init__(self) -> None:
        if not 0 < self.earliest_months <= self.latest_months:
            raise ConfigError(
                f"UniformCensoring: 0 < earliest_months <= latest_months, not {self.earliest_months} and "
                f"{self.latest_months}."
            )


def synthetic_cohort(
    patients: int,
    *,
    log_hazard_ratios: Mapping[str, float],
    baseline: Weibull | None = None,
    censoring: UniformCensoring | None = None,
    seed: int,
) -> pl.DataFrame:
    """Draw patients whose hazard is H0(t) exp(x beta), with x standard normal and censoring independent of x.

    Times are drawn by inversion: T = H0^-1(E exp(-x beta)) with E standard exponential. With baseline and
    ``log_hazard_ratios`` the truth is known: survival at t is exp(-H0(t) exp(x beta)). ``censoring = None`` observes
    every event.

    >>> frame = synthetic_cohort(3, log_hazard_ratios={"x": 0.7}, seed=1)
    >>> dict(frame.schema)
    {'patient': String, 'time_months': Float64, 'event': Boolean, 'x': Float64}

    Raises
    ------
    ConfigError
        If ``patients`` is negative or a log hazard ratio is not finite.

    References
    ----------
    Bender R, Augustin T, Blettner M (2005). Generating survival times to simulate Cox proportional hazards models.
    Statistics in Medicine 24:1713-1723. doi:10.1002/sim.2059
    """
    beta = np.array(list(log_hazard_ratios.values()), dtype=np.float64)
    if patients < 0 or not np.isfinite(beta).all():
        raise ConfigError(
            f"synthetic_cohort: patients must be at least 0 and log hazard ratios finite, not {patients} and "
            f"{dict(log_hazard_ratios)}."
        )
    baseline = baseline or Weibull()
    draw = np.random.default_rng(seed)
    covariates = draw.standard_normal((patients, beta.size))
    failure = baseline.inverse(draw.standard_exponential(patients) * np.exp(-covariates @ beta))
    end = np.full(patients, np.inf)
    if censoring:
        end = draw.uniform(censoring.earliest_months, censoring.latest_months, patients)
    return pl.DataFrame(
        {
            "patient": [f"S{number}" for number in range(1, patients + 1)],
            "time_months": np.minimum(failure, end),
            "event": failure <= end,
            **{name: covariates[:, column] for column, name in enumerate(log_hazard_ratios)},
        },
        schema_overrides={"patient": pl.String},
    )
