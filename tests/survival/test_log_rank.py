import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import AbstractResult
from biolab.core.errors import ConfigError, DataError, FitError
from biolab.survival import CoxPH, FlemingHarrington, log_rank
from biolab.survival.follow_up import follow_up
from biolab.survival.partial_likelihood import PartialLikelihood, risk_sets

few = settings(derandomize=True, max_examples=25, deadline=None)


def draw(seed, groups=2, tied=True):
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 15, 60).astype(float) if tied else rng.permutation(60) + 1.0
    return time, rng.random(60) < 0.7, rng.integers(0, groups, 60)


@few
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_observed_and_expected_add_up_and_names_do_not_matter(seed, groups):
    time, event, group = draw(seed, groups)
    test = log_rank(time, event, group)
    assert test.observed.sum() == event.sum()
    np.testing.assert_allclose(test.expected.sum(), event.sum())
    renamed = log_rank(time, event, np.array(["d", "b", "c", "a"])[group])
    np.testing.assert_allclose(renamed.statistic, test.statistic, rtol=1e-9)


@few
@given(st.integers(0, 10**6))
def test_without_ties_it_is_the_score_test_of_cox(seed):
    time, event, group = draw(seed, tied=False)
    score = PartialLikelihood(group[:, None].astype(float), risk_sets(follow_up((time, event)))).evaluate(np.zeros(1))
    test = log_rank(time, event, group)
    np.testing.assert_allclose(test.statistic, score.gradient[0] ** 2 / score.hessian[0, 0], rtol=1e-9)


def test_calibrated_under_the_null():
    rng = np.random.default_rng(3)
    p_values = [log_rank(time, time < 2, rng.integers(0, 3, 80)).p_value for time in rng.exponential(size=(400, 80))]
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09  # 400 tests at 5 %: outside in under 1 of 300 series


def test_strata_take_out_a_confounder():
    rng = np.random.default_rng(1)
    stratum = rng.integers(0, 2, 2000)
    group = (rng.random(2000) < 0.2 + 0.6 * stratum).astype(int)
    time = rng.exponential(1 / (1 + 3 * stratum))
    event = np.ones(2000)
    assert log_rank(time, event, group).p_value < 1e-6
    assert log_rank(time, event, group, strata=stratum).p_value > 0.01
    assert isinstance(log_rank(time, event, group), AbstractResult)
    assert CoxPH().fit(group[:, None], (time, event)).summary()["p_value"][0] < 1e-6


def test_bad_arguments_are_named():
    with pytest.raises(DataError, match="one group only"):
        log_rank([1, 2], [1, 1], ["a", "a"])
    with pytest.raises(FitError, match="Nobody had the event"):
        log_rank([1, 2], [0, 0], ["a", "b"])
    with pytest.raises(DataError, match="2 rows and the target 3"):
        log_rank([1, 2, 3], [1, 1, 1], ["a", "b"])
    with pytest.raises(FitError, match="while two groups were at risk"):
        log_rank([1, 2, 3, 4], [0, 0, 1, 1], ["a", "a", "b", "b"])
    with pytest.raises(DataError, match="group is None"):
        log_rank([1, 2], [1, 1], None)


def gehan_scores(time, event):
    """Count for each patient those it surely outlived, less those that surely outlived it."""
    outlives = event[None] & ((time[:, None] > time[None]) | ((time[:, None] == time[None]) & ~event[:, None]))
    return outlives.sum(axis=1) - outlives.sum(axis=0)


@few
@given(st.integers(0, 10**6))
def test_gehan_is_the_sum_of_pairwise_scores(seed):
    time, event, group = draw(seed)
    test = log_rank(time, event, group, weights="gehan")
    scores = gehan_scores(time, event)
    ours = test.expected - test.observed
    np.testing.assert_allclose(ours, [scores[group == code].sum() for code in range(2)], atol=1e-8)


@few
@given(st.integers(0, 10**6))
def test_weights_that_are_one_another(seed):
    time, event, group = draw(seed, 3)
    strata = np.arange(60) % 2
    pairs = [("log-rank", FlemingHarrington(0)), ("peto", FlemingHarrington(1))]
    for name, powers in pairs:
        first = log_rank(time, event, group, strata=strata, weights=name)
        second = log_rank(time, event, group, strata=strata, weights=powers)
        assert first.statistic == pytest.approx(second.statistic, rel=1e-9)
        assert first.settings["weights"] != second.settings["weights"]


@pytest.mark.parametrize("weights", ["gehan", "peto", FlemingHarrington(0, 1), FlemingHarrington(0.5, 0.5)])
def test_weighted_tests_are_calibrated(weights):
    rng = np.random.default_rng(7)
    times = rng.exponential(size=(300, 80))
    p_values = [log_rank(time, time < 2, rng.integers(0, 2, 80), weights=weights).p_value for time in times]
    assert 0.02 <= np.mean(np.array(p_values) < 0.05) <= 0.09  # 5 %: outside in under 1 of 100 series


def test_late_weights_find_a_late_difference():
    rng = np.random.default_rng(2)
    group = np.arange(400) % 2
    time = rng.exponential(size=400)
    time = np.where((group == 1) & (time > 0.7), 0.7 + (time - 0.7) / 2.5, time)
    late, early = (log_rank(time, np.ones(400), group, weights=FlemingHarrington(*pq)) for pq in ((0, 1), (2, 0)))
    assert late.statistic > 2 * early.statistic


def test_bad_weights_are_named():
    with pytest.raises(ConfigError, match="weights is 'wilcoxon'"):
        log_rank([1, 2], [1, 1], ["a", "b"], weights="wilcoxon")
    with pytest.raises(ConfigError, match="q is -1"):
        FlemingHarrington(0, -1)
    with pytest.raises(ConfigError, match="p is nan"):
        FlemingHarrington(np.nan)
    with pytest.raises(FitError, match="of a weight > 0"):
        log_rank([1, 2, 3], [1, 0, 0], ["a", "b", "b"], weights=FlemingHarrington(0, 1))
