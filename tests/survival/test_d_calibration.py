"""D-calibration: the paper's counts, uniform for the true model, seen to fail for a wrong one."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from biolab.core import AbstractResult, ConfigError, DataError
from biolab.survival import Prediction, d_calibration, survival_at_own_time

PROBABILITY = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]), st.floats(1e-6, 1.0))
PATIENTS = st.lists(st.tuples(PROBABILITY, st.booleans()), min_size=1, max_size=40)


def _counts(own, event, bins):
    """Count as section 3.4 of the paper says, patient by patient and bin by bin."""
    count = [0.0] * bins
    for s, failed in zip(own, event, strict=True):
        for k in range(bins):
            low, high = k / bins, (k + 1) / bins
            inside = low <= s < high or (k == bins - 1 and s == 1)
            if failed:
                count[k] += inside
            elif s == 0:
                count[k] += k == 0
            elif inside:
                count[k] += (s - low) / s
            elif s >= high:
                count[k] += (high - low) / s
    return np.array(count)


def _cohort(n, seed, censored):
    generator = np.random.default_rng(seed)
    hazard = np.exp(generator.normal(size=n))
    failed, left = generator.exponential(1 / hazard), generator.exponential(2.0, n) if censored else np.full(n, np.inf)
    time = np.minimum(failed, left)
    return time, failed <= left, np.exp(-hazard * time)


@given(PATIENTS, st.integers(2, 12))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_counts_are_those_of_the_paper_and_hold_everyone(patients, bins):
    own, event = np.array([p for p, _ in patients]), np.array([e for _, e in patients])
    found = d_calibration(np.ones(own.size), event, own, bins=bins)
    observed = found.table()["observed"].to_numpy()
    np.testing.assert_allclose(observed, _counts(own, event, bins), atol=1e-12)
    assert observed.sum() == pytest.approx(own.size)
    chi2, p_value = stats.chisquare(observed)
    assert found.statistic == pytest.approx(chi2)
    assert found.p_value == pytest.approx(p_value)


def test_the_true_model_is_refused_at_the_nominal_rate():
    # 1000 seeds at 5 %: a right test leaves 20..89 with probability < 1e-6
    refused = sum(d_calibration(*_cohort(300, seed, censored=False)).p_value < 0.05 for seed in range(1000))
    assert 20 <= refused <= 89


def test_with_censoring_the_test_is_conservative():
    refused = sum(d_calibration(*_cohort(300, seed, censored=True)).p_value < 0.05 for seed in range(1000))
    assert refused <= 50


def test_wrong_curves_are_seen():
    time, event, own = _cohort(500, 1, censored=True)
    assert d_calibration(time, event, own**2).p_value < 1e-6
    assert d_calibration(time, event, np.sqrt(own)).p_value < 1e-6


def test_a_patient_censored_at_the_start_says_nothing():
    found = d_calibration(np.ones(3), np.zeros(3, dtype=bool), np.ones(3))
    assert found.statistic == pytest.approx(0, abs=1e-20)
    assert found.p_value == pytest.approx(1)
    assert isinstance(found, AbstractResult)
    json.dumps([found.settings, found.metrics])


def test_own_time_is_read_between_the_predicted_times():
    generator = np.random.default_rng(3)
    hazard, times = generator.uniform(0.5, 2, 40), np.linspace(0.001, 4, 4000)
    prediction = Prediction(risk_score=hazard, survival=np.exp(-hazard[:, None] * times), times=times)
    time = generator.uniform(0, 4, 40)
    np.testing.assert_allclose(survival_at_own_time(prediction, time), np.exp(-hazard * time), atol=1e-6)
    with pytest.raises(DataError, match="beyond the last predicted"):
        survival_at_own_time(prediction, time + 3.9)
    with pytest.raises(DataError, match="time has shape"):
        survival_at_own_time(prediction, time[1:])


@pytest.mark.parametrize(
    ("time", "event", "own", "message"),
    [
        ([1.0, 2.0], [True, True], [0.5], "Shapes differ"),
        ([], [], [], "no patients"),
        ([1.0, np.nan], [True, True], [0.5, 0.5], "time is nan in row 1"),
        ([1.0, 2.0], [True, True], [0.5, np.nan], "survival_at_own_time is nan in row 1"),
        ([1.0, 2.0], [True, True], [-0.1, 0.5], "is -0.1 in row 0"),
    ],
)
def test_refusals(time, event, own, message):
    with pytest.raises(DataError, match=message):
        d_calibration(np.array(time), np.array(event, dtype=bool), np.array(own))


def test_one_bin_is_refused():
    with pytest.raises(ConfigError, match="bins is 1"):
        d_calibration(np.ones(2), np.ones(2, dtype=bool), np.ones(2), bins=1)
