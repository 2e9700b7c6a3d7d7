import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import AbstractResult
from biolab.core.errors import ConfigError, DataError, FitError
from biolab.survival import aalen_johansen, kaplan_meier

few = settings(derandomize=True, max_examples=25, deadline=None)
cases = given(st.integers(0, 10**6), st.integers(2, 40), st.booleans(), st.booleans())


def draw(seed, n, late, weighted):
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 12, n).astype(float)
    cause = rng.integers(0, 4, n)
    cause[0] = 2
    entry = np.floor(time * rng.random(n) * 0.8) if late else None
    weight = rng.choice([0.5, 1.0, 3.0], n) if weighted else None
    return time, cause, {"entry": entry, "weight": weight}


def incidence_by_definition(time, cause, code, entry, weight):
    free, total, found = 1.0, 0.0, []
    for moment in np.unique(time):
        at_risk = weight[(entry < moment) & (moment <= time)].sum()
        now = time == moment
        if at_risk > 0:
            total += free * weight[now & (cause == code)].sum() / at_risk
            free *= max(1 - weight[now & (cause > 0)].sum() / at_risk, 0.0)
        found.append(total)
    return np.array(found)


@few
@cases
def test_incidences_and_event_free_add_up_to_one_and_never_fall(seed, n, late, weighted):
    time, cause, rest = draw(seed, n, late, weighted)
    found = aalen_johansen(time, cause, **rest)
    np.testing.assert_allclose(found.incidence.sum(axis=0) + found.event_free, 1, atol=1e-12)
    assert (np.diff(found.incidence, axis=1) >= 0).all()
    np.testing.assert_allclose(found.event_free, kaplan_meier(time, cause > 0, **rest).survival, atol=1e-12)
    assert isinstance(found, AbstractResult)
    assert found.table().height == len(found.causes) * len(found.counts.time)


@few
@cases
def test_one_cause_is_kaplan_meier(seed, n, late, weighted):
    time, cause, rest = draw(seed, n, late, weighted)
    found, curve = aalen_johansen(time, cause > 0, **rest), kaplan_meier(time, cause > 0, **rest)
    np.testing.assert_allclose(found.incidence[0], 1 - curve.survival, atol=1e-12)
    if not (weighted or late):  # the jackknife is Greenwood's then
        alive = curve.survival > 0
        np.testing.assert_allclose(found.standard_error[0][alive], curve.standard_error[alive], atol=1e-7)


@few
@cases
def test_estimate_and_standard_error_by_the_definition(seed, n, late, weighted):
    time, cause, rest = draw(seed, n, late, weighted)
    found = aalen_johansen(time, cause, **rest)
    entry = np.zeros(n) if rest["entry"] is None else rest["entry"]
    weight = np.ones(n) if rest["weight"] is None else rest["weight"]
    ours = found.incidence[found.causes.index(2)]
    np.testing.assert_allclose(ours, incidence_by_definition(time, cause, 2, entry, weight), atol=1e-12)
    if (found.event_free <= 0).any():
        return  # at the edge the derivative has two sides
    variance = np.zeros(len(ours))
    for row in range(n):
        step = np.where(np.arange(n) == row, 1e-5, 0.0)
        up, down = (incidence_by_definition(time, cause, 2, entry, weight + sign * step) for sign in (1, -1))
        variance += (weight[row] * (up - down) / 2e-5) ** 2
    np.testing.assert_allclose(found.standard_error[found.causes.index(2)], np.sqrt(variance), atol=1e-7)


def test_intervals_cover_at_their_level():
    rng = np.random.default_rng(5)
    truth = 0.4 * (1 - np.exp(-1.0))  # causes with hazards 0.4 and 0.6, at time 1
    hits = 0
    for _ in range(300):
        time, cause = rng.exponential(size=100), np.where(rng.random(100) < 0.4, 1, 2)
        censored = rng.exponential(2, size=100)
        seen = aalen_johansen(np.minimum(time, censored), np.where(time <= censored, cause, 0), interval="log-log")
        at = np.searchsorted(seen.counts.time, 1.0, side="right") - 1
        hits += seen.lower[0, at] <= truth <= seen.upper[0, at]
    assert 0.91 <= hits / 300 <= 0.985  # 95 %: outside in under 1 of 100 series


def test_reading_off_a_curve():
    found = aalen_johansen([1, 2, 3], [1, 2, 0])
    np.testing.assert_allclose(found.at([0.5, 1, 2, 9]), [[0, 1 / 3, 1 / 3, 1 / 3], [0, 0, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(found.at([1], left_limit=True), [[0], [0]])
    assert found.metrics["cumulative_incidence.2"] == pytest.approx(1 / 3)
    assert found.table().filter(cause=2)["lower"][0] is None


def test_hard_input():
    everybody = aalen_johansen([2, 2, 2], [1, 2, 1])
    np.testing.assert_allclose(everybody.incidence[:, -1], [2 / 3, 1 / 3])
    assert everybody.event_free[-1] == 0
    one = aalen_johansen([2], [3])
    assert one.causes == (3,)
    assert (one.incidence[0, 0], one.standard_error[0, 0]) == (1, 0)
    with_zero = aalen_johansen([1, 2, 3, 4], [1, 2, 0, 1], weight=[1, 1, 1, 0])
    np.testing.assert_allclose(with_zero.standard_error, aalen_johansen([1, 2, 3], [1, 2, 0]).standard_error)
    with pytest.raises(FitError, match="Nobody had an event"):
        aalen_johansen([1, 2], [0, 0])
    with pytest.raises(DataError, match=r"event, row 1 .*: 1\.5 is no cause"):
        aalen_johansen([1, 2], [1, 1.5])
    with pytest.raises(DataError, match=r"row 0 .*nan is no cause"):
        aalen_johansen([1, 2], [np.nan, 1])
    with pytest.raises(DataError, match=r"row 1 .*-1 is no cause"):
        aalen_johansen([1, 2], [1, -1])
    with pytest.raises(DataError, match="'relapse' is not a number"):
        aalen_johansen([1, 2], ["relapse", "death"])
    with pytest.raises(DataError, match="time has 2 rows and event 3"):
        aalen_johansen([1, 2], [1, 0, 2])
    with pytest.raises(DataError, match="entry, row 0"):
        aalen_johansen([1, 2], [1, 2], entry=[1, 0])
    with pytest.raises(FitError, match="Nobody"):
        aalen_johansen([], [])
    with pytest.raises(ConfigError, match="interval"):
        aalen_johansen([1, 2], [1, 2], interval="arcsin")
