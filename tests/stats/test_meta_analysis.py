"""Meta-analysis: agreement with metafor, an independent likelihood, and what must hold for any data."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from biolab.core import AbstractResult, ConfigError, DataError
from biolab.stats import meta_analyse

GOLD = json.loads((Path(__file__).parents[1] / "validation" / "meta_analysis_r.json").read_text())
EFFECT, VARIANCE = np.array(GOLD["log_risk_ratio"]), np.array(GOLD["variance"])


@pytest.mark.parametrize("fit", GOLD["fits"], ids=lambda f: f"{f['method']}-{f['test']}-{len(f['rows'])}")
def test_agrees_with_metafor(fit):
    method = {"FE": "fixed"}.get(fit["method"], fit["method"].lower())
    found = meta_analyse(
        EFFECT[fit["rows"]], np.sqrt(VARIANCE[fit["rows"]]), method=method, hartung_knapp=fit["test"] == "knha"
    )
    for name in ("estimate", "standard_error", "lower", "upper", "tau2", "q", "q_p_value"):
        assert getattr(found, name) == pytest.approx(fit[name], rel=1e-7, abs=1e-9), name
    assert found.i2 == pytest.approx(fit["i2"] / 100, rel=1e-7, abs=1e-9)
    np.testing.assert_allclose(found.weights, np.array(fit["weights"]) / 100, rtol=1e-7)


def test_reml_maximises_the_restricted_likelihood():
    def objective(tau2):
        total = VARIANCE + tau2
        mean = np.average(EFFECT, weights=1 / total)
        return -(stats.norm.logpdf(EFFECT, mean, np.sqrt(total)).sum() - 0.5 * math.log(np.sum(1 / total)))

    best = optimize.minimize_scalar(objective, bounds=(0, 5), method="bounded", options={"xatol": 1e-10})
    assert meta_analyse(EFFECT, np.sqrt(VARIANCE)).tau2 == pytest.approx(best.x, abs=1e-6)


def test_prediction_interval_is_wider_and_rests_on_two_fewer_degrees_of_freedom():
    found = meta_analyse(EFFECT, np.sqrt(VARIANCE))
    reach = stats.t.ppf(0.975, 11) * math.sqrt(found.tau2 + found.standard_error**2)
    assert found.prediction == pytest.approx((found.estimate - reach, found.estimate + reach))
    assert found.prediction[0] < found.lower < found.upper < found.prediction[1]


def test_one_institution_is_its_own_answer():
    found = meta_analyse([0.4], [0.1])
    assert (found.estimate, found.standard_error) == pytest.approx((0.4, 0.1))
    assert (found.tau2, found.i2) == (0.0, 0.0)
    assert found.lower == pytest.approx(0.4 - 1.959964 * 0.1, abs=1e-7)
    assert found.prediction is None
    assert found.q_p_value == 1.0


def test_two_institutions_use_one_degree_of_freedom():
    found = meta_analyse([0.2, 0.6], [0.1, 0.1])
    assert found.prediction is None
    assert (found.upper - found.estimate) / found.standard_error == pytest.approx(12.7062, abs=1e-4)


studies = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=2, max_size=9)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(studies, st.sampled_from(["reml", "pm", "dl", "fixed"]), st.floats(-20, 20), st.floats(0.1, 10))
def test_shift_and_scale_carry_over(rows, method, shift, scale):
    y, error = map(np.array, zip(*rows, strict=True))
    base, moved = meta_analyse(y, error, method=method), meta_analyse(shift + scale * y, scale * error, method=method)
    assert moved.estimate == pytest.approx(shift + scale * base.estimate, abs=1e-6 * scale + 1e-9 * abs(shift))
    assert moved.tau2 == pytest.approx(scale**2 * base.tau2, abs=1e-6 * scale**2)
    assert moved.i2 == pytest.approx(base.i2, abs=1e-5)
    assert base.weights.sum() == pytest.approx(1)
    assert y.min() - 1e-12 <= base.estimate <= y.max() + 1e-12


@settings(max_examples=20, derandomize=True, deadline=None)
@given(studies, st.sampled_from(["reml", "pm", "dl"]))
def test_equal_estimates_are_homogeneous(rows, method):
    error = np.array([e for _, e in rows])
    found = meta_analyse(np.full(error.size, 0.7), error, method=method)
    assert (found.tau2, found.estimate) == (0.0, pytest.approx(0.7))


def test_hartung_knapp_interval_covers():
    # 95 % nominal, k = 6, tau = 0.2: 600 runs must cover between 92.5 and 97.5 % (a false alarm in about 1 of 200)
    generator, covered = np.random.default_rng(20), 0
    for _ in range(600):
        error = generator.uniform(0.05, 0.3, 6)
        y = generator.normal(0.5, np.sqrt(0.04 + error**2))
        found = meta_analyse(y, error, method="dl")
        covered += found.lower <= 0.5 <= found.upper
    assert 0.925 < covered / 600 < 0.975


def test_is_a_result():
    found = meta_analyse(EFFECT, np.sqrt(VARIANCE))
    assert isinstance(found, AbstractResult)
    assert found.table().height == 1
    assert found.metrics["pooled"] == found.estimate
    json.dumps(found.settings)


@pytest.mark.parametrize(
    ("y", "error"), [([], []), ([0.1], [0.0]), ([0.1, math.nan], [0.1, 0.1]), ([0.1, 0.2], [0.1]), ([0.1], [math.inf])]
)
def test_refuses_what_cannot_be_pooled(y, error):
    with pytest.raises(DataError):
        meta_analyse(y, error)


def test_refuses_unknown_method_and_confidence():
    with pytest.raises(ConfigError, match="reml"):
        meta_analyse([0.1, 0.2], [0.1, 0.1], method="bayes")
    with pytest.raises(ConfigError, match="confidence"):
        meta_analyse([0.1, 0.2], [0.1, 0.1], confidence=95)
