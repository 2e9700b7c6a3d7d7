"""The parts of the console that are read: clock, values against set-points, alarms and events, as HTML."""

from html import escape

from biolab.reports.language import Prose
from biolab.reports.legend import INK, MUTED, RULE, SITE_COLOURS

from .console import Console, Happened, Standing
from .trends import points, quantity_name, shown_column

READ = {
    "cho-fed-batch": (
        *("ph", "offline_ph", "dissolved_oxygen_percent", "temperature_c", "agitation_rpm", "oxygen_fraction"),
        *("feed_l_per_h", "feed_total_l", "viable_cells_1e6_per_ml", "viability", "glucose_g_per_l", "lactate_g_per_l"),
        *("titre_g_per_l", "pco2_mmhg"),
    ),
    "ecoli-fed-batch": (
        *("ph", "offline_ph", "dissolved_oxygen_percent", "temperature_c", "agitation_rpm", "oxygen_fraction"),
        *("feed_l_per_h", "feed_total_l", "biomass_g_per_l", "glucose_g_per_l", "acetate_g_per_l"),
    ),
}
"""The values that each plant's console shows."""
_WITHOUT_SETPOINT = {"agitation_rpm", "feed_l_per_h"}
_MOST = 12
_ALARM, _CALM = SITE_COLOURS[1], MUTED
_TABLE = f"border-collapse:collapse;font-size:13px;color:{INK};width:100%;line-height:1.45"
_SHORT = ";white-space:nowrap"
_CELL = f"padding:1px 8px 1px 0;border-bottom:1px solid {RULE};text-align:left;vertical-align:top"


def clock(console: Console, say: Prose) -> str:
    """Say what time of the batch it is, in which phase, and whether the clock runs."""
    session = console.session
    day, hour = divmod(session.time_h, 24)
    state = "over" if session.finished else "running" if console.running else "paused"
    phase = session.recipe.at(session.time_h).phase
    said = say("control_room.clock", {"day": f"{day:.0f}", "hour": f"{hour:g}", "time": f"{session.time_h:g}"})
    rest = f"· {_phase(phase, say)} · {say(f'control_room.{state}')}"
    return (
        f'<div style="font-size:18px;color:{INK}"><b>{escape(said)}</b> '
        f'<span style="color:{MUTED}">{escape(rest)}</span></div>'
    )


def values(console: Console, say: Prose) -> str:
    """Return the table of the last values, when they were measured, and what is wanted."""
    frame = console.session.trajectories
    now = console.session.time_h
    rows = []
    for name in READ[console.session.recipe.plant]:
        time, value = points(frame, shown_column(frame, name))
        if not value.size:
            continue
        _, wanted = points(frame, f"{name}_setpoint")
        goal = _rounded(wanted[-1]) if wanted.size and name not in _WITHOUT_SETPOINT else ""
        ago = "" if time[-1] >= now else say("control_room.ago", {"hours": f"{now - time[-1]:g}"})
        unit = quantity_name(name, say, unit=True).partition(", ")[2]
        rows.append((quantity_name(name, say), f"{_rounded(value[-1])} {unit}", goal, ago))
    return _table(say, ("quantity", "value", "wanted", "when"), rows)


def _rounded(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-6 else value:.4g}"


def alarm_list(console: Console, say: Prose) -> str:
    """Return the list of alarms: red while they stand, bold until somebody acknowledged them."""
    found = console.alarms()
    if not found:
        return f'<div style="color:{MUTED};font-size:13px">{escape(say("control_room.no_alarms"))}</div>'
    return f'<div style="font-size:13px;line-height:1.5">{"".join(_alarm(each, say) for each in found[:_MOST])}</div>'


def _alarm(each: Standing, say: Prose) -> str:
    colour, weight = _ALARM if each.stands else _CALM, "400" if each.acknowledged else "700"
    state = "acknowledged" if each.acknowledged else "waits" if each.stands else "went"
    said = say("control_room.alarm_line", _alarm_values(each, say) | {"state": say(f"control_room.{state}")})
    mark = "■" if each.stands else "□"
    return f'<div style="color:{colour};font-weight:{weight}">{mark} {escape(said)}</div>'


def _alarm_values(each: Standing, say: Prose) -> dict[str, object]:
    return {
        "quantity": quantity_name(each.variable, say),
        "side": say(f"control_room.side_{each.side}"),
        "limit": f"{each.limit:.4g}",
        "extreme": f"{each.extreme:.4g}",
        "time": f"{each.raised_h:g}",
        "priority": say(f"control_room.priority_{each.priority}"),
    }


def event_list(console: Console, say: Prose) -> str:
    """Return the last events, the newest first."""
    last = console.events()[::-1][:_MOST]
    return _table(say, ("time", "event"), [(f"{each.time_h:g} h", event_line(each, say)) for each in last])


def event_line(each: Happened, say: Prose) -> str:
    """Say one event in a sentence."""
    values = dict(each.values)
    if "phase" in values:
        values["phase"] = _phase(str(values["phase"]), say)
    if "quantity" in values:
        values["quantity"] = action_name(str(values["quantity"]), say)
    return say(f"control_room.event_{each.kind}", values)


def action_name(what: str, say: Prose) -> str:
    """Name a set-point, a probe or a quantity."""
    return quantity_name({"dissolved_oxygen": "dissolved_oxygen_percent"}.get(what, what), say)


def _phase(name: str, say: Prose) -> str:
    return say(f"bioprocess.phase_{name}") if say.has(f"bioprocess.phase_{name}") else name


def _table(say: Prose, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    top = "".join(
        f'<th style="{_CELL};color:{MUTED};white-space:nowrap">{escape(say(f"control_room.head_{head}"))}</th>'
        for head in heads
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL}{_SHORT if len(text) < 14 else ""}">{escape(text)}</td>' for text in row)
        + "</tr>"
        for row in rows
    )
    return f'<table style="{_TABLE}"><tr>{top}</tr>{body}</table>'


def still(console: Console, drawn: str, say: Prose) -> str:
    """Return the whole console as one page without buttons, for where there is no kernel."""
    parts = [clock(console, say), drawn, values(console, say), alarm_list(console, say), event_list(console, say)]
    note = f'<div style="color:{MUTED};font-size:12px">{escape(say("control_room.still"))}</div>'
    return f'<div style="background:white;padding:6px">{"".join([note, *parts])}</div>'
