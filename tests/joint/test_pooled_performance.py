"""Pooled measures of prediction: agreement with metafor, what is one estimate a site, and what is not pooled."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.joint import pool_performance

GOLD = json.loads((Path(__file__).parents[1] / "validation" / "pooled_performance_r.json").read_text())["found"]
NUMBERS = ("estimate", "lower", "upper", "prediction_lower", "prediction_upper", "tau2", "i2", "q_p_value")


def cells(metric: str, values: list[tuple[str, str, float, float]]) -> pl.DataFrame:
    rows = [("cox", train, test, metric, None, estimate, error) for train, test, estimate, error in values]
    columns = ("model", "train_site", "test_site", "metric", "horizon", "estimate", "standard_error")
    return pl.DataFrame(rows, schema=columns, orient="row").cast({"horizon": pl.Float64})


@pytest.mark.parametrize("metric", GOLD)
def test_agrees_with_metafor(metric: str) -> None:
    gold = GOLD[metric]
    pairs = zip(gold["given"]["estimate"], gold["given"]["error"], strict=True)
    found = pool_performance(cells(metric, [("home", f"site{n}", *pair) for n, pair in enumerate(pairs)]))
    pooled = found.pooled.row(0, named=True)
    for name in NUMBERS:
        assert pooled[name] == pytest.approx(gold["pooled"][name], rel=1e-6, abs=1e-7), name
    np.testing.assert_allclose(found.sites["weight"], gold["pooled"]["weights"], rtol=1e-6)
    without = found.left_out.rows(named=True)
    for row, expected in zip(without, gold["left_out"], strict=len(gold["left_out"]) > 0):
        for name in ("estimate", "lower", "upper", "tau2", "i2"):
            assert row[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-7), name


def test_several_models_at_one_site_are_one_estimate_of_it() -> None:
    found = pool_performance(
        cells("calibration_slope", [("a", "c", 0.8, 0.1), ("b", "c", 1.0, 0.3), ("b", "a", 1.0, 0.2)])
    )
    assert found.sites.select("site", "estimate", "standard_error").rows() == [
        ("c", pytest.approx(0.9), pytest.approx(0.2)),
        ("a", pytest.approx(1.0), pytest.approx(0.2)),
    ]
    assert found.pooled.select("sites", "estimate", "method").rows() == [
        (2, pytest.approx(0.95), "REML, normal interval")
    ]
    assert found.left_out.is_empty()


def test_home_and_elsewhere_are_never_pooled_together() -> None:
    found = pool_performance(
        cells("harrell_c", [("a", "a", 0.7, 0.02), ("b", "b", 0.7, 0.02), ("a", "b", 0.6, 0.02), ("b", "a", 0.6, 0.02)])
    )
    pooled = {row["evidence"]: row["estimate"] for row in found.pooled.iter_rows(named=True)}
    assert pooled == {"internal": pytest.approx(0.7), "external": pytest.approx(0.6)}


def test_what_cannot_be_pooled_is_left_out() -> None:
    none = cells("integrated_brier_score", [("a", "b", 0.2, 0.02), ("b", "a", 0.2, 0.02)])
    edges = cells("harrell_c", [("a", "b", 1.0, 0.02), ("b", "a", 0.6, 0.0), ("b", "c", float("nan"), 0.1)])
    single = cells("harrell_c", [("a", "b", 0.7, 0.02)])
    assert pool_performance(none).sites.is_empty()
    assert pool_performance(edges).sites.is_empty()
    alone = pool_performance(single)
    assert (alone.pooled.height, alone.sites.height) == (0, 1)
    assert pool_performance(none.clear()).pooled.is_empty()


shares = st.floats(0.55, 0.9)
errors = st.floats(0.01, 0.05)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.lists(st.tuples(shares, errors), min_size=3, max_size=6))
def test_pooled_lies_within_and_order_does_not_matter(values: list[tuple[float, float]]) -> None:
    rows = [("home", f"site{n}", *value) for n, value in enumerate(values)]
    first, second = (
        pool_performance(cells("harrell_c", each)).pooled.row(0, named=True) for each in (rows, rows[::-1])
    )
    assert min(value for value, _ in values) - 1e-9 <= first["estimate"] <= max(value for value, _ in values) + 1e-9
    assert first["lower"] < first["estimate"] < first["upper"]
    assert first["prediction_lower"] < first["lower"] + 1e-9
    for name in NUMBERS:
        assert second[name] == pytest.approx(first[name], rel=1e-5, abs=1e-6)
