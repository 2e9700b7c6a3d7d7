"""Harrell's and Uno's C as users meet them."""

import numpy as np
import pytest

from biolab.core import DataError
from biolab.survival import harrell_c, harrell_c_draws, uno_c, uno_c_draws


def _cohort(n, seed, *, censoring=0.02):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    event_time, censored = generator.exponential(30 * np.exp(-score)), generator.exponential(1 / censoring, n)
    return np.minimum(event_time, censored) + 1e-9, event_time <= censored, score


def test_without_censoring_both_are_the_same():
    time, _, score = _cohort(300, 1)
    event = np.ones(300, dtype=bool)
    assert uno_c(time, event, score).estimate == pytest.approx(harrell_c(time, event, score).estimate)


def test_uno_barely_moves_with_the_censoring_where_harrell_does():
    # the same patients seen for longer and shorter: Uno's C up to tau estimates the same number
    apart = {}
    for name, metric in (("harrell", harrell_c), ("uno", lambda *c: uno_c(*c, tau=15.0))):
        light, heavy = (metric(*_cohort(20_000, 5, censoring=rate)).estimate for rate in (0.005, 0.12))
        apart[name] = abs(light - heavy)
    assert apart["uno"] < 0.012 < apart["harrell"]


def test_draws_with_unit_weights_are_the_estimate():
    time, event, score = _cohort(200, 2)
    weights = np.ones((3, 200), dtype=np.int64)
    np.testing.assert_allclose(harrell_c_draws(time, event, score, weights), harrell_c(time, event, score).estimate)
    for tau in (None, 20.0):
        expected = uno_c(time, event, score, tau=tau).estimate
        np.testing.assert_allclose(uno_c_draws(time, event, score, weights, tau=tau), expected)


def test_draws_equal_repeated_rows_censoring_weights_included():
    time, event, score = _cohort(120, 3)
    weights = np.random.default_rng(1).multinomial(120, np.full(120, 1 / 120), size=5)
    draws = uno_c_draws(time, event, score, weights, tau=25.0)
    for weight, draw in zip(weights, draws, strict=True):
        repeated = (np.repeat(column, weight) for column in (time, event, score))
        assert uno_c(*repeated, tau=25.0).estimate == pytest.approx(draw)


def test_tau_is_inclusive_and_cuts():
    time, event, score = np.arange(1.0, 6.0), np.ones(5, dtype=bool), np.array([5.0, 4.0, 1.0, 2.0, 3.0])
    assert uno_c(time, event, score, tau=2.0).estimate == 1.0
    assert uno_c(time, event, score, tau=3.0).estimate == pytest.approx(7 / 9)


def test_interval_covers_the_bootstrap():
    time, event, score = _cohort(400, 4)
    found = harrell_c(time, event, score)
    assert 0 < found.lower < found.estimate < found.upper < 1
    assert harrell_c(time, event, score, confidence=0.5).upper < found.upper


@pytest.mark.parametrize("metric", [harrell_c, uno_c])
def test_refusals(metric):
    time, event, score = _cohort(30, 6)
    with pytest.raises(DataError, match="No two patients"):
        metric(time, np.zeros(30, dtype=bool), score)
    with pytest.raises(DataError, match="score is nan in row 4"):
        metric(time, event, np.where(np.arange(30) == 4, np.nan, score))


def test_events_beyond_the_censoring_sample_are_named():
    time, event, score = _cohort(50, 7)
    short = (np.array([1.0, 2.0]), np.array([True, False]))
    with pytest.raises(DataError, match="tau"):
        uno_c(time, event, score, censoring=short)
    assert uno_c(time, event, score, censoring=short, tau=2.0).estimate > 0
