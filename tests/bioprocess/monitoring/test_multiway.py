"""Promised false-alarm rates, faults found and named, and what must not change a verdict."""

import re

import numpy as np
import polars as pl
import pytest

from biolab.bioprocess.monitoring import ByTime, MultiwayPCA, MultiwayPLS, golden_batch
from biolab.core import ConfigError, DataError, FitError


@pytest.fixture(scope="module")
def monitor(source):
    return MultiwayPCA(components=3, variables=source.VARIABLES).fit(source.normal(1, 200))


@pytest.mark.slow
def test_the_promised_rate_of_false_alarms_is_kept(source):
    # Over many fits of 40 held-out batches the rate is between 0.1 - 1/41 and 0.1; 12 fits of 50 new batches each.
    alarms = []
    for seed in range(12):
        fitted = MultiwayPCA(variables=source.VARIABLES[:3], seed=seed, alignment=ByTime(points=20)).fit(
            source.normal(100 + seed, 80)
        )
        new = source.normal(5000 + seed, 50)
        alarms += [fitted.check(b, false_alarm_rate=0.1).alarm for b in new]
    assert 0.05 < np.mean(alarms) < 0.15  # three standard errors, fits differing too


def test_a_fault_off_the_plane_is_found_soon_and_named(monitor, source):
    found = monitor.check(source.batch(np.random.default_rng(5), fault="step", size=3.0))
    assert found.alarm
    assert found.statistic == "spe"
    assert 40.0 <= found.alarm_h < 44.0
    assert found.contributions()["variable"][0] == "ph_measured"
    assert found.contributions()["share"].sum() == pytest.approx(1.0)


def test_a_far_batch_in_the_plane_is_found_by_t2(monitor, source):
    found = monitor.check(source.batch(np.random.default_rng(6), fault="big", size=9.0))
    assert found.alarm
    assert found.metrics["t2_over_limit"] > 1.5
    assert found.contributions("t2").height == 5


def test_parts_add_up_to_the_statistics(monitor, source):
    frame = source.batch(np.random.default_rng(7), fault="step", size=3.0)
    found = monitor.check(frame)
    at = found.charts["time_h"].to_numpy().searchsorted(found.alarm_h)
    spe = found.charts["spe"][int(at)] if found.statistic == "spe" else None
    if spe is not None:
        assert found.contributions("spe")["contribution"].sum() == pytest.approx(spe)
    x, _ = monitor.known_rows(*monitor.read(frame, "it"))
    scores = monitor.plane.scores_so_far(x)
    assert monitor.plane.t_squared_parts(x, scores).sum() == pytest.approx(monitor.plane.t_squared(scores)[-1])


def test_scores_of_a_complete_batch_are_its_projection(monitor, source):
    x, _ = monitor.known_rows(*monitor.read(source.normal(9, 1)[0], "it"))
    flat = monitor.plane.loadings.reshape(-1, 3)
    np.testing.assert_allclose(monitor.plane.scores_so_far(x)[-1], flat.T @ x.ravel(), rtol=0.02, atol=0.1)


def test_what_comes_later_does_not_change_what_was_said(monitor, source):
    frame = source.batch(np.random.default_rng(11), fault="step", size=3.0)
    whole, half = monitor.check(frame), monitor.check(frame, until_h=60.0)
    assert half.charts["time_h"].max() <= 60.0
    np.testing.assert_allclose(half.charts["spe"], whole.charts["spe"][: half.charts.height])
    assert half.alarm_h == whole.alarm_h


def test_units_of_a_variable_do_not_matter(source):
    frames, new = source.normal(2, 24), source.batch(np.random.default_rng(1))
    other = [f.with_columns(pl.col("ph_measured") * 1000 + 7) for f in frames]
    few = MultiwayPCA(variables=source.VARIABLES, alignment=ByTime(points=25))
    one, two = (few.fit(f) for f in (frames, other))
    charts = one.check(new, false_alarm_rate=0.1).charts
    again = two.check(new.with_columns(pl.col("ph_measured") * 1000 + 7), false_alarm_rate=0.1).charts
    np.testing.assert_allclose(charts.to_numpy(), again.to_numpy(), rtol=1e-6)


def test_too_few_batches_are_told_with_how_many_are_needed(monitor, source):
    with pytest.raises(DataError, match=r"100 normal batches were held out; .* 0.001 a batch needs 999"):
        monitor.check(source.normal(3, 1)[0], false_alarm_rate=0.001)
    with pytest.raises(DataError, match="4 normal batches leave 2 to fit"):
        MultiwayPCA(variables=source.VARIABLES).fit(source.normal(1, 4))
    with pytest.raises(DataError, match="components is 3 with 3 batches to fit; expected 1 to 1"):
        MultiwayPCA(variables=source.VARIABLES).fit(source.normal(1, 6))


def test_bad_batches_are_named(monitor, source):
    good = source.normal(1, 1)[0]
    with pytest.raises(DataError, match=re.escape("no column 'ph_measured'")):
        monitor.check(good.rename({"ph_measured": "pH_measured"}))
    with pytest.raises(DataError, match=r"row 1: time_h is 0.0 after 0.0"):
        monitor.check(good.with_columns(time_h=pl.lit(0.0)))
    with pytest.raises(DataError, match="column ph_measured holds no number"):
        monitor.check(good.with_columns(ph_measured=pl.lit(None, dtype=pl.Float64)))
    with pytest.raises(ConfigError, match="false_alarm_rate is 0"):
        monitor.check(good, false_alarm_rate=0.0)
    with pytest.raises(ConfigError, match="no chart 'q'"):
        monitor.check(good).contributions("q")


def test_gaps_are_what_was_last_known(monitor, source):
    frame = source.normal(4, 1)[0]
    gap = frame.with_columns(
        pl.when(pl.col("time_h") == 50).then(None).otherwise(pl.col("ph_measured")).alias("ph_measured")
    )
    filled = frame.with_columns(
        pl.when(pl.col("time_h") == 50)
        .then(pl.col("ph_measured").shift(1))
        .otherwise("ph_measured")
        .alias("ph_measured")
    )
    np.testing.assert_allclose(monitor.check(gap).charts["spe"], monitor.check(filled).charts["spe"])


def test_quality_is_predicted_better_as_the_batch_goes_on(source):
    frames = source.normal(8, 60)
    quality = np.array([f["cells_measured"][-10:].mean() + f["lactate_measured"][-10:].mean() for f in frames])
    monitor = MultiwayPLS(components=3, variables=source.VARIABLES, alignment=ByTime(points=25)).fit(
        frames, pl.Series("titre_g_per_l", quality)
    )
    new = source.normal(80, 25)
    truth = [f["cells_measured"][-10:].mean() + f["lactate_measured"][-10:].mean() for f in new]
    said = [monitor.predict(f) for f in new]
    early, late = (np.array([p["titre_g_per_l"][k] for p in said]) - truth for k in (2, -1))
    assert late.std() < 0.5 * np.std(truth)
    assert late.std() < early.std()
    assert said[0]["titre_g_per_l_error"][-1] == pytest.approx(late.std(), rel=0.5)
    assert monitor.metrics["rmse_titre_g_per_l"] == pytest.approx(said[0]["titre_g_per_l_error"][-1])
    assert monitor.check(source.batch(np.random.default_rng(1), fault="step", size=2.0), false_alarm_rate=0.05).alarm


def test_quality_that_cannot_be_learnt_is_refused(source):
    frames = source.normal(8, 20)
    with pytest.raises(DataError, match="quality has 3 rows for 20 batches"):
        MultiwayPLS(variables=source.VARIABLES).fit(frames, np.ones(3))
    with pytest.raises(FitError, match="same for all batches"):
        MultiwayPLS(variables=source.VARIABLES).fit(frames, np.ones(20))
    with pytest.raises(DataError, match="quality of batch 3, column 0, is nan"):
        MultiwayPLS(variables=source.VARIABLES).fit(frames, np.where(np.arange(20) == 2, np.nan, np.arange(20.0)))


@pytest.mark.slow
def test_golden_bands_hold_a_normal_batch_as_often_as_said(source):
    golden = golden_batch(source.normal(20, 160), variables=source.VARIABLES[2:], coverage=0.9, points=20)
    new = source.normal(21, 100)
    left = np.mean([golden.outside(b).filter(variable="heat_measured").height > 0 for b in new])
    assert left == pytest.approx(0.1, abs=0.09)


def test_golden_bands_show_what_leaves_them(source):
    golden = golden_batch(source.normal(20, 60), variables=source.VARIABLES, coverage=0.9, points=20)
    outside = golden.outside(source.batch(np.random.default_rng(3), fault="step", size=4.0))
    assert "ph_measured" in set(outside.filter(pl.col("time_h") > 45)["variable"])
    assert not outside.filter(pl.col("value").is_between("lower", "upper")).height
    with pytest.raises(DataError, match=r"a coverage of 0.99 needs 99"):
        golden_batch(source.normal(20, 20), variables=source.VARIABLES, coverage=0.99)
