import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import AbstractResult
from biolab.core.errors import ConfigError, DataError
from biolab.survival import compare_rmst, kaplan_meier, rmst

few = settings(derandomize=True, max_examples=25, deadline=None)


def draw(seed, n=50):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 30, n).astype(float), rng.random(n) < 0.6


@few
@given(st.integers(0, 10**6), st.floats(0.1, 1))
def test_it_is_the_area_under_the_curve(seed, share):
    time, event = draw(seed)
    tau = share * time.max()
    curve = kaplan_meier(time, event)
    grid = np.linspace(0, tau, 300_001)
    area = curve.at((grid[1:] + grid[:-1]) / 2).mean() * tau
    found = rmst(time, event, tau)
    assert found.estimate == pytest.approx(area, rel=1e-3)
    assert 0 <= found.lower <= found.estimate <= found.upper <= tau


@few
@given(st.integers(0, 10**6))
def test_without_censoring_it_is_a_mean(seed):
    time, _ = draw(seed)
    cut = np.minimum(time, 12)
    found = rmst(time, np.ones(50), 12)
    assert found.estimate == pytest.approx(cut.mean())
    assert found.standard_error == pytest.approx(cut.std() / math.sqrt(50))


@few
@given(st.integers(0, 10**6))
def test_units_of_time_and_names_do_not_matter(seed):
    time, event = draw(seed)
    time[:2], event[:2] = 30, False
    group = np.arange(50) % 2
    found, in_hours = compare_rmst(time, event, group, 20), compare_rmst(24 * time, event, group, 480)
    assert in_hours.difference.estimate == pytest.approx(24 * found.difference.estimate)
    assert in_hours.ratio.upper == pytest.approx(found.ratio.upper)
    swapped = compare_rmst(time, event, 1 - group, 20)
    assert swapped.difference.estimate == pytest.approx(-found.difference.estimate)
    assert swapped.ratio.lower == pytest.approx(1 / found.ratio.upper)
    assert swapped.ratio_p_value == pytest.approx(found.ratio_p_value)
    alone = rmst(time[group == 1], event[group == 1], 20)
    assert found.means[1] == alone
    assert isinstance(found, AbstractResult)
    assert found.table()["quantity"].to_list() == ["0", "1", "1 - 0", "1 / 0"]


def test_calibrated_under_the_null_and_covering():
    rng = np.random.default_rng(11)
    truth = 1 - math.exp(-1.0)
    wrong, hits = 0, 0
    for _ in range(300):
        time, censored = rng.exponential(size=120), rng.uniform(0.5, 3, 120)
        seen, event = np.minimum(time, censored), time <= censored
        found = compare_rmst(seen, event, np.arange(120) % 2, 1.0)
        wrong += found.difference_p_value < 0.05
        hits += found.means[0].lower <= truth <= found.means[0].upper
    assert 0.02 <= wrong / 300 <= 0.09  # 5 %: outside in under 1 of 100 series
    assert 0.90 <= hits / 300 <= 0.985


def test_hard_input():
    assert rmst([5, 6], [0, 0], 4).estimate == 4
    assert rmst([5, 6], [0, 0], 4).standard_error == 0
    assert rmst([1, 2], [1, 1], 50).estimate == 1.5  # the curve is at 0: what follows is known
    level = compare_rmst([5, 6, 7, 8], [0] * 4, list("abab"), 4)
    assert level.difference.estimate == 0
    assert math.isnan(level.difference_p_value)
    with pytest.raises(DataError, match=r"follow-up ends at 6 with patients left.*tau <= 6"):
        rmst([5, 6], [1, 0], 7)
    with pytest.raises(DataError, match="of group 'b' ends at 3"):
        compare_rmst([5, 3], [0, 0], ["a", "b"], 4)
    with pytest.raises(DataError, match="There are 3 groups"):
        compare_rmst([5, 3, 4], [0, 0, 1], ["a", "b", "c"], 2)
    with pytest.raises(DataError, match="group is None"):
        compare_rmst([5, 3], [0, 0], None, 2)
    with pytest.raises(DataError, match="group has 1 rows"):
        compare_rmst([5, 3], [0, 0], ["a"], 2)
    for tau in (0, -1, math.inf, math.nan):
        with pytest.raises(ConfigError, match="tau is"):
            rmst([5, 6], [1, 0], tau)
    with pytest.raises(ConfigError, match="confidence"):
        rmst([5, 6], [1, 0], 2, confidence=95)
    with pytest.raises(DataError, match="no patient"):
        rmst([], [], 2)
