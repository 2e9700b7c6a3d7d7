"""The best model: the one with the highest pooled gain, with limits that hold for all models at once."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from biolab.joint import best_model
from biolab.stats import meta_analyse

MODELS = ("reference", "cox", "forest")
SITES = ("a", "b", "c", "d")


def frames(gains: dict[str, list[float]], error: float = 0.01) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Judge each model at every site by the model of a fixed other one."""
    where = [("home", site) for site in SITES]
    levels, gaps = [], []
    for model, gain in (("reference", [0.0] * 4), *gains.items()):
        for (train, test), value in zip(where, gain, strict=False):
            levels.append((model, train, test, "harrell_c", None, 0.65 + value, 0.02))
            if model != "reference":
                gaps.append((model, "reference", train, test, "harrell_c", None, value, error))
    columns = ("train_site", "test_site", "metric", "horizon")
    kinds = {"horizon": pl.Float64}
    level = pl.DataFrame(levels, schema=("model", *columns, "estimate", "standard_error"), orient="row")
    gap = pl.DataFrame(gaps, schema=("model", "reference", *columns, "difference", "standard_error"), orient="row")
    return level.cast(kinds), gap.cast(kinds)


def found(gains: dict[str, list[float]], error: float = 0.01):
    return best_model(*frames(gains, error), models=MODELS, reference="reference")


def test_the_gain_is_the_meta_analysis_of_paired_differences() -> None:
    gains = {"cox": [0.03, 0.05, 0.02, 0.06], "forest": [0.01, 0.0, 0.02, 0.01]}
    best = found(gains)
    assert (best.model, best.metric, best.horizon, best.evidence) == ("cox", "harrell_c", None, "external")
    assert best.ranking["model"].to_list() == ["cox", "forest", "reference"]
    expected = meta_analyse(np.array(gains["cox"]), np.full(4, 0.01), at_least_normal=True, confidence=1 - 0.05 / 2)
    row = best.ranking.row(0, named=True)
    assert (row["gain"], row["simultaneous_lower"]) == pytest.approx((expected.estimate, expected.lower))
    p_value = 2 * stats.t.sf(abs(expected.estimate) / expected.standard_error, 3)
    assert row["p_value"] == pytest.approx(p_value)
    assert row["adjusted_p_value"] == pytest.approx(2 * p_value)
    assert row["simultaneous_lower"] < row["gain_lower"] < row["gain"] < row["gain_upper"] < row["simultaneous_upper"]


def test_a_clear_winner_and_one_that_is_not() -> None:
    clear = found({"cox": [0.08, 0.081, 0.079, 0.08], "forest": [0.0, 0.001, 0.0, -0.001]}, error=0.004)
    assert clear.clear
    assert clear.contenders == ()
    close = found({"cox": [0.03, 0.02, 0.04, 0.03], "forest": [0.03, 0.02, 0.035, 0.03]})
    assert close.model == "cox"
    assert "forest" in close.contenders
    none = found({"cox": [-0.03, -0.02, -0.04, -0.03], "forest": [-0.01, -0.02, -0.01, -0.02]})
    assert (none.model, none.clear) == ("reference", False)


def test_models_are_compared_where_all_were_judged() -> None:
    best = found({"cox": [0.02, 0.02, 0.02], "forest": [0.01, 0.01, 0.01, 0.9]})
    assert (best.model, best.sites) == ("cox", ("a", "b", "c"))


def test_without_other_sites_it_is_internal_and_without_measures_there_is_none() -> None:
    level, gap = frames({"cox": [0.02, 0.03, 0.02, 0.01]})
    home = [frame.with_columns(train_site="test_site") for frame in (level, gap)]
    internal = best_model(*home, models=MODELS, reference="reference")
    assert (internal.model, internal.evidence) == ("cox", "internal")
    nothing = best_model(level.clear(), gap.clear(), models=MODELS, reference="reference")
    assert (nothing.model, nothing.contenders, nothing.clear) == (None, (), False)
    alone = best_model(level, gap.clear(), models=MODELS, reference="reference")
    assert (alone.model, alone.method) == ("reference", "")


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.lists(st.floats(-0.05, 0.05), min_size=8, max_size=8), st.floats(0.005, 0.03))
def test_distances_agree_with_gains(values: list[float], error: float) -> None:
    best = found({"cox": values[:4], "forest": values[4:]}, error)
    gains = {row["model"]: row["gain"] or 0.0 for row in best.ranking.iter_rows(named=True)}
    assert gains[best.model] == max(gains.values())
    for row in best.ranking.iter_rows(named=True):
        if row["model"] != best.model:
            assert row["behind_lower"] <= row["behind"] <= row["behind_upper"]
            assert row["contender"] == (row["behind_lower"] <= 0)


def test_simultaneous_limits_cover_all_models_at_once() -> None:
    # 60 studies of four sites, two models without any gain: both intervals must hold 0 in at least 90 %
    draw = np.random.default_rng(4)
    covered = 0
    for _ in range(60):
        shared = draw.normal(0, 0.01, 4)
        gains = {name: list(shared * 0.7 + draw.normal(0, 0.01, 4)) for name in ("cox", "forest")}
        limits = found(gains, error=0.0122).ranking.drop_nulls("gain")
        covered += bool(((limits["simultaneous_lower"] <= 0) & (limits["simultaneous_upper"] >= 0)).all())
    assert covered / 60 > 0.9
