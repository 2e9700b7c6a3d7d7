"""evaluate: the same numbers as the single metrics, paired differences, what is refused."""

import json

import numpy as np
import pytest

from biolab.core import ConfigError, DataError
from biolab.survival import (
    Prediction,
    calibration_slope,
    evaluate,
    harrell_c,
    integrated_brier_score,
    observed_expected,
    survival_target,
    time_dependent_auc,
    uno_c,
)

TIMES = np.array([6.0, 12.0, 24.0, 36.0, 48.0, 60.0])
HORIZONS = np.array([12.0, 36.0])


def _cohort(n, seed):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 2))
    event_time = generator.exponential(40 * np.exp(-x @ [0.8, 0.6]))
    censored = generator.uniform(20.0, 150.0, n)
    return survival_target((np.minimum(event_time, censored) + 1e-9, event_time <= censored)), x


def _prediction(score):
    return Prediction(risk_score=score, survival=np.exp(-np.exp(score)[:, None] * TIMES / 40), times=TIMES)


@pytest.fixture(scope="module")
def evaluated():
    target, x = _cohort(400, 1)
    predictions = {"one": _prediction(0.8 * x[:, 0]), "both": _prediction(x @ [0.8, 0.6])}
    steps = []
    found = evaluate(
        predictions,
        target,
        horizons=HORIZONS,
        grid=TIMES,
        tau=60.0,
        replicates=200,
        seed=5,
        reference="one",
        on_progress=lambda done, total: steps.append((done, total)),
    )
    return found, target, predictions, steps


def test_estimates_are_those_of_the_single_metrics(evaluated):
    found, y, predictions, _ = evaluated
    for name, prediction in predictions.items():
        score = prediction.risk_score
        single = {
            ("harrell_c", None): harrell_c(y.time, y.event, score),
            ("uno_c", None): uno_c(y.time, y.event, score, tau=60.0),
            ("integrated_brier_score", None): integrated_brier_score(y.time, y.event, prediction.survival, TIMES),
            ("calibration_slope", None): calibration_slope(y.time, y.event, score),
        }
        for k, horizon in ((1, 12.0), (3, 36.0)):
            survival = prediction.survival[:, k]
            single["time_dependent_auc", horizon] = time_dependent_auc(y.time, y.event, 1 - survival, horizon)
            single["observed_expected", horizon] = observed_expected(y.time, y.event, survival, horizon)
        assert found.table().filter(model=name).height == len(single)
        for (metric, horizon), expected in single.items():
            estimate = found.estimate(name, metric, horizon)
            assert estimate.estimate == pytest.approx(expected.estimate), metric
            assert estimate.lower < estimate.estimate < estimate.upper
            # 200 draws know a spread to 5 %; analytic errors hold the censoring weights fixed
            assert estimate.standard_error == pytest.approx(expected.standard_error, rel=0.3), metric


def test_differences_are_paired(evaluated):
    found, *_ = evaluated
    row = found.differences().row(by_predicate=_is("harrell_c"), named=True)
    apart = found.estimate("both", "harrell_c").estimate - found.estimate("one", "harrell_c").estimate
    assert row["difference"] == pytest.approx(apart)
    assert (row["model"], row["reference"]) == ("both", "one")
    errors = [found.estimate(name, "harrell_c").standard_error for name in ("one", "both")]
    assert row["standard_error"] < np.hypot(*errors)
    assert row["lower"] > 0


def _is(metric):
    import polars as pl

    return pl.col("metric") == metric


def test_tables_settings_and_metrics(evaluated):
    found, _, _, steps = evaluated
    columns = ["model", "metric", "horizon", "estimate", "standard_error", "lower", "upper", "replicates"]
    assert found.table().columns == columns
    assert found.table()["replicates"].unique().to_list() == [200]
    flat = found.metrics("both")
    assert flat["time_dependent_auc.at_36.lower"] < flat["time_dependent_auc.at_36"] < flat["harrell_c.upper"] + 1
    assert all(isinstance(value, float) for value in flat.values())
    assert found.settings["tau"] == 60.0
    assert "each replicate" in str(found.settings["censoring_weights"])
    json.dumps(found.settings)
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_same_seed_same_bits_whatever_other_models_are_there():
    target, x = _cohort(150, 2)
    settings = {"horizons": HORIZONS, "grid": TIMES, "replicates": 50, "seed": 3}
    alone = evaluate({"a": _prediction(x[:, 0])}, target, **settings)
    beside = evaluate({"b": _prediction(x[:, 1]), "a": _prediction(x[:, 0])}, target, **settings)
    assert alone.table().equals(beside.table().filter(model="a"))
    assert alone.differences().is_empty()
    other = evaluate({"a": _prediction(x[:, 0])}, target, **(settings | {"seed": 4}))
    assert not alone.table().equals(other.table())


def test_blocks_of_replicates_do_not_change_the_result(monkeypatch):
    target, x = _cohort(120, 3)
    settings = {"horizons": HORIZONS, "grid": TIMES, "replicates": 30, "seed": 3}
    whole = evaluate({"a": _prediction(x[:, 0])}, target, **settings).table()
    monkeypatch.setattr("biolab.survival.metric_draws.BLOCK_CELLS", 120 * 7)
    pieces = evaluate({"a": _prediction(x[:, 0])}, target, **settings).table()
    for column in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(pieces[column], whole[column], rtol=1e-12)


def test_replicates_that_cannot_be_computed_are_counted():
    # two events before the first horizon among 60: about (1 - 2/60)^60 = 13 % of replicates have neither
    generator = np.random.default_rng(9)
    time, event = generator.uniform(13.0, 80.0, 60), generator.random(60) < 0.8
    time[:2], event[:2] = (5.0, 7.0), True
    score = generator.normal(size=60)
    found = evaluate(
        {"a": _prediction(score)}, survival_target((time, event)), horizons=HORIZONS, grid=TIMES, replicates=300, seed=1
    )
    counts = {(row["metric"], row["horizon"]): row["replicates"] for row in found.table().iter_rows(named=True)}
    assert counts["harrell_c", None] == 300
    assert 300 * 0.78 < counts["time_dependent_auc", 12.0] < 300 * 0.95
    assert found.table()["lower"].null_count() == 0


def test_interval_covers_the_truth():
    # 95 % percentile intervals of Harrell's C on 120 cohorts: under 87 % covered happens by chance once in 2000
    truth_target, x = _cohort(60_000, 77)
    truth = harrell_c(truth_target.time, truth_target.event, x[:, 0]).estimate
    covered = 0
    for seed in range(120):
        target, x = _cohort(150, 100 + seed)
        found = evaluate(
            {"a": _prediction(x[:, 0])}, target, horizons=HORIZONS[:1], grid=TIMES[:2], replicates=100, seed=seed
        ).estimate("a", "harrell_c")
        covered += found.lower <= truth <= found.upper
    assert covered >= 0.87 * 120


def test_refusals():
    target, x = _cohort(80, 4)
    good = {"a": _prediction(x[:, 0])}
    settings = {"horizons": HORIZONS, "grid": TIMES, "replicates": 5, "seed": 1}
    with pytest.raises(ConfigError, match="Horizon 13"):
        evaluate(good, target, **(settings | {"horizons": np.array([13.0])}))
    with pytest.raises(ConfigError, match="no model"):
        evaluate({}, target, **settings)
    with pytest.raises(ConfigError, match="Did you mean 'a'"):
        evaluate(good, target, **settings, reference="A")
    with pytest.raises(DataError, match="80"):
        evaluate({"a": _prediction(x[1:, 0])}, target, **settings)
    with pytest.raises(DataError, match="time_dependent_auc at horizon 12"):
        evaluate(good, survival_target((target.time + 12, target.event)), **settings)
    with pytest.raises(DataError, match="calibration_slope of model 'a'"):
        evaluate({"a": _prediction(np.zeros(80))}, target, **settings)
    found = evaluate(good, target, **settings)
    with pytest.raises(ConfigError, match="Did you mean 'a'"):
        found.metrics("A")
    with pytest.raises(ConfigError, match="harrell_c"):
        found.estimate("a", "harrel_c")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk_score": np.array([0.0, np.nan])}, "row 1"),
        ({"survival": np.array([[0.9, 1.2], [0.9, 0.8]])}, "leaves"),
        ({"survival": np.array([[0.8, 0.9], [0.9, 0.8]])}, "rises"),
        ({"survival": np.ones((2, 3))}, "shape"),
        ({"times": np.array([2.0, 1.0])}, "increase"),
    ],
)
def test_a_prediction_is_checked(change, message):
    good = {"risk_score": np.zeros(2), "survival": np.full((2, 2), 0.5), "times": np.array([1.0, 2.0])}
    with pytest.raises(DataError, match=message):
        Prediction(**(good | change))
