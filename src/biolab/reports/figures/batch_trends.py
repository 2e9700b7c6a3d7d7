"""A batch at a glance: what happened when, and the trend of every quantity with its set-point."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from biolab.reports.legend import INK, MUTED, PANEL, REFERENCE_COLOUR, RULE, SITE_COLOURS, Legend

from .layout import rule
from .theme import SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, width_in, write

_LEFT, _RIGHT, _GAP, _COLUMNS = 0.5, 0.12, 0.46, 3
_PANEL_IN, _HEAD_IN, _FOOT_IN, _ROW_IN, _KEY_IN, _AXIS_IN = 1.1, 0.28, 0.22, 0.19, 0.3, 0.42
_TICKS_IN = 0.12
_NAMES_IN = 1.35
_MOST_ROWS = 14
_MEASURED, _ALARM, _FAULT = SITE_COLOURS[0], SITE_COLOURS[1], "#882255"
_DASHED = (0, (4, 2))
_LEAST_SPAN = {"ph": 0.3, "dissolved_oxygen_percent": 30.0, "temperature_c": 3.0, "viability": 0.2,
               "oxygen_fraction": 0.1, "agitation_rpm": 50.0}  # fmt: skip
"""A loop that holds looks steady: less than this is not stretched over a whole panel."""


class Span(NamedTuple):
    """A stretch of the batch to show above the trends: a phase, a fault or an alarm, in hours."""

    row: str
    start_h: float
    end_h: float
    label: str = ""


class Timeline(NamedTuple):
    """What happened when: each kind of span in rows of its own."""

    phases: Sequence[Span] = ()
    faults: Sequence[Span] = ()
    alarms: Sequence[Span] = ()


_NOTHING = Timeline()


@theme()
def batch_trends(  # noqa: PLR0913 - what stands in a trend beside the trend
    trajectories: pl.DataFrame,
    legend: Legend,
    *,
    quantities: Sequence[str],
    timeline: Timeline = _NOTHING,
    alarms: pl.DataFrame | None = None,
    bands: pl.DataFrame | None = None,
    truth: bool = False,
) -> Figure:
    """Draw a batch: its phases, faults and alarms in time, then a small trend of each quantity.

    Parameters
    ----------
    trajectories
        ``time_h`` and for each quantity ``<quantity>_measured`` (dots where there are few), ``<quantity>_setpoint``
        (dashed) and ``<quantity>`` (grey, with ``truth``, or where nothing is measured).
    quantities
        Which ones, in order; those without a column are left out.
    timeline
        Phases, faults and alarms to draw above the trends.
    alarms
        variable, raised_h, cleared_h: drawn into the trend of their quantity.
    bands
        variable (measured or not), time_h, mean, lower, upper: where good batches ran.
    """
    shown = [name for name in quantities if {name, f"{name}_measured"} & set(trajectories.columns)]
    if trajectories.is_empty() or not shown:
        return empty(legend.prose("figure.nothing"))
    end_h = float(trajectories["time_h"].to_numpy()[-1])
    scale, unit = (24.0, "bioprocess.day") if end_h > 72 else (1.0, "bioprocess.hour")
    rows = _rows(timeline)
    lines = -(-len(shown) // _COLUMNS)
    trends_in = lines * (_HEAD_IN + _PANEL_IN + _FOOT_IN) + _AXIS_IN - _FOOT_IN
    figure = canvas(_KEY_IN + len(rows) * _ROW_IN + _FOOT_IN + _TICKS_IN + trends_in)
    figure.set_label(legend.prose("bioprocess.alt_trends", {"quantities": ", ".join(_short(n, legend) for n in shown)}))
    _key(figure, legend, (bool(timeline.alarms), bool(timeline.faults), bands is not None, truth))
    _draw_timeline(figure, rows, timeline, (scale, end_h), trends_in + _FOOT_IN + _TICKS_IN)
    wide = (WIDTH_IN - _LEFT - _RIGHT - _GAP * (_COLUMNS - 1)) / _COLUMNS
    for number, name in enumerate(shown):
        line, column = divmod(number, _COLUMNS)
        left = _LEFT + column * (wide + _GAP)
        bottom = trends_in - line * (_HEAD_IN + _PANEL_IN + _FOOT_IN) - _HEAD_IN - _PANEL_IN
        axes = place(figure, left, bottom, wide, _PANEL_IN)
        title = legend.prose(f"bioprocess.quantity_{name}") if legend.prose.has(f"bioprocess.quantity_{name}") else name
        write(figure, left, bottom + _PANEL_IN + 0.12, shorten(title, wide + _GAP / 2), bold=True)
        if bands is not None:
            _draw_band(axes, bands.filter(pl.col("variable").is_in([name, f"{name}_measured"])), scale)
        _draw_trend(axes, trajectories, name, scale, truth=truth)
        if alarms is not None:
            _draw_alarms(axes, alarms.filter(pl.col("variable") == name), scale, end_h)
        for span in timeline.phases[1:]:
            axes.axvline(span.start_h / scale, color=RULE, linewidth=0.9, zorder=1)
        for span in timeline.faults:
            axes.axvspan(span.start_h / scale, span.end_h / scale, color=_FAULT, alpha=0.07, linewidth=0, zorder=0)
        axes.set_xlim(0, end_h / scale)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        rule(axes)
        if number + _COLUMNS >= len(shown):
            axes.set_xlabel(legend.prose(unit))
        else:
            axes.tick_params(labelbottom=False)
    return figure


def _short(name: str, legend: Legend) -> str:
    key = f"bioprocess.quantity_{name}"
    return legend.prose(key).split(",")[0] if legend.prose.has(key) else name


def _rows(timeline: Timeline) -> list[str]:
    """List the rows of the timeline from top to bottom; alarms that find no room stand in their trends only."""
    spans = (*timeline.phases, *timeline.faults, *timeline.alarms)
    return list(dict.fromkeys(span.row for span in spans))[:_MOST_ROWS]


def _draw_timeline(
    figure: Figure, rows: list[str], timeline: Timeline, axis: tuple[float, float], bottom_in: float
) -> None:
    if not rows:
        return
    scale, end_h = axis
    left = _NAMES_IN
    axes = place(figure, left, bottom_in, WIDTH_IN - left - _RIGHT, len(rows) * _ROW_IN)
    for number, name in enumerate(rows):
        middle = bottom_in + (len(rows) - number - 0.5) * _ROW_IN
        write(
            figure, left - 0.08, middle, shorten(name, left - 0.15, SMALL_PT), ha="right", size=SMALL_PT, colour=MUTED
        )
    for spans, colour in ((timeline.phases, None), (timeline.faults, _FAULT), (timeline.alarms, _ALARM)):
        for number, span in enumerate(spans):
            if span.row not in rows:
                continue
            start, length = span.start_h / scale, max((span.end_h - span.start_h) / scale, 0.004 * end_h / scale)
            shade = colour or (PANEL if number % 2 else RULE)
            at = rows.index(span.row)
            axes.barh(at, length, left=start, height=0.72, color=shade, linewidth=0, gid=f"{span.row}-{number}")
            room = length / (end_h / scale) * (WIDTH_IN - left - _RIGHT)
            if span.label and width_in(span.label, SMALL_PT) < room:
                axes.text(start + length / 2, at, span.label, ha="center", va="center_baseline", fontsize=SMALL_PT,
                          color=INK if colour is None else "white")  # fmt: skip
    axes.set_xlim(0, end_h / scale)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(14, integer=True))
    axes.set_yticks([])
    axes.tick_params(length=0, pad=1)
    axes.spines[["left", "bottom"]].set_visible(False)


def _draw_trend(axes: Axes, frame: pl.DataFrame, name: str, scale: float, *, truth: bool) -> None:
    measured = f"{name}_measured"
    if name in frame.columns and (truth or measured not in frame.columns):
        colour, wide = (REFERENCE_COLOUR, 1.0) if measured in frame.columns else (_MEASURED, 1.2)
        time, value = _points(frame, name)
        axes.plot(time / scale, value, color=colour, linewidth=wide, zorder=3, gid=f"true-{name}")
    if measured in frame.columns:
        time, value = _points(frame, measured)
        if 2 * time.size < frame.height:
            axes.plot(time / scale, value, "o", color=_MEASURED, markersize=2.6, zorder=4, gid=f"measured-{name}",
                      clip_on=False)  # fmt: skip
        else:
            axes.plot(time / scale, value, color=_MEASURED, linewidth=1.1, zorder=4, gid=f"measured-{name}")
    follows = name != "agitation_rpm" and f"{name}_setpoint" in frame.columns  # a stirrer only starts there
    if follows and not _same(frame, measured, f"{name}_setpoint"):
        time, value = _points(frame, f"{name}_setpoint")
        axes.step(time / scale, value, where="post", color=INK, linewidth=0.9, linestyle=_DASHED, zorder=5,
                  gid=f"setpoint-{name}")  # fmt: skip
    low, high = axes.get_ylim()
    if low < 0 <= 0.2 * high:
        axes.set_ylim(0, high)
    elif (short := _LEAST_SPAN.get(name, 0.01 * abs(high) + 1e-6) - (high - low)) > 0:
        axes.set_ylim(low - short / 2, high + short / 2)


def _same(frame: pl.DataFrame, measured: str, setpoint: str) -> bool:
    """Say whether a reading is its set-point throughout, as a pump's is."""
    return measured in frame.columns and frame[measured].equals(frame[setpoint], check_names=False)


def _points(frame: pl.DataFrame, name: str):
    known = frame.select("time_h", pl.col(name).cast(pl.Float64)).drop_nulls().filter(pl.col(name).is_finite())
    return known["time_h"].to_numpy(), known[name].to_numpy()


def _draw_band(axes: Axes, band: pl.DataFrame, scale: float) -> None:
    if band.is_empty():
        return
    time, lower, mean, upper = (band[key].cast(pl.Float64).to_numpy() for key in ("time_h", "lower", "mean", "upper"))
    axes.fill_between(time / scale, lower, upper, color=SITE_COLOURS[2], alpha=0.18, linewidth=0, zorder=1, gid="band")
    axes.plot(time / scale, mean, color=SITE_COLOURS[2], linewidth=0.8, zorder=2)


def _draw_alarms(axes: Axes, found: pl.DataFrame, scale: float, end_h: float) -> None:
    for row in found.iter_rows(named=True):
        end = end_h if row["cleared_h"] is None else row["cleared_h"]
        end = max(end, row["raised_h"] + 0.004 * end_h)
        axes.axvspan(row["raised_h"] / scale, end / scale, ymax=0.05, color=_ALARM, linewidth=0, zorder=6, gid="alarm")


def _key(figure: Figure, legend: Legend, present: tuple[bool, bool, bool, bool]) -> None:
    """Say what the colours mean, of those that occur."""
    say = legend.prose
    alarms, faults, bands, truth = present
    handles = [
        (True, Line2D([], [], color=_MEASURED, linewidth=1.4), say("bioprocess.measured")),
        (True, Line2D([], [], color=INK, linewidth=0.9, linestyle=_DASHED), say("bioprocess.setpoint")),
        (truth, Line2D([], [], color=REFERENCE_COLOUR, linewidth=1.2), say("bioprocess.truth")),
        (alarms, Patch(color=_ALARM, linewidth=0), say("bioprocess.alarm")),
        (faults, Patch(color=_FAULT, linewidth=0), say("bioprocess.fault")),
        (bands, Patch(color=SITE_COLOURS[2], alpha=0.3, linewidth=0), say("bioprocess.golden")),
    ]
    shown = [(handle, label) for there, handle, label in handles if there]
    figure.legend(
        [handle for handle, _ in shown], [label for _, label in shown], loc="upper left", ncols=len(shown),
        bbox_to_anchor=(0.0, 1.0), frameon=False, fontsize=SMALL_PT, handlelength=1.6, columnspacing=1.4,
    )  # fmt: skip
