"""Batches of unlike pace meet on one scale."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.bioprocess.monitoring import ByIndicator, ByTime, ByWarping, MultiwayPCA
from biolab.bioprocess.monitoring.alignment import warping_path
from biolab.bioprocess.monitoring.trajectories import trajectory
from biolab.core import ConfigError, DataError


def course(pace, hours=100):
    """A batch that does the same in another time."""
    time = np.arange(0.0, hours + 1e-9)
    share = np.clip(time * pace / 100.0, 0, 1)
    return pl.DataFrame({"time_h": time, "a": np.sin(6 * share), "b": share**2, "fed_g": 50 * share})


def read(frame):
    return trajectory(frame, ("a", "b"), "it")


def brute(batch, reference):
    """Cheapest path by plain recursion over the table, both ends fixed, no window."""
    n, k = len(batch), len(reference)
    d = ((batch[:, None] - reference[None]) ** 2).sum(-1)
    total = np.full((n, k), np.inf)
    total[0, 0] = d[0, 0]
    for i in range(n):
        for j in range(k):
            options = [total[i, j]]
            if i and j:
                options.append(total[i - 1, j - 1] + 2 * d[i, j])
            if i:
                options.append(total[i - 1, j] + d[i, j])
            if j:
                options.append(total[i, j - 1] + d[i, j])
            total[i, j] = min(options)
    return total


def cost(path, batch, reference):
    d = ((batch[:, None] - reference[None]) ** 2).sum(-1)
    total = d[0, 0]
    for (i, j), (u, v) in pairwise(path.tolist()):
        total += d[u, v] * ((u - i) + (v - j))
    return total


@settings(max_examples=10, derandomize=True, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 10_000))
def test_the_warping_path_is_the_cheapest(n, k, seed):
    rng = np.random.default_rng(seed)
    batch, reference = rng.normal(size=(n, 2)), rng.normal(size=(k, 2))
    path = warping_path(batch, reference, window=1.0)
    table = brute(batch, reference)
    assert path[0].tolist() == [0, 0]
    assert path[-1, 0] == n - 1
    assert all((u - i, v - j) in {(1, 1), (1, 0), (0, 1)} for (i, j), (u, v) in pairwise(path.tolist()))
    assert cost(path, batch, reference) == pytest.approx(table[-1, path[-1, 1]])
    ends = table[-1] / (n + np.arange(1, k + 1))
    assert ends[path[-1, 1]] == pytest.approx(ends.min())


def test_a_batch_warped_to_itself_stays(source):
    frame = course(1.0)
    scale = ByWarping(points=101).fit([read(frame)])
    found = scale.align(read(frame), None)
    assert found.reached == 101
    np.testing.assert_allclose(found.values[:, :2], frame.select("a", "b").to_numpy(), atol=1e-12)
    np.testing.assert_allclose(found.values[:, 2], found.clock_h)


@pytest.mark.parametrize("alignment", [ByIndicator(column="fed_g"), ByWarping(window=0.4)])
def test_slow_and_fast_batches_meet(alignment):
    frames = [course(1.0), course(0.8, hours=125), course(1.25, hours=80)]
    ways = [f["fed_g"].to_numpy() for f in frames]
    scale = alignment.fit([read(f) for f in frames], ways)
    found = [scale.align(read(f), w) for f, w in zip(frames, ways, strict=True)]
    known = min(f.reached for f in found)
    assert known > 95
    by_clock = ByTime().fit([read(f) for f in frames])
    apart = [np.ptp([by_clock.align(read(f)).values[:, 0] for f in frames], axis=0).max()]
    assert np.ptp([f.values[:known, 0] for f in found], axis=0).max() < 0.1 * apart[0]
    assert found[1].clock_h[known - 1] > found[2].clock_h[known - 1] + 30  # hours are those of the batch


def test_an_unfinished_batch_stops_where_it_is(source):
    frames = [course(1.0), course(0.9, hours=111)]
    part = frames[1].filter(pl.col("time_h") <= 60)
    ways = [f["fed_g"].to_numpy() for f in frames]
    for alignment in (ByTime(), ByIndicator(column="fed_g"), ByWarping()):
        scale = alignment.fit([read(f) for f in frames], ways)
        found = scale.align(read(part), part["fed_g"].to_numpy())
        assert 40 < found.reached < 70
        assert np.isnan(found.values[found.reached :]).all()
        assert found.clock_h[found.reached - 1] <= 60.0


def test_alignment_by_progress_forgives_pace_and_sees_time(source):
    rng = np.random.default_rng(4)
    noise = lambda f: f.with_columns(pl.col("a", "b") + 0.02 * pl.Series(rng.normal(size=f.height)))  # noqa: E731
    frames = [noise(course(p, hours=100 / p)) for p in rng.normal(1.0, 0.03, 60).clip(0.9, 1.1)]
    monitor = MultiwayPCA(components=2, variables=("a", "b"), alignment=ByIndicator(column="fed_g", points=40)).fit(
        frames
    )
    assert monitor.variables == ("a", "b", "clock_h")
    slow = monitor.check(noise(course(0.7, hours=140)), false_alarm_rate=0.05)
    assert slow.alarm
    assert slow.contributions()["variable"][0] == "clock_h"


def test_batches_that_cannot_be_aligned_are_named(source):
    flat = course(1.0).with_columns(fed_g=pl.lit(3.0))
    with pytest.raises(DataError, match="batch 2, column fed_g never rises above 3"):
        MultiwayPCA(variables=("a",), alignment=ByIndicator(column="fed_g"), components=1).fit([course(1.0), flat] * 3)
    late = course(1.0).with_columns(pl.col("time_h") + 500)
    with pytest.raises(DataError, match="share no hours"):
        MultiwayPCA(variables=("a",), components=1).fit([course(1.0), late] * 4)
    with pytest.raises(ConfigError, match="window is 0"):
        ByWarping(window=0.0).fit([read(course(1.0))])
    with pytest.raises(ConfigError, match="points is 1"):
        ByTime(points=1).fit([read(course(1.0))])
