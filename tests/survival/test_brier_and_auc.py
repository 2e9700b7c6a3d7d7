"""Brier scores and time-dependent AUC: limits without censoring, draws, refusals."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from biolab.core import DataError
from biolab.survival import (
    brier_score,
    brier_score_draws,
    integrated_brier_score,
    integrated_brier_score_draws,
    time_dependent_auc,
    time_dependent_auc_draws,
)


def _cohort(n, seed, *, months=False):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    event_time, censored = generator.exponential(30 * np.exp(-score)), generator.exponential(60.0, n)
    time = np.minimum(event_time, censored) + 1e-9
    return np.ceil(time) if months else time, event_time <= censored, score


def _survival(score, times):
    return np.exp(-np.exp(score)[:, None] * np.atleast_1d(times) / 30)


def test_without_censoring_they_are_the_plain_scores():
    time, _, score = _cohort(300, 1)
    event, survival = np.ones(300, dtype=bool), _survival(score, 20.0)[:, 0]
    failed = time <= 20.0
    found = brier_score(time, event, survival, 20.0)
    assert found.estimate == pytest.approx(np.mean((failed - (1 - survival)) ** 2))
    rounded = np.round(score)
    assert time_dependent_auc(time, event, rounded, 20.0).estimate == pytest.approx(roc_auc_score(failed, rounded))


def test_integrated_score_is_the_trapezoid_average():
    time, event, score = _cohort(300, 2)
    grid = np.array([5.0, 6.0, 10.0, 40.0])
    each = [brier_score(time, event, _survival(score, t)[:, 0], t).estimate for t in grid]
    found = integrated_brier_score(time, event, _survival(score, grid), grid)
    assert found.estimate == pytest.approx(np.trapezoid(each, grid) / 35)
    assert found.lower < found.estimate < found.upper


def test_the_true_model_has_the_lowest_score():
    time, event, score = _cohort(4000, 3)
    best = brier_score(time, event, _survival(score, 20.0)[:, 0], 20.0).estimate
    for factor in (0.3, 1.7):
        assert best < brier_score(time, event, _survival(factor * score, 20.0)[:, 0], 20.0).estimate


def test_censoring_does_not_bias():
    time, event, score = _cohort(40_000, 4)
    generator = np.random.default_rng(4)
    generator.normal(size=40_000)
    everything = generator.exponential(30 * np.exp(-score)) + 1e-9
    full = np.ones(40_000, dtype=bool)
    survival = _survival(score, 20.0)[:, 0]
    seen, truth = (brier_score(t, e, survival, 20.0) for t, e in ((time, event), (everything, full)))
    assert seen.estimate == pytest.approx(truth.estimate, abs=4 * seen.standard_error)
    seen, truth = (time_dependent_auc(t, e, score, 20.0) for t, e in ((time, event), (everything, full)))
    assert seen.estimate == pytest.approx(truth.estimate, abs=4 * seen.standard_error)


@pytest.mark.parametrize("months", [False, True])
def test_draws_equal_repeated_rows(months):
    time, event, score = _cohort(150, 5, months=months)
    score = np.round(score, 1)
    grid = np.array([5.0, 10.0, 30.0])
    survival = _survival(score, grid)
    weights = np.random.default_rng(2).multinomial(150, np.full(150, 1 / 150), size=4)
    briers = brier_score_draws(time, event, survival, weights, times=grid)
    integrated = integrated_brier_score_draws(time, event, survival, weights, times=grid)
    areas = time_dependent_auc_draws(time, event, score, weights, horizon=10.0)
    for k, weight in enumerate(weights):
        t, e, s, m = (np.repeat(column, weight, axis=0) for column in (time, event, survival, score))
        assert briers[k, 1] == pytest.approx(brier_score(t, e, s[:, 1], 10.0).estimate)
        assert integrated[k] == pytest.approx(integrated_brier_score(t, e, s, grid).estimate)
        assert areas[k] == pytest.approx(time_dependent_auc(t, e, m, 10.0).estimate)


def test_draws_that_cannot_be_computed_are_nan():
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, True])
    weights = np.array([[0, 0, 2, 2], [2, 2, 0, 0], [1, 1, 1, 1]])
    areas = time_dependent_auc_draws(time, event, np.arange(4.0), weights, horizon=2.5)
    np.testing.assert_array_equal(np.isnan(areas), [True, True, False])
    scores = brier_score_draws(time, event, np.full((4, 1), 0.5), weights, times=np.array([2.5]))
    np.testing.assert_array_equal(np.isnan(scores[:, 0]), [False, True, False])


def test_refusals_say_how_to_mend():
    time, event, score = _cohort(60, 6)
    survival = _survival(score, 10.0)[:, 0]
    last = float(time.max())
    with pytest.raises(DataError, match="Nobody is followed beyond"):
        brier_score(time, event, survival, last)
    with pytest.raises(DataError, match="another horizon"):
        time_dependent_auc(time, event, score, last)
    with pytest.raises(DataError, match="another horizon"):
        time_dependent_auc(time, event, score, 0.0)
    with pytest.raises(DataError, match="outside"):
        brier_score(time, event, survival + 1, 10.0)
    with pytest.raises(DataError, match="shape"):
        brier_score(time, event, survival[1:], 10.0)
    with pytest.raises(DataError, match="at least two"):
        integrated_brier_score(time, event, survival[:, None], np.array([10.0]))
    short = (np.array([1.0, 2.0]), np.array([True, False]))
    with pytest.raises(DataError, match="earlier horizon"):
        brier_score(time, event, survival, 10.0, censoring=short)
    with pytest.raises(DataError, match="earlier horizon"):
        time_dependent_auc(time, event, score, 10.0, censoring=short)
