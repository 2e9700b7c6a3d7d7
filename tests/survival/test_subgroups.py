"""Subgroups: the metrics of evaluate on the group alone, small groups hidden, groups against the rest."""

import json

import numpy as np
import polars as pl
import pytest

from biolab.core import AbstractResult, ConfigError, DataError
from biolab.survival import Prediction, evaluate, subgroup_metrics, survival_target

TIMES = np.array([6.0, 12.0, 24.0])
ASKED = {"horizons": TIMES[1:2], "grid": TIMES, "seed": 5}


def _cohort(n, seed, effect=1.0):
    generator = np.random.default_rng(seed)
    score = generator.normal(size=n)
    failed, left = generator.exponential(40 * np.exp(-effect * score)), generator.uniform(25.0, 150.0, n)
    return survival_target((np.minimum(failed, left) + 1e-9, failed <= left)), score


def _prediction(score):
    return Prediction(risk_score=score, survival=np.exp(-np.exp(score)[:, None] * TIMES / 40), times=TIMES)


def test_estimates_are_those_of_the_group_alone():
    target, score = _cohort(400, 1)
    predictions = {"model": _prediction(score), "half": _prediction(score / 2)}
    sex = pl.Series("sex", ["f", "m"] * 200)
    found = subgroup_metrics(predictions, target, sex, replicates=30, **ASKED)
    for name, first in (("f", 0), ("m", 1)):
        rows = np.arange(first, 400, 2)
        part = {model: _prediction(p.risk_score[rows]) for model, p in predictions.items()}
        alone = evaluate(part, target.take(rows), replicates=30, **ASKED).table()
        mine = found.table().filter(subgroup=name)
        assert mine["patients"].unique().to_list() == [200]
        assert mine["events"].unique().to_list() == [int(target.event[rows].sum())]
        joined = mine.join(alone, on=["model", "metric", "horizon"], nulls_equal=True, validate="1:1")
        assert joined.height == mine.height == alone.height  # no metric of evaluate is forgotten
        np.testing.assert_allclose(joined["estimate"], joined["estimate_right"], rtol=1e-12)
        assert (joined["lower"] < joined["upper"]).all()
    apart = found.differences()
    f, m = (apart.filter(subgroup=name) for name in ("f", "m"))
    np.testing.assert_allclose(f["difference"], -m["difference"].to_numpy(), rtol=1e-9)
    assert isinstance(found, AbstractResult)
    assert "time_dependent_auc.at_12.half.f" in found.metrics
    json.dumps([found.settings, found.metrics])


def test_a_group_where_the_model_is_worthless_is_found():
    good, score = _cohort(300, 2, effect=1.5)
    bad, other = _cohort(300, 3, effect=0.0)
    target = survival_target((np.append(good.time, bad.time), np.append(good.event, bad.event)))
    predictions = {"model": _prediction(np.append(score, other))}
    apart = subgroup_metrics(predictions, target, ["a"] * 300 + ["b"] * 300, replicates=100, **ASKED).differences()
    row = apart.filter(subgroup="b", metric="harrell_c")
    assert row["difference"].item() < -0.15
    assert row["adjusted_p_value"].item() < 1e-6


def test_small_groups_are_hidden_with_all_that_gives_them_away():
    target, score = _cohort(230, 4)
    labels = ["large"] * 120 + ["middle"] * 90 + ["small"] * 15 + [None] * 5
    found = subgroup_metrics({"m": _prediction(score)}, target, labels, replicates=10, **ASKED)
    table = found.table()
    hidden = table.filter(pl.col("subgroup").is_in(["small", "missing"]))
    numbers = ("patients", "events", "estimate", "standard_error", "lower", "upper", "replicates")
    assert hidden.select(numbers).null_count().row(0) == (hidden.height,) * 7
    assert set(found.differences()["subgroup"]) == {"large", "middle"}
    assert found.settings["suppressed"] == ["missing", "small"]
    assert table.filter(subgroup="middle")["patients"].unique().to_list() == [90]
    alone = subgroup_metrics({"m": _prediction(score)}, target, ["a"] * 130 + ["b"] * 90 + ["c"] * 10, **ASKED,
                             replicates=10).table()  # fmt: skip
    assert alone.filter(subgroup="a")["patients"].unique().to_list() == [130]
    assert alone.filter(subgroup="b")["patients"].null_count() == 6  # else 230 - 130 - 90 would be told
    assert alone.filter(subgroup="b")["estimate"].null_count() == 0


def test_few_events_hide_a_group_and_a_small_rest_hides_the_difference():
    target, score = _cohort(200, 5)
    event = target.event.copy()
    event[:60] = np.arange(60) < 4
    found = subgroup_metrics(
        {"m": _prediction(score)},
        survival_target((target.time, event)),
        ["few"] * 60 + ["many"] * 140,
        replicates=10,
        **ASKED,
    )
    assert found.table().filter(subgroup="few")["estimate"].null_count() == 6
    assert found.table().filter(subgroup="many")["estimate"].null_count() == 0
    assert found.differences().is_empty()


def test_a_metric_past_the_follow_up_of_a_group_is_null():
    target, score = _cohort(200, 6)
    time = target.time.copy()
    time[:100] = np.minimum(time[:100], 11.0)
    event = target.event.copy()
    event[:100] &= time[:100] < 11
    found = subgroup_metrics(
        {"m": _prediction(score)}, survival_target((time, event)), ["a"] * 100 + ["b"] * 100, replicates=10, **ASKED
    ).table()
    assert found.filter(subgroup="a", metric="time_dependent_auc")["estimate"].to_list() == [None]
    assert found.filter(subgroup="a", metric="harrell_c")["estimate"].null_count() == 0


def test_labels_of_any_kind_and_all_hidden():
    target, score = _cohort(60, 7)
    found = subgroup_metrics(
        {"m": _prediction(score)}, target, np.arange(60) % 2, minimum_patients=50, replicates=5, **ASKED
    )
    assert found.table()["estimate"].null_count() == found.table().height == 12
    assert found.metrics == {}


def test_refusals():
    target, score = _cohort(60, 8)
    with pytest.raises(DataError, match="2 labels"):
        subgroup_metrics({"m": _prediction(score)}, target, ["a", "b"], **ASKED)
    with pytest.raises(ConfigError, match="minimum_patients is 0"):
        subgroup_metrics({"m": _prediction(score)}, target, ["a"] * 60, minimum_patients=0, **ASKED)
    with pytest.raises(ConfigError, match="not among"):
        subgroup_metrics({"m": _prediction(score)}, target, ["a"] * 60, **{**ASKED, "horizons": np.array([5.0])})
    with pytest.raises(ConfigError, match="no model"):
        subgroup_metrics({}, target, ["a"] * 60, **ASKED)
