"""The control room without a browser: the clock runs, alarms ring, operators act, and the record knows all of it."""

import asyncio
from xml.etree import ElementTree

import pytest

from biolab.bioprocess import CHOFedBatch, begin
from biolab.bioprocess.faults import CascadeFailure, JacketFailure
from biolab.reports.control_room import Console, ControlRoom, control_room
from biolab.reports.control_room import room as room_module
from biolab.reports.control_room.screens import alarm_list, event_list, values
from biolab.reports.control_room.trends import SHOWN, trends
from biolab.reports.language import prose

FAULTS = (JacketFailure(start_h=10, end_h=40),)


@pytest.fixture
def room() -> ControlRoom:
    return control_room(CHOFedBatch(), hours=96, faults=FAULTS, seed=3, operator="kim", language="ko")


def press(widget, description: str) -> None:
    [button] = [each for each in everything(widget) if getattr(each, "description", None) == description]
    button.click()


def everything(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def field(widget, description: str):
    return next(each for each in everything(widget) if getattr(each, "description", None) == description)


def test_a_second_is_so_many_hours_and_the_clock_stops_at_the_end():
    console = Console(begin(CHOFedBatch(), hours=30), operator="kim", speed=24)
    assert console.tick() == 0.0
    console.start()
    assert (console.tick(), console.running) == (24.0, True)
    assert (console.tick(), console.running) == (30.0, False)
    console.start()
    assert not console.running


def test_an_alarm_stands_is_acknowledged_and_goes(room: ControlRoom):
    console = room.console
    assert console.alarms() == ()
    console.session.advance(30)
    [standing] = console.alarms()
    assert (standing.variable, standing.side, standing.stands, standing.acknowledged) == (
        *("temperature_c", "low"),
        *(True, False),
    )
    assert console.acknowledge("temperature_c", "jacket looked at")
    assert [each.acknowledged for each in console.alarms()] == [True]
    assert console.acknowledge("temperature_c", "again") is None
    assert "does not wait" in console.said
    console.session.advance(60)
    assert console.alarms() == ()


def test_an_alarm_that_nobody_saw_stays_on_the_list(room: ControlRoom):
    room.advance(96)
    assert [(each.stands, each.acknowledged) for each in room.console.alarms()] == [(False, False)]


def test_a_refused_action_is_said_and_not_recorded(room: ControlRoom):
    room.advance(20)
    assert room.console.change("temperature_c", 99.0, "warm it up") is None
    assert "the equipment holds 20 to 40" in room.console.said
    assert room.console.change("temperature_c", 36.0, "") is None
    assert room.session.actions == ()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_screen_shows_no_fault_and_speaks_one_language(language):
    say = prose(language)
    console = Console(begin(CHOFedBatch(), hours=96, faults=FAULTS, seed=3), operator="kim")
    console.session.advance(60)
    console.sample("look")
    shown = alarm_list(console, say) + event_list(console, say) + values(console, say)
    assert "JacketFailure" not in shown
    assert "jacket-failure" not in shown
    assert say("bioprocess.quantity_temperature_c").split(",")[0] in shown
    assert say("control_room.event_sample", {"who": "kim", "new": "10", "why": "look"}) in shown


def test_the_trends_are_an_svg_with_a_picture_of_every_quantity():
    session = begin(CHOFedBatch(), hours=96, faults=(CascadeFailure(start_h=0, agitation_rpm=100.0),))
    session.advance(80)
    console = Console(session, operator="kim")
    drawn = trends(session.trajectories, console.found(), session.recipe, prose("en"), hours=96.0)
    root = ElementTree.fromstring(drawn)
    texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {prose("en")(f"bioprocess.quantity_{name}") for name in SHOWN["cho-fed-batch"]} <= texts
    assert console.found()["variable"].to_list() == ["dissolved_oxygen_percent"]
    assert "nan" not in drawn


def test_a_zero_on_the_floor_stays_clear_of_the_hour_below_it():
    session = begin(CHOFedBatch(), hours=336)
    session.advance(1)
    drawn = trends(
        session.trajectories, Console(session, operator="kim").found(), session.recipe, prose("en"), hours=336.0
    )
    said = list(ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text"))
    hours = [float(each.attrib["y"]) for each in said if each.text == "0 h"]
    zeros = [float(each.attrib["y"]) for each in said if each.text == "0"]
    gaps = [min(below - at for below in hours if below > at) for at in zeros]
    assert len(hours) == len(SHOWN["cho-fed-batch"])
    assert gaps
    assert min(gaps) >= 13, "a line of ten points between them"


def test_buttons_act_and_everything_they_do_is_in_the_record(room: ControlRoom):
    say = prose("ko")
    widget = room.widget()
    press(widget, say("control_room.button_day"))
    assert room.session.time_h == 24.0
    press(widget, say("control_room.button_sample"))
    assert room.console.said == say("control_room.need_reason")
    field(widget, say("control_room.why")).value = "온도 경보 확인"
    press(widget, say("control_room.button_acknowledge"))
    field(widget, say("control_room.why")).value = "오염 여부 확인"
    field(widget, say("control_room.who")).value = "lee"
    press(widget, say("control_room.button_sample"))
    done = [(entry.who, entry.what, entry.why, entry.time_h) for entry in room.record.trail.only("operate")]
    assert done == [
        ("kim", "acknowledge temperature_c", "온도 경보 확인", 24.0),
        ("lee", "sample sample_ml", "오염 여부 확인", 24.0),
    ]
    assert room.record.findings() == ()


def test_the_clock_runs_on_the_kernels_loop(room: ControlRoom, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room_module, "SECOND", 0.0)
    say = prose("ko")
    widget = room.widget()

    async def shift() -> None:
        press(widget, say("control_room.button_start"))
        for _ in range(5):
            await asyncio.sleep(0)
        press(widget, say("control_room.button_pause"))

    asyncio.run(shift())
    assert room.session.time_h > 0
    assert not room.console.running


def test_without_a_kernel_there_is_a_picture(room: ControlRoom):
    room.advance(30)
    bundle = room._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "<svg" in bundle["text/html"]
    assert prose("ko")("control_room.still") in bundle["text/html"]
