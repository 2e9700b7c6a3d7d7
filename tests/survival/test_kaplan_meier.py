import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import AbstractResult
from biolab.core.errors import ConfigError, DataError
from biolab.survival import kaplan_meier, nelson_aalen

few = settings(derandomize=True, max_examples=40, deadline=None)
cohorts = st.integers(0, 10**6).map(
    lambda seed: (
        np.random.default_rng(seed).integers(1, 15, 30).astype(float),
        np.random.default_rng(seed + 1).random(30) < 0.6,
    )
)


@few
@given(cohorts)
def test_it_follows_the_definition(cohort):
    time, event = cohort
    curve, hazard = kaplan_meier(time, event), nelson_aalen(time, event)
    for at in (0.5, 3, 7.5, 14, 99):
        moments = np.unique(time[event & (time <= at)])
        shares = [(event & (time == t)).sum() / (time >= t).sum() for t in moments]
        np.testing.assert_allclose(curve.at(at), math.prod(1 - share for share in shares), atol=1e-12)
        np.testing.assert_allclose(hazard.at(at), sum(shares), atol=1e-12)


@few
@given(cohorts)
def test_limits_enclose_and_the_curve_never_rises(cohort):
    for interval in ("log", "log-log", "plain"):
        table = kaplan_meier(*cohort, interval=interval).table().drop_nulls()
        assert (table["lower"] <= table["survival"] + 1e-12).all()
        assert (table["survival"] <= table["upper"] + 1e-12).all()
        assert (np.diff(table["survival"]) <= 0).all()
        assert table["lower"].min() is None or table["lower"].min() >= 0


@few
@given(cohorts)
def test_a_weight_of_two_is_a_patient_twice(cohort):
    time, event = cohort
    weight = np.arange(len(time)) % 3
    twice = kaplan_meier(np.repeat(time, weight), np.repeat(event, weight)).table()
    assert_frames_close(kaplan_meier(time, event, weight=weight).table(), twice)


@few
@given(cohorts)
def test_entry_at_zero_changes_nothing(cohort):
    assert_frames_close(kaplan_meier(*cohort, entry=np.zeros(30)).table(), kaplan_meier(*cohort).table())


def assert_frames_close(left, right):
    assert left.columns == right.columns
    for name in left.columns:
        np.testing.assert_allclose(left[name].to_numpy(), right[name].to_numpy(), atol=1e-12)


def test_left_limits_and_numbers_at_risk():
    curve = kaplan_meier([6, 6, 7, 10], [1, 0, 1, 0])
    np.testing.assert_allclose(curve.at([6, 7], left_limit=True), [1.0, 0.75])
    np.testing.assert_array_equal(curve.at_risk([0, 6, 6.5, 10, 11]), [4, 4, 2, 1, 0])
    assert isinstance(curve, AbstractResult)
    assert isinstance(nelson_aalen([1, 2], [1, 1]), AbstractResult)


def test_medians():
    assert kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).median.estimate == 2.5  # level at exactly one half: the midpoint
    assert kaplan_meier([1, 2, 3], [1, 1, 1]).median.estimate == 2
    never = kaplan_meier([1, 2, 3], [1, 0, 0]).median
    assert never.estimate == math.inf
    assert never.upper == math.inf


def test_everybody_dies_and_nobody_dies():
    last = kaplan_meier([1, 2], [1, 1]).table()
    assert last["survival"].to_list() == [0.5, 0.0]
    assert last["lower"].to_list()[1] is None
    assert kaplan_meier([1, 2], [0, 0]).table()["survival"].to_list() == [1.0, 1.0]
    assert nelson_aalen([1, 2], [0, 0]).table()["lower"].to_list() == [None, None]
    assert kaplan_meier([1.0], [1]).at(1.0) == 0.0


def test_weights_that_do_not_add_up_exactly_still_reach_zero():
    curve = kaplan_meier([1, 2, 3], [1, 1, 1], weight=[0.1, 0.2, 0.3], entry=[0, 0.5, 0.5])
    assert curve.table()["survival"].to_list()[-1] == 0.0


def test_nobody_at_risk_between_late_entries_keeps_the_curve():
    curve = kaplan_meier([1, 5, 6], [0, 1, 0], entry=[0, 3, 3])
    np.testing.assert_allclose(curve.at([2, 5]), [1.0, 0.5])


@pytest.mark.parametrize("estimate", [kaplan_meier, nelson_aalen])
def test_bad_arguments_are_named(estimate):
    with pytest.raises(DataError, match="no patient"):
        estimate([], [])
    with pytest.raises(DataError, match="zero for every patient"):
        estimate([1.0], [1], weight=[0])
    with pytest.raises(ConfigError, match="'log', "):
        estimate([1.0], [1], interval="loglog")
    with pytest.raises(ConfigError, match="confidence is 95"):
        estimate([1.0], [1], confidence=95)
    with pytest.raises(DataError, match="row 0"):
        estimate(pl.Series([0.0]), [1])
