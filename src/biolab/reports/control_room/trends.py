"""Trends of a running batch as SVG, drawn in a few milliseconds so that they can follow a clock."""

import math
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.bioprocess import Recipe
from biolab.core.arrays import Float
from biolab.reports.language import Prose
from biolab.reports.legend import INK, MUTED, PANEL, RULE, SITE_COLOURS

SHOWN = {
    "cho-fed-batch": (
        *("ph", "dissolved_oxygen_percent", "temperature_c"),
        *("viable_cells_1e6_per_ml", "glucose_g_per_l", "lactate_g_per_l"),
        *("agitation_rpm", "oxygen_fraction", "feed_total_l"),
    ),
    "ecoli-fed-batch": (
        *("ph", "dissolved_oxygen_percent", "temperature_c"),
        *("biomass_g_per_l", "glucose_g_per_l", "acetate_g_per_l"),
        *("agitation_rpm", "oxygen_fraction", "feed_total_l"),
    ),
}
"""The trends of each plant's console, three a line."""
BESIDE = {"ph": "offline_ph"}
"""What the bench measures of the same quantity."""
_LEAST = {
    "ph": 0.4, "dissolved_oxygen_percent": 40.0, "temperature_c": 3.0, "agitation_rpm": 50.0, "oxygen_fraction": 0.1,
    "feed_total_l": 0.2, "glucose_g_per_l": 2.0, "lactate_g_per_l": 1.0, "acetate_g_per_l": 1.0,
}  # fmt: skip
_WIDE, _HIGH, _GAP, _LEFT, _HEAD, _FOOT = 300, 104, 18, 40, 26, 18
_LINE, _BENCH, _ALARM = SITE_COLOURS[0], SITE_COLOURS[2], SITE_COLOURS[1]
_DOTTED = 60


class _Panel(NamedTuple):
    """A trend's place on the picture and what its axes cover."""

    left: float
    top: float
    low: float
    high: float
    hours: float

    def x(self, time_h: float) -> float:
        return self.left + _WIDE * time_h / self.hours

    def y(self, value: float) -> float:
        return self.top + _HIGH * (1.0 - (value - self.low) / (self.high - self.low))


def trends(frame: pl.DataFrame, found: pl.DataFrame, recipe: Recipe, say: Prose, *, hours: float) -> str:
    """Draw what the instruments showed so far over the whole length of the batch.

    Parameters
    ----------
    frame
        Trajectories up to now.
    found
        Alarms so far; each is a bar on the floor of its quantity's trend.
    recipe
        Whose phases stand as thin lines.
    say
        The words of a language.
    hours
        How long the batch will last.
    """
    shown = SHOWN[recipe.plant]
    lines = math.ceil(len(shown) / 3)
    across, up = 3 * (_LEFT + _WIDE + _GAP), lines * (_HEAD + _HIGH + _FOOT) + 4
    names = ", ".join(quantity_name(name, say) for name in shown)
    label = escape(say("bioprocess.alt_trends", {"quantities": names}))
    parts = [
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {across} {up}" style="width:100%;max-width:{across}px;'
        f"font-family:'Noto Sans','Apple SD Gothic Neo','Malgun Gothic','Noto Sans CJK KR',sans-serif;font-size:11px\" "
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    for number, name in enumerate(shown):
        line, column = divmod(number, 3)
        left, top = _LEFT + column * (_LEFT + _WIDE + _GAP), line * (_HEAD + _HIGH + _FOOT) + _HEAD
        parts += _trend(frame, found, recipe, name, (left, top, hours), say)
    return "".join([*parts, "</svg>"])


def quantity_name(name: str, say: Prose, *, unit: bool = False) -> str:
    """Name a quantity, with its unit if asked; one that biolab has no words for goes by its own name."""
    key = f"bioprocess.quantity_{name}"
    if not say.has(key):
        return name
    return say(key) if unit else say(key).split(",")[0]


def points(frame: pl.DataFrame, column: str) -> tuple[Float[ndarray, " k"], Float[ndarray, " k"]]:
    """Return times and values of a column where it has any."""
    if column not in frame.columns:
        return np.zeros(0), np.zeros(0)
    values = frame[column].cast(pl.Float64).fill_null(math.nan).to_numpy()
    known = np.isfinite(values)
    return frame["time_h"].to_numpy()[known], values[known]


def shown_column(frame: pl.DataFrame, name: str) -> str:
    """Return the column that a console shows of a quantity: what was measured, where anything measures it."""
    return f"{name}_measured" if f"{name}_measured" in frame.columns else name


def _trend(
    frame: pl.DataFrame,
    found: pl.DataFrame,
    recipe: Recipe,
    name: str,
    place: tuple[float, float, float],
    say: Prose,
) -> Iterator[str]:
    time, value = points(frame, shown_column(frame, name))
    wanted_at, wanted = points(frame, f"{name}_setpoint")
    if name == "agitation_rpm":
        wanted_at, wanted = wanted_at[:0], wanted[:0]
    bench_at, bench = points(frame, f"{BESIDE[name]}_measured") if name in BESIDE else (time[:0], value[:0])
    low, high = _range(np.concatenate([value, wanted, bench]), _LEAST.get(name, 0.0))
    panel = _Panel(place[0], place[1], low, high, place[2])
    yield f'<rect x="{panel.left}" y="{panel.top}" width="{_WIDE}" height="{_HIGH}" fill="{PANEL}"/>'
    title = escape(quantity_name(name, say, unit=True))
    yield f'<text x="{panel.left}" y="{panel.top - 8}" fill="{INK}" font-weight="600" font-size="12">{title}</text>'
    for step in recipe.steps[1:]:
        at = panel.x(step.start_h)
        yield f'<path d="M{at:.1f},{panel.top}v{_HIGH}" stroke="{RULE}" fill="none"/>'
    yield from _axes(panel)
    for row in found.filter(pl.col("variable") == name).iter_rows(named=True):
        end = time[-1] if row["cleared_h"] is None else row["cleared_h"]
        start, wide = panel.x(row["raised_h"]), max(_WIDE * (end - row["raised_h"]) / panel.hours, 3.0)
        yield f'<rect x="{start:.1f}" y="{panel.top + _HIGH - 5}" width="{wide:.1f}" height="5" fill="{_ALARM}"/>'
    if wanted.size:
        d = _stairs(panel, wanted_at, wanted)
        yield f'<path d="{d}" fill="none" stroke="{INK}" stroke-width="1" stroke-dasharray="5 3"/>'
    if 0 < value.size <= _DOTTED and time[-1] > 2 * value.size:
        yield from _dots(panel, time, value, _LINE)
    elif value.size:
        d = "M" + " ".join(f"{panel.x(t):.1f},{panel.y(v):.1f}" for t, v in zip(time, value, strict=True))
        yield f'<path d="{d}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>'
    yield from _dots(panel, bench_at, bench, _BENCH)


def _dots(panel: _Panel, time: Float[ndarray, " k"], value: Float[ndarray, " k"], colour: str) -> Iterator[str]:
    for t, v in zip(time, value, strict=True):
        yield f'<circle cx="{panel.x(t):.1f}" cy="{panel.y(v):.1f}" r="2.6" fill="{colour}"/>'


def _stairs(panel: _Panel, time: Float[ndarray, " k"], value: Float[ndarray, " k"]) -> str:
    steps = [0, *(np.flatnonzero(np.diff(value) != 0) + 1)]
    path = [f"M{panel.x(time[0]):.1f},{panel.y(value[0]):.1f}"]
    path += [f"H{panel.x(time[k]):.1f}V{panel.y(value[k]):.1f}" for k in steps[1:]]
    return "".join([*path, f"H{panel.x(time[-1]):.1f}"])


def _axes(panel: _Panel) -> Iterator[str]:
    step = _nice((panel.high - panel.low) / 3)
    for k in range(math.ceil(panel.low / step - 1e-9), math.floor(panel.high / step + 1e-9) + 1):
        at = panel.y(k * step)
        baseline = min(at + 4, panel.top + _HIGH - 1)  # a zero on the floor stays clear of the hour below it
        yield (
            f'<text x="{panel.left - 4}" y="{baseline:.1f}" text-anchor="end" fill="{MUTED}">{k * step:.6g}</text>'
            f'<path d="M{panel.left},{at:.1f}h{_WIDE}" stroke="{RULE}" stroke-width=".6"/>'
        )
    every = 24.0 if panel.hours <= 96 else 48.0
    for k in range(math.floor(panel.hours / every + 1e-9) + 1):
        said = f"{k * every:g}" + (" h" if k == 0 else "")
        at, below, anchor = panel.x(k * every), panel.top + _HIGH + 13, "middle" if k else "start"
        yield f'<text x="{at:.1f}" y="{below}" text-anchor="{anchor}" fill="{MUTED}" font-size="10">{said}</text>'


def _range(values: Float[ndarray, " k"], least: float) -> tuple[float, float]:
    """Return what an axis covers: everything, with some air, and never so little that noise looks like news."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = max(0.08 * (high - low), 0.5 * (least - (high - low)), 1e-3 * abs(high), 1e-6)
    return (low - room if low < 0 or low - room > 0 else 0.0), high + room


def _nice(step: float) -> float:
    scale = 10.0 ** math.floor(math.log10(step))
    return scale * next(nice for nice in (1.0, 2.0, 2.5, 5.0, 10.0) if nice >= step / scale - 1e-9)
