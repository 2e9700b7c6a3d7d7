"""ICI, E50 and E90: R's numbers, the known distance of a distorted model, limits and refusals."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import AbstractResult, ConfigError, DataError, FitError
from biolab.survival import smooth_calibration
from biolab.survival.calibration_smooth import spline_basis

# tests/validation/utility_r.R
GOLD_R = {3: [0.4191601089, 0.4075675289, 0.7653691461], 4: [0.3794330702, 0.2691199080, 0.8572540045]}


def _cohort(n, seed):
    generator = np.random.default_rng(seed)
    score = 0.7 * generator.normal(size=n)
    failed, left = generator.exponential(30 * np.exp(-score)), generator.uniform(20.0, 120.0, n)
    return np.minimum(failed, left) + 1e-9, failed <= left, np.exp(-np.exp(score) * 20 / 30)


@pytest.mark.parametrize("knots", [3, 4])
def test_matches_coxph_of_r(knots):
    k = np.arange(1, 61)
    time, event, risk = k * 37 % 41 + 1.0, k * 11 % 7 > 2, (k * 29 % 61) / 61
    found = smooth_calibration(time, event, 1 - risk, 20.0, knots=knots, replicates=2, seed=1)
    np.testing.assert_allclose(found.table()["estimate"], GOLD_R[knots], rtol=1e-7)


def test_a_distorted_model_is_as_far_off_as_it_truly_is():
    time, event, survival = _cohort(4000, 1)
    right = smooth_calibration(time, event, survival, 20.0, replicates=30, seed=1)
    wrong = smooth_calibration(time, event, survival**1.6, 20.0, replicates=30, seed=1)
    distance = np.abs(survival - survival**1.6)
    truth = [distance.mean(), *np.quantile(distance, [0.5, 0.9])]
    for name, value in zip(("ici", "e50", "e90"), truth, strict=True):
        assert getattr(right, name).estimate < 0.03
        found = getattr(wrong, name)
        assert found.estimate == pytest.approx(value, abs=4 * found.standard_error)
        assert found.lower < found.estimate < found.upper
    assert isinstance(right, AbstractResult)
    assert right.table()["index"].to_list() == ["ici", "e50", "e90"]
    assert (right.curve["predicted"] - right.curve["observed"]).abs().max() < 0.06
    assert set(right.metrics) >= {"ici", "ici.lower", "e90.upper"}
    json.dumps([right.settings, right.metrics])


@given(st.integers(0, 1000), st.floats(0.01, 100.0))
@settings(max_examples=10, derandomize=True, deadline=None)
def test_units_of_time_and_order_of_patients_do_not_matter(seed, unit):
    time, event, survival = _cohort(150, seed)
    order = np.random.default_rng(seed).permutation(150)
    found = smooth_calibration(time, event, survival, 20.0, replicates=1, seed=1)
    again = smooth_calibration(time[order] * unit, event[order], survival[order], 20.0 * unit, replicates=1, seed=1)
    np.testing.assert_allclose(found.table()["estimate"], again.table()["estimate"], rtol=1e-6)


@given(st.lists(st.integers(-20, 20), min_size=3, max_size=5, unique=True))
@settings(max_examples=30, derandomize=True, deadline=None)
def test_splines_are_smooth_and_linear_outside_the_knots(places):
    knots = np.sort(np.array(places, dtype=np.float64))
    assert not spline_basis(np.linspace(-40, knots[0], 9), knots)[:, 1:].any()
    beyond = spline_basis(np.linspace(knots[-1], knots[-1] + 10, 9), knots)
    np.testing.assert_allclose(np.diff(beyond, n=2, axis=0), 0, atol=1e-8 * max(1, np.abs(beyond).max()))
    step = 1e-4
    around = spline_basis((knots[:, None] + np.arange(-1, 3) * step).ravel(), knots)
    bend = np.diff(around.reshape(knots.size, 4, -1), n=2, axis=1) / step**2
    assert np.abs(np.diff(bend, axis=1)).max() < 0.02  # the second derivative has no jump at a knot
    assert spline_basis(knots, knots).shape == (knots.size, knots.size - 1)


def test_few_predictions_take_a_line_and_extremes_the_nearest_value():
    time, event, survival = _cohort(200, 3)
    two = smooth_calibration(time, event, np.where(survival > 0.5, 0.8, 0.3), 20.0, replicates=5, seed=1)
    assert two.settings["knots"] == []
    assert np.isfinite(two.ici.estimate)
    extreme = survival.copy()
    extreme[:3] = [0.0, 1.0, 1.0]
    assert np.isfinite(
        list(smooth_calibration(time, event, extreme, 20.0, replicates=5, seed=1).metrics.values())
    ).all()


def test_replicates_without_a_curve_are_counted():
    time, event = np.arange(1.0, 13.0), np.array([True, True] + [False] * 10)
    survival = np.tile([0.9, 0.5, 0.7], 4) - np.arange(12) / 100
    found = smooth_calibration(time, event, survival, 2.0, replicates=40, seed=1)
    assert found.replicates < 40
    assert (found.table()["lower"].null_count() > 0) == (found.replicates < 20)


def test_refusals():
    time, event, survival = _cohort(60, 7)

    def ask(event=event, survival=survival, horizon=20.0, knots=3):
        return smooth_calibration(time, event, survival, horizon, knots=knots, replicates=2, seed=1)

    with pytest.raises(ConfigError, match="knots is 7"):
        ask(knots=7)
    with pytest.raises(DataError, match="observed_expected"):
        ask(survival=np.full(60, 0.4))
    with pytest.raises(DataError, match="observed_expected"):
        ask(survival=np.tile([0.0, 1.0], 30))
    with pytest.raises(DataError, match="outside"):
        ask(survival=survival * np.nan)
    with pytest.raises(DataError, match="Follow-up ends"):
        ask(horizon=1e6)
    with pytest.raises(FitError, match="None of the"):
        ask(event=np.zeros(60, dtype=bool))
