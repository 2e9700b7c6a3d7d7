"""Paired comparisons: the differences of evaluate, p-values that agree with limits, Holm, the rate of false alarms."""

import json
import math

import numpy as np
import pytest

from biolab.core import AbstractResult, ConfigError, DataError
from biolab.stats import holm
from biolab.survival import Prediction, compare_models, evaluate, survival_target

TIMES = np.array([6.0, 12.0, 24.0])
ASKED = {"horizons": TIMES[1:2], "grid": TIMES, "seed": 5}


def _cohort(n, seed):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 2))
    failed, left = generator.exponential(40 * np.exp(-x @ [0.8, 0.8])), generator.uniform(25.0, 150.0, n)
    return survival_target((np.minimum(failed, left) + 1e-9, failed <= left)), x


def _prediction(score):
    return Prediction(risk_score=score, survival=np.exp(-np.exp(score)[:, None] * TIMES / 40), times=TIMES)


@pytest.fixture(scope="module")
def models():
    target, x = _cohort(300, 1)
    return target, {"both": _prediction(x @ [0.8, 0.8]), "one": _prediction(x[:, 0]), "twin": _prediction(x[:, 0])}


def test_differences_are_those_of_evaluate(models):
    target, predictions = models
    found = compare_models(predictions, target, replicates=100, reference="one", **ASKED)
    table = found.table()
    expected = evaluate(predictions, target, replicates=100, reference="one", **ASKED).differences()
    joined = table.join(expected, on=["model", "reference", "metric", "horizon"], nulls_equal=True, validate="1:1")
    assert joined.height == table.height == expected.height == 12
    assert joined["difference"].to_list() == joined["difference_right"].to_list()
    assert joined["standard_error"].to_list() == joined["standard_error_right"].to_list()
    assert isinstance(found, AbstractResult)
    assert "harrell_c.both_minus_one.adjusted_p_value" in found.metrics
    json.dumps([found.settings, found.metrics])


def test_p_values_agree_with_limits_and_are_adjusted_over_the_table(models):
    target, predictions = models
    table = compare_models(predictions, target, replicates=100, **ASKED).table()
    assert table.height == 18
    assert table.filter(model="one", reference="twin")["difference"].to_list() == [0.0] * 6
    assert table.filter(model="one", reference="twin")["p_value"].to_list() == [1.0] * 6
    assert table["adjusted_p_value"].to_list() == holm(table["p_value"].to_numpy()).tolist()
    outside = (table["lower"] > 0) | (table["upper"] < 0)
    assert (outside == (table["p_value"] < 0.05)).all()
    told = table.filter(table["standard_error"] > 0)
    z = (told["difference"] / told["standard_error"]).abs().to_list()
    np.testing.assert_allclose(told["p_value"], [math.erfc(value / math.sqrt(2)) for value in z], rtol=1e-9)
    better = table.filter(model="both", reference="one", metric="harrell_c")
    assert better["difference"].item() > 0
    assert better["adjusted_p_value"].item() < 1e-4


def test_swapping_models_turns_the_sign(models):
    target, predictions = models
    one, other = (
        compare_models(predictions, target, replicates=50, metrics=["uno_c"], reference=reference, **ASKED)
        .table()
        .filter(model=model)
        for reference, model in (("one", "both"), ("both", "one"))
    )
    assert one["difference"].item() == pytest.approx(-other["difference"].item())
    assert one["p_value"].item() == pytest.approx(other["p_value"].item())


def test_equally_good_models_are_told_apart_at_the_nominal_rate():
    # 120 cohorts at 10 %: a right test rejects 30 or more with probability < 1e-5, 1 or less with < 1e-4
    false = 0
    for seed in range(120):
        target, x = _cohort(120, 500 + seed)
        predictions = {"first": _prediction(0.8 * x[:, 0]), "second": _prediction(0.8 * x[:, 1])}
        found = compare_models(predictions, target, replicates=60, metrics=["harrell_c"], **ASKED)
        false += found.table()["p_value"].item() < 0.1
    assert 2 <= false <= 29


def test_a_metric_without_value_is_null_and_not_counted():
    target, x = _cohort(40, 3)
    late = {**ASKED, "horizons": np.array([1e4])}
    times = np.append(TIMES, 1e4)
    predictions = {
        name: Prediction(risk_score=x[:, k], survival=np.exp(-np.exp(x[:, k])[:, None] * times / 40), times=times)
        for k, name in enumerate(("first", "second"))
    }
    table = compare_models(predictions, target, replicates=30, **late).table()
    lost = table.filter(metric="time_dependent_auc")
    assert lost["difference"].to_list() == lost["p_value"].to_list() == lost["adjusted_p_value"].to_list() == [None]
    assert lost["replicates"].item() == 0
    assert table.filter(metric="harrell_c")["p_value"].null_count() == 0


def test_refusals(models):
    target, predictions = models
    with pytest.raises(ConfigError, match="at least two"):
        compare_models({"one": predictions["one"]}, target, **ASKED)
    with pytest.raises(ConfigError, match="at least two"):
        compare_models({}, target, **ASKED)
    with pytest.raises(ConfigError, match="reference"):
        compare_models(predictions, target, reference="two", **ASKED)
    with pytest.raises(ConfigError, match="no metric 'harrel_c'"):
        compare_models(predictions, target, metrics=["harrel_c"], replicates=2, **ASKED)
    with pytest.raises(ConfigError, match="metrics is empty"):
        compare_models(predictions, target, metrics=[], replicates=2, **ASKED)
    with pytest.raises(DataError, match="the target has 40"):
        compare_models(predictions, target.take(np.arange(40)), **ASKED)
