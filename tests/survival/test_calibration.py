"""Calibration: right for the true model, wrong in the known direction for a wrong one."""

import json

import numpy as np
import pytest

from biolab.core import AbstractResult, DataError
from biolab.survival import (
    calibration_curve,
    calibration_slope,
    calibration_slope_draws,
    observed_expected,
    observed_expected_draws,
)


def _cohort(n, seed):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    event_time, censored = generator.exponential(30 * np.exp(-score)), generator.uniform(20.0, 120.0, n)
    return np.minimum(event_time, censored) + 1e-9, event_time <= censored, score


def _survival(score, time):
    return np.exp(-np.exp(score) * time / 30)


def test_the_true_model_is_calibrated():
    time, event, score = _cohort(5000, 1)
    slope = calibration_slope(time, event, score)
    ratio = observed_expected(time, event, _survival(score, 20.0), 20.0)
    assert abs(slope.estimate - 1) < 4 * slope.standard_error
    assert abs(ratio.estimate - 1) < 4 * ratio.standard_error
    curve = calibration_curve(time, event, _survival(score, 20.0), 20.0).table()
    apart = (curve["observed"] - curve["predicted"]).abs()
    assert apart.max() < 0.08


def test_too_extreme_predictions_have_half_the_slope():
    time, event, score = _cohort(400, 2)
    found, doubled = calibration_slope(time, event, score), calibration_slope(time, event, 2 * score + 7)
    assert doubled.estimate == pytest.approx(found.estimate / 2)
    assert doubled.standard_error == pytest.approx(found.standard_error / 2)


def test_index_from_survival_equals_log_hazard():
    time, event, score = _cohort(400, 3)
    index = np.log(-np.log(_survival(score, 20.0)))
    assert calibration_slope(time, event, index).estimate == pytest.approx(
        calibration_slope(time, event, score).estimate
    )


def test_halved_risks_double_the_ratio():
    time, event, score = _cohort(400, 4)
    survival = _survival(score, 20.0)
    found, doubled = (observed_expected(time, event, s, 20.0) for s in (survival, (1 + survival) / 2))
    assert doubled.estimate == pytest.approx(2 * found.estimate)
    assert doubled.upper == pytest.approx(2 * found.upper)


def test_draws_equal_repeated_rows():
    time, event, score = _cohort(150, 5)
    weights = np.random.default_rng(1).multinomial(150, np.full(150, 1 / 150), size=4)
    horizons = np.array([10.0, 20.0])
    survival = np.column_stack([_survival(score, t) for t in horizons])
    ratios = observed_expected_draws(time, event, survival, weights, horizons=horizons)
    slopes = calibration_slope_draws(time, event, score, weights)
    for k, weight in enumerate(weights):
        t, e, s = (np.repeat(column, weight, axis=0) for column in (time, event, survival))
        assert ratios[k, 1] == pytest.approx(observed_expected(t, e, s[:, 1], 20.0).estimate)
        assert slopes[k] == pytest.approx(calibration_slope(time, event, score, weight=weight.astype(float)).estimate)


def test_curve_groups_hold_everyone_in_order():
    time, event, score = _cohort(503, 6)
    curve = calibration_curve(time, event, _survival(score, 20.0), 20.0, groups=5)
    table = curve.table()
    assert table["patients"].sum() == 503
    assert table["patients"].max() - table["patients"].min() <= 1
    assert table["events"].sum() == int((event & (time <= 20.0)).sum())
    assert table["predicted"].is_sorted()
    assert (table["lower"] <= table["observed"]).all()
    assert (table["observed"] <= table["upper"]).all()
    assert isinstance(curve, AbstractResult)
    assert 0 <= curve.metrics["mean_calibration_error"] <= curve.metrics["largest_calibration_error"]
    json.dumps(curve.settings)


def test_equal_predictions_are_one_group_and_short_follow_up_is_null():
    time, event = np.array([1.0, 2.0, 3.0, 20.0, 21.0, 22.0]), np.array([True, False, False, True, True, False])
    survival = np.array([0.2, 0.2, 0.2, 0.8, 0.8, 0.8])
    table = calibration_curve(time, event, survival, 10.0, groups=10).table()
    assert table["patients"].to_list() == [3, 3]
    assert table["observed"].to_list() == [0.0, None]
    assert table["lower"].to_list() == [None, None]


def test_refusals():
    time, event, score = _cohort(40, 7)
    survival = _survival(score, 20.0)
    with pytest.raises(DataError, match="Follow-up ends"):
        observed_expected(time, event, survival, 1e6)
    with pytest.raises(DataError, match="infinite"):
        observed_expected(time, event, np.ones(40), 20.0)
    with pytest.raises(DataError, match="outside"):
        calibration_curve(time, event, survival * np.nan, 20.0)
    with pytest.raises(DataError, match="no finite estimate"):
        calibration_slope(time, np.zeros(40, dtype=bool), score)
    with pytest.raises(DataError, match="no finite estimate"):
        calibration_slope(time, event, np.ones(40))
    with pytest.raises(DataError, match="covariate is nan"):
        calibration_slope(time, event, score * np.nan)
