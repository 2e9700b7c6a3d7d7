"""Bootstrap multiplicities, folds and percentile intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError, DataError
from biolab.stats import bootstrap_weights, percentile_interval, stratified_folds


@settings(max_examples=30, derandomize=True)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 99))
def test_every_replicate_draws_n_rows(n, replicates, seed):
    weights = bootstrap_weights(n, replicates, seed=seed)
    assert weights.shape == (replicates, n)
    assert (weights.sum(axis=1) == n).all()
    assert weights.min() >= 0
    np.testing.assert_array_equal(weights, bootstrap_weights(n, replicates, seed=seed))


def test_strata_keep_their_sizes():
    strata = np.array([0, 1, 1, 2, 2, 2])
    weights = bootstrap_weights(6, 50, seed=1, strata=strata)
    for name in range(3):
        assert (weights[:, strata == name].sum(axis=1) == name + 1).all()


def test_multiplicities_are_those_of_a_multinomial():
    weights = bootstrap_weights(200, 2000, seed=4)
    # mean 1 and variance 1 - 1/n; 400,000 counts put 5 standard errors at about 0.011
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / 200, abs=0.012)
    assert abs(np.corrcoef(weights[:, 0], weights[:, 1])[0, 1]) < 0.12


@settings(max_examples=40, derandomize=True)
@given(st.lists(st.booleans(), min_size=4, max_size=80), st.integers(2, 6), st.integers(0, 99))
def test_folds_are_balanced(event, folds, seed):
    event = np.array(event)
    if event.sum() < folds:
        with pytest.raises(DataError, match="folds"):
            stratified_folds(event, folds, seed=seed)
        return
    fold = stratified_folds(event, folds, seed=seed)
    sizes, events = np.bincount(fold, minlength=folds), np.bincount(fold[event], minlength=folds)
    assert np.ptp(sizes) <= 1
    assert np.ptp(events) <= 1
    np.testing.assert_array_equal(fold, stratified_folds(event, folds, seed=seed))


def test_percentile_interval_is_quantiles_and_transforms():
    draws = np.random.default_rng(1).gamma(2.0, size=999)
    lower, upper = percentile_interval(draws, confidence=0.9)
    assert np.mean((draws >= lower) & (draws <= upper)) == pytest.approx(0.9, abs=0.002)
    low, high = percentile_interval(3 * draws - 1, confidence=0.9)
    assert (low, high) == pytest.approx((3 * lower - 1, 3 * upper - 1))


def test_refusals_say_why():
    with pytest.raises(DataError, match="1 of 3"):
        percentile_interval(np.array([1.0, np.nan, 2.0]))
    with pytest.raises(DataError):
        percentile_interval(np.array([]))
    with pytest.raises(ConfigError, match="0 and 1"):
        percentile_interval(np.ones(3), confidence=95)
    with pytest.raises(ConfigError, match="at least 1"):
        bootstrap_weights(0, 5, seed=1)
    with pytest.raises(ConfigError, match="strata"):
        bootstrap_weights(3, 5, seed=1, strata=np.array([1, 2]))
    with pytest.raises(ConfigError, match="2 folds"):
        stratified_folds(np.array([True, True]), 1, seed=1)
