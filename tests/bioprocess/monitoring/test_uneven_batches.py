"""Batches of the plant that take unlike times: alignment sees what lies beyond the hours that all have."""

import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import (
    ByIndicator,
    ByTime,
    ByWarping,
    CHOFedBatch,
    MultiwayPCA,
    Reactor,
    Recipe,
    faults,
    oxygen_transfer,
    simulate,
)  # fmt: skip
from biolab.bioprocess.monitoring.trajectories import trajectory

pytestmark = pytest.mark.slow  # 100 batches of the plant
HARVEST_L = 0.9
PACED = ("viable_cells_1e6_per_ml_measured", "agitation_rpm", "titre_g_per_l_measured", "lactate_g_per_l_measured")
ALIGNED = (ByIndicator(column="oxygen_total"), ByWarping(window=0.4))


def batch(seed, *wrong):
    """Fed what it uses, from an inoculum that varies by 30 %, harvested when so much was fed; with its oxygen."""
    rng = np.random.default_rng([11, seed])
    recipe = Recipe.load("cho-standard").changed({
        "inoculum.viable_cells_1e6_per_ml": 0.5 * float(np.exp(np.clip(0.3 * rng.normal(), -0.6, 0.6))),
        "phases.feeding.feeding": {"mode": "glucose-setpoint", "glucose_g_per_l": 3.0, "sample_every_h": 24.0},
    })  # fmt: skip
    frame = simulate(CHOFedBatch(), recipe, faults=wrong, seed=seed).trajectories
    hourly = oxygen_transfer(frame, Reactor())["oxygen_transfer_mmol_per_l_h"].clip(0.0)
    return frame.with_columns(oxygen_total=hourly.cum_sum()).filter(pl.col("feed_total_l") <= HARVEST_L)


@pytest.fixture(scope="module")
def normal():
    return [batch(seed) for seed in range(60)]


def spread(frames, alignment):
    """Return the mean standard deviation of viable cells between batches, over that within their course."""
    read, ways = [trajectory(f, PACED, "it") for f in frames], [f["oxygen_total"].to_numpy() for f in frames]
    scale = alignment.fit(read, ways)
    found = [scale.align(b, w) for b, w in zip(read, ways, strict=True)]
    known = min(one.reached for one in found)
    cells = np.stack([one.values[:known, 0] for one in found])
    return cells.std(axis=0).mean() / cells.mean(axis=0).std()


def test_warping_brings_batches_of_unlike_duration_together(normal):
    hours = [frame["time_h"][-1] for frame in normal]
    assert max(hours) - min(hours) > 48
    assert spread(normal, ALIGNED[1]) < 0.75 * spread(normal, ByTime())


@pytest.mark.parametrize("alignment", ALIGNED)
def test_normal_batches_pass_whatever_they_took(normal, alignment):
    monitor = MultiwayPCA(variables=PACED, alignment=alignment).fit(normal)
    rang = [monitor.check(batch(1000 + k), false_alarm_rate=0.1).alarm for k in range(30)]
    assert sum(rang) <= 8  # 3 expected; the 30 calibration batches are drawn too


def test_a_late_fault_of_a_slow_batch_is_beyond_the_clock(normal):
    hours = np.array([frame["time_h"][-1] for frame in normal])
    slow, start = int(np.argsort(hours)[50]), float(hours.min()) + 10.0
    late = batch(slow, faults.CascadeFailure(start_h=start, agitation_rpm=110.0))
    others = [frame for k, frame in enumerate(normal) if k != slow]
    clock = MultiwayPCA(variables=PACED, alignment=ByTime()).fit(others).check(late, false_alarm_rate=0.05)
    assert not clock.alarm
    assert clock.charts["time_h"].max() < start  # the clock's charts end before the fault begins
    for alignment in ALIGNED:
        monitor = MultiwayPCA(variables=PACED, alignment=alignment).fit(others)
        assert not monitor.check(normal[slow], false_alarm_rate=0.05).alarm
        assert start < monitor.check(late, false_alarm_rate=0.05).alarm_h < start + 24.0
