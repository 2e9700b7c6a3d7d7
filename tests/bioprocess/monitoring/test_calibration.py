"""Limits keep what they promise: on average over calibrations, or with a confidence; alone or several together."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from biolab.bioprocess.monitoring import CombinedMonitor, MultiwayPCA, TooEarlyError
from biolab.bioprocess.monitoring.calibration import Calibration, threshold
from biolab.core import ConfigError, DataError


def test_the_rank_of_a_limit_is_the_conformal_one():
    flat = {"t2": np.ones(30)}
    held = {f"batch {k}": {"t2": np.full(30, np.exp(0.1 * k))} for k in range(1, 100)}
    found = Calibration.of([flat, {"t2": np.full(30, 1.1)}], held)
    assert found.held_out == tuple(held)
    assert (found.scores < threshold(found.scores, 0.01)).sum() == 98
    assert (found.scores < threshold(found.scores, 0.10)).sum() == 89
    limit = found.limits(threshold(found.scores, 0.1))["t2"]
    assert sum(max(chart["t2"] / limit) > 1 + 1e-9 for chart in held.values()) == 9


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.integers(20, 3000), st.floats(0.002, 0.3), st.floats(0.5, 0.99))
def test_a_confidence_is_that_of_an_order_statistic(n, rate, confidence):
    scores = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    if (1 - rate) ** n > 1 - confidence:
        with pytest.raises(DataError, match="needs"):
            threshold(scores, rate, confidence)
        return
    r = int(threshold(scores, rate, confidence))  # the r-th smallest; further scores exceed it at a rate Beta(n+1-r, r)
    assert beta.cdf(rate, n + 1 - r, r) >= confidence - 1e-9
    if r > 1:
        assert beta.cdf(rate, n + 2 - r, r - 1) < confidence


def test_what_cannot_be_promised_is_told_with_how_many_batches_it_takes():
    with pytest.raises(DataError, match=r"298 normal batches .* 0.01 a batch with a confidence of 0.95 needs 299"):
        threshold(np.zeros(298), 0.01, 0.95)
    assert threshold(np.arange(299.0), 0.01, 0.95) == 298.0
    with pytest.raises(DataError, match=r"98 normal batches were held out; .* needs 99"):
        threshold(np.zeros(98), 0.01)
    with pytest.raises(ConfigError, match="confidence is 1"):
        threshold(np.zeros(500), 0.01, 1.0)
    with pytest.raises(ConfigError, match="false_alarm_rate is 0"):
        threshold(np.zeros(500), 0.0)


@pytest.fixture(scope="module")
def pair(source):
    normal = source.normal(31, 80)
    fit = lambda names: MultiwayPCA(variables=names, components=1).fit(normal)  # noqa: E731
    return fit(source.VARIABLES[:2]), fit(source.VARIABLES[2:])


def test_monitors_together_leave_as_many_batches_above_as_one_alone(pair):
    both = CombinedMonitor(monitors=pair)
    limits = both.thresholds(0.1)
    scores = np.stack([one.calibration.scores for one in pair])
    alone = (scores[0] > threshold(scores[0], 0.1)).sum()
    assert (scores > limits[:, None]).any(axis=0).sum() <= alone
    assert (scores >= limits[:, None]).any(axis=0).sum() == alone + 1
    with pytest.raises(DataError, match="enough for 1 monitor"):
        both.thresholds(0.03)
    with pytest.raises(DataError, match="needs 99"):
        both.thresholds(0.01)


def test_the_rate_of_two_dependent_monitors_is_that_of_the_blocks():
    """Limits of 5 blocks on 200 pairs: the chance beyond them is Beta(5, 196), whatever the pairs' dependence."""
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(300, 1, 200))
    pairs = np.concatenate([shared + rng.normal(size=shared.shape), 0.5 * shared**3 + rng.normal(size=shared.shape)], 1)
    far = rng.normal(size=(1, 100_000))
    new = np.concatenate([far + rng.normal(size=far.shape), 0.5 * far**3 + rng.normal(size=far.shape)])
    charts = {"t2": np.ones(3)}
    beyond = []
    for scores in pairs:
        calibrations = [
            Calibration(usual=charts, centre={}, spread={}, scores=one, held_out=tuple(map(str, range(200))))
            for one in scores
        ]
        both = CombinedMonitor(monitors=tuple(SimpleNamespace(calibration=one) for one in calibrations))
        beyond.append((new > both.thresholds(0.025)[:, None]).any(axis=0).mean())
    assert np.mean(beyond) == pytest.approx(5 / 201, rel=0.1)
    assert np.quantile(beyond, 0.95) == pytest.approx(beta.ppf(0.95, 5, 196), rel=0.2)


def test_the_monitor_that_sees_a_fault_speaks(pair, source):
    both = CombinedMonitor(monitors=pair)
    wrong = source.batch(np.random.default_rng(5), fault="step", size=3.0)
    found = both.check(wrong, false_alarm_rate=0.05)
    assert found.variables == source.VARIABLES[:2]
    assert found.contributions()["variable"][0] == "ph_measured"
    assert found.settings["false_alarm_rate"] == 0.05
    quiet = both.check(source.normal(77, 1)[0], false_alarm_rate=0.05)
    assert quiet.over_limit == max(quiet.metrics[f"{name}_over_limit"] for name in quiet.statistics)


def test_monitors_of_other_batches_are_refused(pair, source):
    other = MultiwayPCA(variables=source.VARIABLES[:2], components=1, seed=9).fit(source.normal(31, 80))
    with pytest.raises(DataError, match=r"held out different batches \(40, 40"):
        CombinedMonitor(monitors=(pair[0], other))
    with pytest.raises(ConfigError, match="monitors is empty"):
        CombinedMonitor(monitors=())


class _Waiting:
    """A monitor of another kind that waits for more of a running batch."""

    def __init__(self, monitor, from_h):
        self.calibration, self.monitor, self.from_h = monitor.calibration, monitor, from_h

    def judge(self, batch, at, *, until_h=None):
        if until_h is not None and until_h < self.from_h:
            raise TooEarlyError(f"The batch has too few counts until {until_h:g} h.")
        return self.monitor.judge(batch, at, until_h=until_h)


def test_monitors_that_wait_are_named_and_the_others_watch(source):
    monitor = MultiwayPCA(components=2).fit(source.normal(1, 80))
    late = CombinedMonitor(monitors=(monitor, _Waiting(monitor, 60.0)))
    batch = source.batch(np.random.default_rng(5), fault="step", start_h=10.0, size=40.0)
    early = late.check(batch, false_alarm_rate=0.1, until_h=30.0)
    assert early.alarm
    assert early.charts["time_h"][-1] <= 30.0
    assert early.silent == ("_Waiting: The batch has too few counts until 30 h.",)
    assert late.check(batch, false_alarm_rate=0.1, until_h=80.0).silent == ()
    with pytest.raises(TooEarlyError, match="No monitor watches the batch yet"):
        CombinedMonitor(monitors=(_Waiting(monitor, 60.0),)).check(batch, false_alarm_rate=0.1, until_h=30.0)


def test_two_waiting_monitors_of_one_kind_are_told_apart(source):
    monitor = MultiwayPCA(components=2).fit(source.normal(1, 80))
    three = CombinedMonitor(monitors=(_Waiting(monitor, 60.0), monitor, _Waiting(monitor, 90.0)))
    assert three.names == ("_Waiting 1", type(monitor).__name__, "_Waiting 3")
    batch = source.batch(np.random.default_rng(5), fault="step", start_h=10.0, size=40.0)
    said = {hour: three.check(batch, false_alarm_rate=0.1, until_h=hour).silent for hour in (30.0, 80.0, 100.0)}
    assert [line.split(":")[0] for line in said[30.0]] == ["_Waiting 1", "_Waiting 3"]
    assert [line.split(":")[0] for line in said[80.0]] == ["_Waiting 3"]
    assert said[100.0] == ()
