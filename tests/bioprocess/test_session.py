"""A batch run a step at a time is the batch run at once, and what operators do is in its record."""

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from biolab.bioprocess import CHOFedBatch, EcoliFedBatch, OperatorAction, Recipe, Session, batch_record, begin, simulate
from biolab.bioprocess.faults import JacketFailure, ProbeDrift
from biolab.core import ConfigError

WHY: dict[str, Any] = {"who": "kim", "why": "as the shift leader asked"}


@pytest.fixture
def session() -> Session:
    return begin(CHOFedBatch(), hours=96, seed=5, faults=[ProbeDrift("ph", start_h=24, per_h=0.01)])


def test_a_session_without_actions_is_the_simulated_batch(session: Session):
    for hours in (1, 7, 30, 2):
        session.advance(hours)
        assert session.result().trajectories.height == session.time_h + 1
    session.advance(1000)
    whole = simulate(CHOFedBatch(), hours=96, seed=5, faults=session.faults)
    assert session.finished
    assert_frame_equal(session.trajectories, whole.trajectories, check_exact=True)
    assert session.result().events.equals(whole.events)


def test_a_change_is_the_recipe_with_that_change(session: Session):
    recipe = Recipe.load("cho-standard")
    phases: Any = recipe.content["phases"]
    growth = phases[0]
    parts = [growth | {"hours": 30.0}, growth | {"name": "colder", "hours": 42.0, "setpoints": {"temperature_c": 35.0}}]
    same = Recipe.from_content(recipe.content | {"phases": [*parts, *phases[1:]]}, source="test")
    session.advance(30)
    session.change("temperature_c", 35.0, **WHY)
    session.advance(66)
    whole = simulate(CHOFedBatch(), same, hours=96, seed=5, faults=session.faults)
    assert_frame_equal(session.trajectories.drop("phase"), whole.trajectories.drop("phase"), check_exact=True)


def test_a_later_phase_takes_a_set_point_over():
    recipe = Recipe.load("cho-temperature-shift")
    session = begin(CHOFedBatch(), recipe)
    shift_h = next(step.start_h for step in recipe.steps if step.setpoints["temperature_c"] < 37)
    session.change("temperature_c", 36.0, **WHY)
    session.advance(shift_h + 1)
    wanted = session.trajectories["temperature_c_setpoint"]
    assert wanted[0] == wanted[-3] == 36.0
    assert wanted[-1] == recipe.at(shift_h).setpoints["temperature_c"]


def test_looking_changes_nothing(session: Session):
    session.advance(24)
    first = session.result()
    session._result = None
    assert_frame_equal(first.trajectories, session.result().trajectories, check_exact=True)


def test_bolus_sample_and_calibration_do_what_they_say(session: Session):
    session.advance(50)
    before = session.trajectories.row(-1, named=True)
    session.sample(20.0, **WHY)
    sampled = session.trajectories.row(-1, named=True)
    assert before["glucose_g_per_l_measured"] is None
    assert sampled["glucose_g_per_l_measured"] == pytest.approx(sampled["glucose_g_per_l"], rel=0.1)
    assert sampled["volume_l"] == pytest.approx(before["volume_l"] - 0.02)
    session.feed(0.1, **WHY)
    session.calibrate("ph", sampled["offline_ph_measured"], **WHY)
    session.advance(3)
    after = session.trajectories.row(-1, named=True)
    assert after["feed_total_l"] - before["feed_total_l"] == pytest.approx(0.1)
    assert abs(sampled["ph_measured"] - sampled["ph"]) > 0.2
    assert abs(after["ph_measured"] - after["ph"]) < 0.08


def test_hands_on_the_cascade_and_on_the_feed_pump():
    session = begin(EcoliFedBatch(), hours=12, seed=1)
    session.advance(4)
    session.change("agitation_held_rpm", 700.0, **WHY)
    session.change("oxygen_held_fraction", 0.5, **WHY)
    session.advance(2)
    frame = session.trajectories
    assert (frame["agitation_rpm"][-1], frame["oxygen_fraction"][-1]) == (700.0, 0.5)
    for name, value in {"agitation_held_rpm": 0.0, "oxygen_held_fraction": 0.0, "feed_l_per_h": 0.05}.items():
        session.change(name, value, **WHY)
    session.advance(2)
    frame = session.trajectories
    assert frame["agitation_rpm"][-1] < 650
    assert frame["feed_l_per_h"][-1] == pytest.approx(0.05)


def test_a_steady_feed_takes_the_place_of_planned_doses():
    session = begin(CHOFedBatch(), hours=110)
    session.advance(80)
    session.feed(0.02, **WHY)
    session.change("feed_l_per_h", 0.0, **WHY)
    session.advance(30)
    assert session.trajectories["feed_total_l"][-1] == pytest.approx(0.12 + 0.02)


def test_the_record_says_who_did_what_when_and_why(session: Session):
    session.advance(26)
    session.sample(who="lee", why="pH looks odd")
    session.change("ph", 7.0, who="kim", why="less base")
    session.advance(4)
    record = batch_record(session.result(), author="kim")
    change, drawn = record.trail.only("change")[-1], record.trail.only("operate")[-1]
    assert (change.who, change.time_h, change.what, change.old, change.new, change.why) == (
        *("kim", 26.0, "ph"),
        *(Recipe.load("cho-standard").at(26).setpoints["ph"], 7.0, "less base"),
    )
    assert (drawn.who, drawn.what, drawn.why) == ("lee", "sample sample_ml", "pH looks odd")
    assert [entry.who for entry in record.trail.only("sample") if entry.time_h == 26.0] == ["lee"]
    assert record.findings() == ()


def test_an_alarm_is_acknowledged_once_it_rang():
    session = begin(CHOFedBatch(), hours=60, faults=[JacketFailure(start_h=10)])
    with pytest.raises(ConfigError, match="has not rung; there were: none"):
        session.acknowledge("temperature_c", **WHY)
    session.advance(40)
    session.acknowledge("temperature_c", **WHY)
    done = session.result().events.filter(pl.col("kind") == "operator")
    assert done["message"].to_list() == ["kim: acknowledged temperature_c (as the shift leader asked)"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.change("temperature", 36.0, **WHY), "temperature_c"),
        (lambda s: s.change("temperature_c", 60.0, **WHY), "the equipment holds 20 to 40"),
        (lambda s: s.change("feed_l_per_h", 5.0, **WHY), "the equipment allows 0 to 0.2"),
        (lambda s: s.change("oxygen_held_fraction", 1.5, **WHY), "the equipment allows 0 to 1"),
        (lambda s: s.change("ph", 7.0, who=" ", why="x"), "who is empty"),
        (lambda s: s.change("ph", 7.0, who="kim", why=""), "why is empty"),
        (lambda s: s.feed(3.0, **WHY), "room for 2 L more"),
        (lambda s: s.feed(float("nan"), **WHY), "volume_l is nan"),
        (lambda s: s.sample(900.0, **WHY), "at most 150 mL"),
        (lambda s: s.calibrate("temperature", 37.0, **WHY), "ph, dissolved_oxygen"),
        (lambda s: s.calibrate("ph", 12.0, **WHY), "expected 6 to 8"),
        (lambda s: s.advance(0.5), "steps of 1 h"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_the_batch_as_it_was(session: Session, call, said: str):
    before = session.trajectories
    with pytest.raises(ConfigError, match=said):
        call(session)
    assert session.actions == ()
    assert_frame_equal(before, session.trajectories)


def test_nothing_is_done_to_a_batch_that_is_over(session: Session):
    session.advance(96)
    with pytest.raises(ConfigError, match="ended at 96 h"):
        session.sample(**WHY)


def test_actions_need_a_name_and_a_reason():
    with pytest.raises(ConfigError, match="who is empty"):
        OperatorAction(time_h=0, kind="feed", what="feed_l", who="", why="x")
