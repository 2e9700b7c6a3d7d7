import numpy as np
import polars as pl
import pytest

from biolab.core import ConfigError
from biolab.data import UniformCensoring, Weibull, synthetic_cohort


def test_the_same_seed_draws_the_same_patients():
    first, again, other = (synthetic_cohort(50, log_hazard_ratios={"x": 1.0}, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_times_follow_the_stated_hazard():
    """H0(T) exp(x beta) is standard exponential: mean 1, and its survival at 1 is exp(-1)."""
    baseline = Weibull(shape=1.7, scale_months=40.0)
    beta = {"x": 0.8, "z": -0.5}
    frame = synthetic_cohort(20_000, log_hazard_ratios=beta, baseline=baseline, seed=3)
    hazard = baseline.cumulative_hazard(frame["time_months"].to_numpy())
    exponential = hazard * np.exp(
        frame.select(pl.sum_horizontal(pl.col(name) * b for name, b in beta.items())).to_series()
    )
    assert frame["event"].all()
    assert exponential.mean() == pytest.approx(1, abs=0.03)
    assert (exponential > 1).mean() == pytest.approx(np.exp(-1), abs=0.015)


def test_censoring_keeps_follow_up_between_its_limits():
    censoring = UniformCensoring(earliest_months=10, latest_months=20)
    frame = synthetic_cohort(500, log_hazard_ratios={"x": 0.0}, censoring=censoring, seed=1)
    censored = frame.filter(~pl.col("event"))["time_months"]
    assert censored.is_between(10, 20).all()
    assert 0 < frame["event"].sum() < 500


def test_no_patients_and_no_covariates_are_allowed():
    assert synthetic_cohort(0, log_hazard_ratios={"x": 1.0}, seed=1).shape == (0, 4)
    assert synthetic_cohort(3, log_hazard_ratios={}, seed=1).columns == ["patient", "time_months", "event"]


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="must both be above 0"):
        Weibull(shape=0)
    with pytest.raises(ConfigError, match="earliest_months <= latest_months"):
        UniformCensoring(earliest_months=5, latest_months=1)
    with pytest.raises(ConfigError, match="log hazard ratios finite"):
        synthetic_cohort(3, log_hazard_ratios={"x": float("nan")}, seed=1)
