"""Net benefit: the plain formula without censoring, Kaplan-Meier among the treated with it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import AbstractResult, ConfigError, DataError
from biolab.survival import SurvivalTarget, decision_curve, net_benefit_draws

# tests/validation/utility_r.R
GOLD_R = [0.069387083780, -0.134417020880, -0.308333333333]

THRESHOLDS = np.array([0.1, 0.2, 0.35, 0.5, 0.8])


def _cohort(n, seed, censored=True):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    failed = np.ceil(generator.exponential(30 * np.exp(-score)))
    left = np.ceil(generator.uniform(5.0, 120.0, n)) if censored else np.full(n, np.inf)
    return np.minimum(failed, left), failed <= left, 1 - np.exp(-np.exp(score) * 20 / 30)


def _net_benefit(time, event, risk, horizon, cut):
    """Follow the equations of the 2008 paper, with a Kaplan-Meier loop of its own."""
    rows = [(t, e) for t, e, r in zip(time, event, risk, strict=True) if r >= cut]
    alive = 1.0
    for moment in sorted({t for t, e in rows if e and t <= horizon}):
        alive *= 1 - sum(1 for t, e in rows if e and t == moment) / sum(1 for t, _ in rows if t >= moment)
    share = len(rows) / len(time)
    return (1 - alive) * share - alive * share * cut / (1 - cut)


@given(st.integers(0, 10**6), st.floats(0.05, 0.9))
@settings(max_examples=30, derandomize=True, deadline=None)
def test_without_censoring_it_is_true_less_weighted_false_positives(seed, cut):
    time, event, risk = _cohort(60, seed, censored=False)
    treated, failed = risk >= cut, time <= 20.0
    plain = (treated & failed).mean() - (treated & ~failed).mean() * cut / (1 - cut)
    found = net_benefit_draws(time, event, risk, np.ones(60), horizon=20.0, thresholds=np.array([cut]))
    assert found[0] == pytest.approx(plain, abs=1e-12)


@given(st.integers(0, 10**6))
@settings(max_examples=20, derandomize=True, deadline=None)
def test_agrees_with_the_paper_under_censoring(seed):
    time, event, risk = _cohort(300, seed)
    found = net_benefit_draws(time, event, risk, np.ones(300), horizon=20.0, thresholds=THRESHOLDS)
    expected = [_net_benefit(time, event, risk, 20.0, cut) for cut in THRESHOLDS]
    known = np.isfinite(found)
    assert known.sum() >= 4
    np.testing.assert_allclose(found[known], np.array(expected)[known], atol=1e-12)


def test_draws_equal_repeated_rows():
    time, event, risk = _cohort(150, 5)
    weights = np.random.default_rng(1).multinomial(150, np.full(150, 1 / 150), size=4)
    found = net_benefit_draws(time, event, risk, weights, horizon=20.0, thresholds=THRESHOLDS[:4])
    for k, weight in enumerate(weights):
        t, e, r = (np.repeat(column, weight) for column in (time, event, risk))
        again = net_benefit_draws(t, e, r, np.ones(150), horizon=20.0, thresholds=THRESHOLDS[:4])
        np.testing.assert_allclose(found[k], again, atol=1e-12)


def test_matches_survfit_of_r():
    k = np.arange(1, 61)
    time, event, risk = k * 37 % 41 + 1.0, k * 11 % 7 > 2, (k * 29 % 61) / 61
    found = net_benefit_draws(time, event, risk, np.ones(60), horizon=20.0, thresholds=np.array([0.2, 0.4, 0.6]))
    np.testing.assert_allclose(found, GOLD_R, atol=1e-11)


def test_a_useful_model_beats_the_defaults_and_the_frame_is_whole():
    time, event, risk = _cohort(800, 7)
    target = SurvivalTarget(time=time, event=event)
    found = decision_curve({"model": risk}, target, 20.0, thresholds=[0.5, 0.2], replicates=100, seed=1)
    table = found.table()
    assert table.height == 6
    model, everybody, nobody = (table.filter(strategy=s) for s in ("model", "treat all", "treat none"))
    assert (model["net_benefit"] > everybody["net_benefit"]).all()
    assert (model["net_benefit"] > nobody["net_benefit"]).all()
    assert nobody["net_benefit"].to_list() == nobody["upper"].to_list() == [0.0, 0.0]
    assert ((model["lower"] < model["net_benefit"]) & (model["net_benefit"] < model["upper"])).all()
    assert everybody["treated"].to_list() == [1.0, 1.0]
    assert found.settings["thresholds"] == [0.2, 0.5]
    assert isinstance(found, AbstractResult)
    assert set(found.metrics) == {"net_benefit.model.at_0.2", "net_benefit.model.at_0.5"}
    json.dumps([found.settings, found.metrics])


def test_intervals_cover_at_the_nominal_rate():
    # 100 cohorts at 90 %: a right interval covers 75 or more with probability > 1 - 1e-5
    time, event, risk = _cohort(200_000, 11, censored=False)
    truth = net_benefit_draws(time, event, risk, np.ones(time.size), horizon=20.0, thresholds=np.array([0.4]))[0]
    covered = 0
    for seed in range(100):
        time, event, risk = _cohort(200, 1000 + seed)
        target = SurvivalTarget(time=time, event=event)
        found = decision_curve(
            {"m": risk}, target, 20.0, thresholds=[0.4], replicates=100, seed=seed, confidence=0.9
        ).table()
        covered += found["lower"][0] <= truth <= found["upper"][0]
    assert covered >= 75


def test_short_follow_up_of_the_treated_is_null_and_nobody_treated_is_zero():
    target = SurvivalTarget(time=np.array([2.0, 3.0, 9.0, 9.0]), event=np.array([True, False, False, True]))
    risk = np.array([0.6, 0.7, 0.1, 0.2])
    table = decision_curve({"m": risk}, target, 5.0, thresholds=[0.15, 0.5, 0.9], replicates=50, seed=1).table()
    assert table["net_benefit"].to_list()[1:3] == [None, 0.0]
    assert table["lower"][1] is None


def test_refusals():
    time, event, risk = _cohort(40, 1)
    target = SurvivalTarget(time=time, event=event)

    def ask(risks, horizon=20.0, thresholds=(0.2,)):
        return decision_curve(risks, target, horizon, thresholds=thresholds, replicates=10, seed=1)

    with pytest.raises(DataError, match="Follow-up ends"):
        ask({"m": risk}, 1e6)
    with pytest.raises(DataError, match="Follow-up ends"):
        ask({"m": risk}, np.nan)
    with pytest.raises(DataError, match=r"row 0 .* is nan"):
        ask({"m": risk * np.nan})
    with pytest.raises(DataError, match="shape"):
        ask({"m": risk[1:]})
    with pytest.raises(ConfigError, match="treat all"):
        ask({"treat all": risk})
    with pytest.raises(ConfigError, match="no model"):
        ask({})
    with pytest.raises(ConfigError, match="threshold is 1"):
        ask({"m": risk}, thresholds=[0.1, 1.0])
    with pytest.raises(ConfigError, match="threshold is nan"):
        ask({"m": risk}, thresholds=[np.nan])
    with pytest.raises(ConfigError, match="no thresholds"):
        ask({"m": risk}, thresholds=[])
