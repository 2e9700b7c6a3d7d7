"""Alarms: the vectorised rule equals the one an operator would state, reading by reading."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.bioprocess import Alarm, Recipe, alarm_events, alarms, with_alarms
from biolab.bioprocess.alarms import EVENT_SCHEMA
from biolab.core import DataError

RECIPE = Recipe.load("cho-standard")


def with_alarm(**settings) -> Recipe:
    return RECIPE.model_copy(update={"alarms": (Alarm(**settings),)})


def by_the_rule(time, value, *, high, hysteresis, delay_h):
    """State the rule as a loop: when did it stand?"""
    stands, since, intervals, begin = False, None, [], None
    for t, reading in zip(time, value, strict=True):
        if np.isnan(reading):
            continue
        since = (t if since is None else since) if reading > high else None
        if not stands and since is not None and t - since >= delay_h - 1e-9:
            stands, begin = True, t
        elif stands and reading <= high - hysteresis:
            stands = False
            intervals.append((begin, t))
    return [*intervals, (begin, None)] if stands else intervals


VALUES = st.lists(st.one_of(st.floats(0, 10), st.just(float("nan"))), min_size=1, max_size=60)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(VALUES, st.floats(0, 3), st.sampled_from([0.0, 1.0, 2.5]))
def test_alarms_are_what_the_rule_says(values, hysteresis, delay_h):
    time = np.arange(len(values)) * 1.0
    recipe = with_alarm(variable="lactate_g_per_l", high=5.0, hysteresis=hysteresis, delay_h=delay_h)
    found = alarms(pl.DataFrame({"time_h": time, "lactate_g_per_l_measured": values}), recipe)
    expected = by_the_rule(time, values, high=5.0, hysteresis=hysteresis, delay_h=delay_h)
    assert list(found.select("raised_h", "cleared_h").iter_rows()) == expected


@settings(derandomize=True, max_examples=12, deadline=None)
@given(VALUES, st.floats(0.1, 3))
def test_more_hysteresis_never_rings_more_often(values, hysteresis):
    frame = pl.DataFrame({"time_h": np.arange(len(values)) * 1.0, "lactate_g_per_l_measured": values})
    once = alarms(frame, with_alarm(variable="lactate_g_per_l", high=5.0)).height
    assert alarms(frame, with_alarm(variable="lactate_g_per_l", high=5.0, hysteresis=hysteresis)).height <= once


def test_both_sides_of_a_moving_setpoint():
    frame = pl.DataFrame(
        {
            "time_h": [0.0, 1, 2, 3, 4],
            "ph_measured": [7.0, 7.3, 7.0, 6.7, 6.7],
            "ph_setpoint": [7.0, 7.0, 7.0, 7.0, 6.7],
        }
    )
    found = alarms(frame, with_alarm(variable="ph", deviation=0.2, hysteresis=0.05, priority="high"))
    assert found.select("side", "raised_h", "cleared_h").rows() == [("high", 1.0, 2.0), ("low", 3.0, 4.0)]
    assert found["limit"].to_list() == pytest.approx([7.2, 6.8])
    assert found["raised_at"].to_list() == pytest.approx([7.3, 6.7])


def test_an_alarm_that_stands_at_the_end_never_cleared():
    frame = pl.DataFrame({"time_h": [0.0, 1.0, 2.0], "volume_l": [4.0, 4.9, 4.95]})
    found = alarms(frame, with_alarm(variable="volume_l", high=4.8, priority="critical"))
    assert found["cleared_h"].to_list() == [None]
    assert found["extreme"].to_list() == pytest.approx([4.95])
    said = alarm_events(found)
    assert said.schema == EVENT_SCHEMA
    assert said["message"].to_list() == ["raised (critical): volume_l 4.9 above 4.8 L"]


def test_events_take_alarms_in_once():
    frame = pl.DataFrame({"time_h": [0.0, 1.0, 2.0], "volume_l": [4.0, 4.9, 4.0]})
    recipe = with_alarm(variable="volume_l", high=4.8)
    events = pl.DataFrame([(0.5, "phase", "growth", "begins", None)], schema=EVENT_SCHEMA, orient="row")
    once = with_alarms(events, frame, recipe)
    assert once["kind"].to_list() == ["phase", "alarm", "alarm"]
    assert with_alarms(once, frame, recipe).equals(once)


def test_a_quantity_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"alarm 'volume_l' watches 'volume_l'.*Did you mean 'volume_ml'"):
        alarms(pl.DataFrame({"time_h": [0.0], "volume_ml": [1.0]}), with_alarm(variable="volume_l", high=4.8))


def test_a_batch_without_readings_has_no_alarms():
    frame = pl.DataFrame({"time_h": [], "volume_l": []}, schema={"time_h": pl.Float64, "volume_l": pl.Float64})
    assert alarms(frame, with_alarm(variable="volume_l", high=4.8)).is_empty()


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("would never clear", {"variable": "ph", "low": 6.9, "high": 7.0, "hysteresis": 0.1}),
        ("no set-point to deviate", {"variable": "lactate_g_per_l", "deviation": 1.0}),
        ("must be below deviation", {"variable": "ph", "deviation": 0.1, "hysteresis": 0.1}),
    ],
)
def test_alarms_that_make_no_sense(said, settings):
    with pytest.raises(ValueError, match=said):
        Alarm(**settings)
