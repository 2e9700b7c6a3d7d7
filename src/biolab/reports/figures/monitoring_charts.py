"""What monitoring sees of a batch: charts against their limits, what adds to them, and the band of good batches."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from biolab.core.arrays import Float
from biolab.reports.legend import INK, RULE, SITE_COLOURS, Legend

from .layout import panels, rule
from .theme import SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, write

_SEEN, _ABOVE, _BAND = SITE_COLOURS[0], SITE_COLOURS[1], SITE_COLOURS[2]
_DASHED = (0, (4, 2))
_KEY_IN, _CHART_IN, _BAR_IN, _NAMES_IN = 0.3, 1.5, 0.2, 2.1


class Chart(NamedTuple):
    """A statistic over a batch and its limit at the same hours."""

    title: str
    time_h: Float[np.ndarray, " t"]
    value: Float[np.ndarray, " t"]
    limit: Float[np.ndarray, " t"]


class Contributions(NamedTuple):
    """What each variable adds to a chart at one hour, the largest first, as shares of the sum of absolute parts."""

    title: str
    variables: Sequence[str]
    shares: Sequence[float]


@theme()
def control_charts(charts: Sequence[Chart], legend: Legend, *, alarm_h: float | None = None) -> Figure:
    """Draw statistics on logarithmic axes with their limits; what lies above a limit stands out.

    ``alarm_h`` is marked in all of them.
    """
    if not charts or not charts[0].time_h.size:
        return empty(legend.prose("figure.nothing"))
    say = legend.prose
    scale, unit = _clock(max(float(chart.time_h[-1]) for chart in charts))
    figure, found = panels([chart.title for chart in charts], _CHART_IN, columns=2)
    _heighten(figure, found, _KEY_IN)
    figure.set_label(say("monitoring.alt_charts", {"charts": "; ".join(chart.title for chart in charts)}))
    for chart, axes in zip(charts, found, strict=True):
        time, above = chart.time_h / scale, chart.value > chart.limit
        axes.plot(time, chart.value, color=_SEEN, linewidth=1.1, zorder=3, gid="statistic")
        axes.plot(time, chart.limit, color=INK, linewidth=0.9, linestyle=_DASHED, zorder=4, gid="limit")
        axes.plot(time[above], chart.value[above], "o", color=_ABOVE, markersize=3.0, zorder=5, gid="above")
        if alarm_h is not None:
            axes.axvline(alarm_h / scale, color=_ABOVE, linewidth=0.9, zorder=2, gid="alarm")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=7))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        seen = np.concatenate([chart.value, chart.limit])
        axes.set_ylim(max(float(seen[seen > 0].min()), 1e-3 * float(np.median(chart.limit))) / 1.3, seen.max() * 1.6)
        axes.set_xlim(0.0, time[-1] * 1.01)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.set_xlabel(say(unit))
        rule(axes)
    keys = [
        (Line2D([], [], color=_SEEN, linewidth=1.4), say("monitoring.this_batch")),
        (Line2D([], [], color=INK, linewidth=0.9, linestyle=_DASHED), say("monitoring.limit")),
    ]
    if any((chart.value > chart.limit).any() for chart in charts):
        keys.append((Line2D([], [], color=_ABOVE, marker="o", markersize=3.0, linewidth=0), say("monitoring.above")))
    if alarm_h is not None:
        marked = say("monitoring.alarm_at", {"hour": f"{alarm_h:g}"})
        keys.append((Line2D([], [], color=_ABOVE, linewidth=0.9), marked))
    _key(figure, keys)
    return figure


@theme()
def contribution_bars(parts: Sequence[Contributions], legend: Legend, *, most: int = 8) -> Figure:
    """Draw what each variable adds to a chart, the largest at the top; what takes away points left.

    ``most`` is how many variables are drawn of each chart.
    """
    if not parts:
        return empty(legend.prose("figure.nothing"))
    rows = max(min(most, len(part.variables)) for part in parts)
    wide = (WIDTH_IN - 0.15 - len(parts) * (_NAMES_IN + 0.15)) / len(parts)
    figure = canvas(0.35 + rows * _BAR_IN + 0.45)
    figure.set_label(legend.prose("monitoring.alt_contributions", {"charts": "; ".join(p.title for p in parts)}))
    height = figure.get_size_inches()[1]
    for number, part in enumerate(parts):
        shown = min(most, len(part.variables))
        left, tall = _NAMES_IN + number * (_NAMES_IN + wide + 0.15), shown * _BAR_IN
        bottom = height - 0.35 - tall
        axes = place(figure, left, bottom, wide, tall)
        shares = np.asarray(part.shares[:shown], dtype=np.float64)
        axes.barh(np.arange(shown), shares, height=0.72, color=_SEEN, linewidth=0, gid="contribution")
        write(figure, left - _NAMES_IN + 0.05, height - 0.14, shorten(part.title, _NAMES_IN + wide), bold=True)
        for row, (name, share) in enumerate(zip(part.variables, shares, strict=False)):
            middle = bottom + tall - (row + 0.5) * _BAR_IN
            write(figure, left - 0.08, middle, shorten(name, _NAMES_IN - 0.15, SMALL_PT), ha="right", size=SMALL_PT)
            at = share + 0.01 if share >= 0 else 0.01
            axes.text(at, row, f"{share:.0%}", va="center_baseline", fontsize=SMALL_PT, color=INK)
        axes.axvline(0.0, color=RULE, linewidth=0.9)
        axes.set_xlim(min(0.0, 1.1 * float(shares.min())), max(0.0, float(shares.max())) + 0.16)
        axes.set_ylim(shown - 0.5, -0.5)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_xlabel(legend.prose("monitoring.share"))
        axes.spines["left"].set_visible(False)
    return figure


@theme()
def golden_bands(
    bands: pl.DataFrame, batch: pl.DataFrame, legend: Legend, *, variables: Sequence[str], outside: pl.DataFrame
) -> Figure:
    """Draw a batch's variables over the band and mean of good batches, a panel each.

    ``bands`` has variable, time_h, mean, lower, upper; ``batch`` time_h and the variables; ``outside`` the points that
    left a band: variable, time_h, value.
    """
    if bands.is_empty() or not variables:
        return empty(legend.prose("figure.nothing"))
    say = legend.prose
    scale, unit = _clock(float(bands["time_h"].to_numpy().max()))
    figure, found = panels([variable_name(name, legend) for name in variables], 1.25, columns=3)
    _heighten(figure, found, _KEY_IN)
    figure.set_label(
        say("monitoring.alt_golden", {"variables": ", ".join(variable_name(v, legend) for v in variables)})
    )
    for name, axes in zip(variables, found, strict=True):
        _band(axes, bands.filter(variable=name), scale)
        known = batch.select("time_h", pl.col(name).cast(pl.Float64).fill_nan(None)).drop_nulls()
        few = 2 * known.height < batch.height
        axes.plot(
            known["time_h"] / scale, known[name], "o" if few else "-", color=_SEEN, markersize=2.6, linewidth=1.0,
            zorder=3, gid="batch",
        )  # fmt: skip
        left = outside.filter(variable=name)
        axes.plot(left["time_h"] / scale, left["value"], "o", color=_ABOVE, markersize=2.6, zorder=4, gid="outside")
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel(say(unit))
        rule(axes)
    keys = [
        (Line2D([], [], color=_SEEN, linewidth=1.4), say("monitoring.this_batch")),
        (Patch(color=_BAND, alpha=0.3, linewidth=0), say("bioprocess.golden")),
    ]
    if outside.filter(pl.col("variable").is_in(list(variables))).height:
        keys.append((Line2D([], [], color=_ABOVE, marker="o", markersize=3.0, linewidth=0), say("monitoring.outside")))
    _key(figure, keys)
    return figure


def variable_name(column: str, legend: Legend) -> str:
    """Name a column of a batch as figures do, measured or not."""
    key = f"bioprocess.quantity_{column.removesuffix('_measured')}"
    return legend.prose(key) if legend.prose.has(key) else column


def _clock(end_h: float) -> tuple[float, str]:
    return (24.0, "bioprocess.day") if end_h > 72 else (1.0, "bioprocess.hour")


def _band(axes: Axes, band: pl.DataFrame, scale: float) -> None:
    time, lower, mean, upper = (band[key].to_numpy() for key in ("time_h", "lower", "mean", "upper"))
    axes.fill_between(time / scale, lower, upper, color=_BAND, alpha=0.18, linewidth=0, zorder=1, gid="band")
    axes.plot(time / scale, mean, color=_BAND, linewidth=0.8, zorder=2, gid="mean")


def _heighten(figure: Figure, found: Sequence[Axes], room_in: float) -> None:
    """Make room above the panels for the key, leaving everything else where it stands in inches."""
    across, up = figure.get_size_inches()
    share = up / (up + room_in)
    figure.set_size_inches(across, up + room_in)
    for axes in found:
        box = axes.get_position()
        axes.set_position((box.x0, box.y0 * share, box.width, box.height * share))
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((x, y * share))


def _key(figure: Figure, entries: Sequence[tuple[Line2D | Patch, str]]) -> None:
    figure.legend(
        [handle for handle, _ in entries], [label for _, label in entries], loc="upper left", ncols=len(entries),
        bbox_to_anchor=(0.0, 1.0), frameon=False, fontsize=SMALL_PT, handlelength=1.6, columnspacing=1.4,
    )  # fmt: skip
