"""Measures of a class or a number agree with scikit-learn, weights included, and say NaN where nothing is defined."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import brier_score_loss, mean_absolute_error, r2_score, roc_auc_score, root_mean_squared_error

from biolab.stats import bootstrap_weights
from biolab.stats.prediction_measures import (
    auc_draws,
    brier_draws,
    linear_slope_draws,
    logistic_slope_draws,
    mae_draws,
    observed_expected_ratio_draws,
    r2_draws,
    rmse_draws,
)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(5)
    probability = np.round(draw.uniform(0.05, 0.95, 80), 2)
    positive = draw.random(80) < probability
    return positive, probability, 3 * probability + draw.normal(size=80), bootstrap_weights(80, 6, seed=2).astype(float)


def test_a_class_is_measured_as_scikit_learn_does(drawn) -> None:
    positive, probability, _, weights = drawn
    for at, weight in enumerate(weights):
        auc = roc_auc_score(positive, probability, sample_weight=weight)
        assert auc_draws(positive, probability, weights)[at] == pytest.approx(auc, abs=1e-12)
        brier = brier_score_loss(positive, probability, sample_weight=weight)
        assert brier_draws(positive, probability, weights)[at] == pytest.approx(brier, abs=1e-12)
        logit = np.log(probability / (1 - probability))[:, None]
        slope = LogisticRegression(C=np.inf, tol=1e-10).fit(logit, positive, sample_weight=weight).coef_[0, 0]
        assert logistic_slope_draws(positive, probability, weights)[at] == pytest.approx(slope, rel=1e-4)
        ratio = np.average(positive, weights=weight) / np.average(probability, weights=weight)
        assert observed_expected_ratio_draws(positive, probability, weights)[at] == pytest.approx(ratio)


def test_a_number_is_measured_as_scikit_learn_does(drawn) -> None:
    _, predicted, value, weights = drawn
    for at, weight in enumerate(weights):
        told = {"sample_weight": weight}
        assert r2_draws(value, predicted, weights)[at] == pytest.approx(r2_score(value, predicted, **told))
        error = root_mean_squared_error(value, predicted, **told)
        assert rmse_draws(value, predicted, weights)[at] == pytest.approx(error)
        assert mae_draws(value, predicted, weights)[at] == pytest.approx(mean_absolute_error(value, predicted, **told))
        slope = LinearRegression().fit(predicted[:, None], value, sample_weight=weight).coef_[0]
        assert linear_slope_draws(value, predicted, weights)[at] == pytest.approx(slope)


def test_what_is_not_defined_is_nan() -> None:
    one, flat, weights = np.ones(5, dtype=bool), np.full(5, 0.4), np.ones((1, 5))
    assert np.isnan(auc_draws(one, flat, weights)).all()
    assert np.isnan(logistic_slope_draws(np.array([1, 0, 1, 0, 1], dtype=bool), flat, weights)).all()
    assert np.isnan(r2_draws(flat, flat, weights)).all()
    assert np.isnan(linear_slope_draws(np.arange(5.0), flat, weights)).all()
    separated = np.array([False, False, True, True])
    assert np.isnan(logistic_slope_draws(separated, np.array([0.1, 0.2, 0.8, 0.9]), np.ones((1, 4)))).all()
