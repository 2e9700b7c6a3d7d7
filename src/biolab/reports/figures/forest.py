"""Forest plot: each term's hazard ratio at every site and pooled over them, on a log axis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from biolab.reports.legend import INK, MUTED, RULE, Legend, in_order
from biolab.reports.values import MISSING, Value, estimate, known, number, value_of

from .theme import EDGE_IN, LINE_IN, SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, write

_NAMES_IN, _NUMBERS_IN, _TOP, _BOTTOM = 2.15, 1.75, 0.28, 0.42
_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_FINE_TICKS = (0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4)
_REACH = 3.0  # a pooled interval over two sites may be endless: the axis follows the sites, and arrows say "further"


@dataclass(frozen=True, kw_only=True)
class _Row:
    kind: Literal["term", "site", "pooled"]
    height: float
    label: str
    name: str = ""
    value: Value = MISSING
    weight: float = 0.0
    note: str = ""


@theme()
def forest(coefficients: pl.DataFrame, pooled: pl.DataFrame, legend: Legend, *, model: str) -> Figure:
    """Draw one model's hazard ratios: squares for sites (area by precision), diamonds for the pooled estimate.

    Heterogeneity (I², τ²) stands beside each term. A limit beyond the axis ends in an arrow; the numbers on the right
    are complete in any case.
    """
    rows = _rows(coefficients.filter(pl.col("model") == model), pooled.filter(pl.col("model") == model), legend)
    if not rows:
        return empty(legend.prose("figure.nothing"))
    depth = rows[-1].height + 1.0
    height = _TOP + depth * LINE_IN + _BOTTOM
    figure = canvas(height)
    axes = place(figure, _NAMES_IN, _BOTTOM, WIDTH_IN - _NAMES_IN - _NUMBERS_IN, depth * LINE_IN)
    limits = _limits(row.value for row in rows)
    _frame(axes, limits, depth, legend)
    _head(figure, height, legend)
    for row in rows:
        _draw(axes, row, limits, legend)
        _letter(figure, row, height - _TOP - (row.height + 0.4) * LINE_IN, legend)
    return figure


def _rows(coefficients: pl.DataFrame, pooled: pl.DataFrame, legend: Legend) -> list[_Row]:
    rows: list[_Row] = []
    height = 0.0
    meta = {row["term"]: row for row in pooled.iter_rows(named=True)}
    for order, term in enumerate(coefficients["term"].unique(maintain_order=True)):
        found = {row["site"]: row for row in coefficients.filter(pl.col("term") == term).iter_rows(named=True)}
        total = meta.get(term, {})
        label = legend.prose.pick(next(iter(found.values())), "label") or term
        rows.append(_Row(kind="term", height=height, label=label, note=_heterogeneity(total, legend)))
        weights = {site: _weight(row, known(total.get("tau2")) or 0.0) for site, row in found.items()}
        heaviest = max(weights.values()) or 1.0
        for site in in_order(coefficients["site"], legend.sites):
            height += 1
            value = value_of(found.get(site, {}), "hazard_ratio")
            weight = weights.get(site, 0.0) / heaviest
            rows.append(
                _Row(kind="site", height=height, label=legend.site(site), name=site, value=value, weight=weight)
            )
        if total:
            height += 1
            value = value_of(total, "hazard_ratio")
            rows.append(
                _Row(kind="pooled", height=height, label=legend.prose("figure.pooled"), name=str(order), value=value)
            )
        height += 1.45
    return rows


def _weight(row: dict[str, object], tau2: float) -> float:
    error = known(row.get("standard_error"))
    return 1.0 / (error**2 + tau2) if error else 0.0


def _heterogeneity(total: dict[str, object], legend: Legend) -> str:
    i2, tau2 = known(total.get("i2")), known(total.get("tau2"))
    if i2 is None or tau2 is None:
        return ""
    return legend.prose("figure.heterogeneity", {"i2": number(i2 * 100, 0), "tau2": number(tau2, 3)})


def _limits(values: Iterable[Value]) -> tuple[float, float]:
    """Span the estimates and, within a reach of them, their intervals; always show 1."""
    drawn = [value for value in values if value.estimate is not None and value.estimate > 0]
    points = [1.0, *(value.estimate for value in drawn if value.estimate)]
    low, high = min(points), max(points)
    lower = [value.lower for value in drawn if value.lower is not None and value.lower > low / _REACH]
    upper = [value.upper for value in drawn if value.upper is not None and value.upper < high * _REACH]
    return min([low / 1.1, *lower]) / 1.08, max([high * 1.1, *upper]) * 1.08


def _frame(axes: Axes, limits: tuple[float, float], depth: float, legend: Legend) -> None:
    axes.set_xscale("log")
    axes.set_xlim(limits)
    axes.set_ylim(depth - 0.4, -0.4)
    wide = limits[1] / limits[0] > 12
    ticks = [tick for tick in (_TICKS if wide else _FINE_TICKS) if limits[0] <= tick <= limits[1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    axes.axvline(1.0, color=MUTED, linewidth=0.8, zorder=1)
    axes.set_xlabel(legend.prose("figure.hazard_ratio_axis"), labelpad=4)


def _head(figure: Figure, height: float, legend: Legend) -> None:
    top = height - 0.13
    write(figure, EDGE_IN, top, legend.prose("figure.term"), size=SMALL_PT, colour=MUTED)
    right = legend.prose("figure.hazard_ratio_column")
    write(figure, WIDTH_IN - EDGE_IN, top, right, ha="right", size=SMALL_PT, colour=MUTED)


def _letter(figure: Figure, row: _Row, y_in: float, legend: Legend) -> None:
    if row.kind == "term":
        write(figure, EDGE_IN, y_in, shorten(row.label, 3.2), bold=True)
        write(figure, WIDTH_IN - EDGE_IN, y_in, row.note, ha="right", size=SMALL_PT, colour=MUTED)
        return
    pooled = row.kind == "pooled"
    write(figure, EDGE_IN + 0.14, y_in, shorten(row.label, _NAMES_IN - 0.35), bold=pooled)
    text = estimate(row.value, 2, legend.prose)
    colour = MUTED if row.value.estimate is None else INK
    write(figure, WIDTH_IN - EDGE_IN, y_in, text, ha="right", bold=pooled, colour=colour)


def _draw(axes: Axes, row: _Row, limits: tuple[float, float], legend: Legend) -> None:
    value = row.value
    if row.kind == "term":
        axes.axhline(row.height - 0.55, color=RULE, linewidth=0.5, xmin=-0.75, clip_on=True, zorder=0)
        return
    if value.estimate is None or value.estimate <= 0:
        return
    fits = row.kind == "pooled" and _fits(value, limits)
    colour = INK if row.kind == "pooled" else legend.site_colour(row.name)
    if value.lower is not None and value.upper is not None and not fits:
        ends = max(value.lower, limits[0]), min(value.upper, limits[1])
        axes.plot(ends, [row.height] * 2, color=colour, linewidth=1.1, solid_capstyle="butt", zorder=2)
        _arrows(axes, row, limits, colour)
    if row.kind == "site":
        (square,) = axes.plot([value.estimate], [row.height], "s", color=colour, zorder=3)
        square.set(markersize=3.0 + 4.0 * math.sqrt(row.weight), markeredgewidth=0)
        return
    low, high = _diamond(value, limits)
    middle, half = value.estimate, 0.34
    corners = [(low, row.height), (middle, row.height - half), (high, row.height), (middle, row.height + half)]
    axes.add_patch(Polygon(corners, facecolor=colour, edgecolor="none", zorder=3, gid=f"pooled-{row.name}"))


def _fits(value: Value, limits: tuple[float, float]) -> bool:
    if value.lower is None or value.upper is None:
        return False
    return limits[0] <= value.lower and value.upper <= limits[1]


def _diamond(value: Value, limits: tuple[float, float]) -> tuple[float, float]:
    """Span the interval where it fits the axis; else a diamond of standard width on a line that shows the limits."""
    middle = value.estimate or 1.0
    if _fits(value, limits):
        return value.lower or middle, value.upper or middle
    half = (limits[1] / limits[0]) ** 0.018
    return middle / half, middle * half


def _arrows(axes: Axes, row: _Row, limits: tuple[float, float], colour: str) -> None:
    value = row.value
    if value.lower is not None and value.lower < limits[0]:
        axes.plot([limits[0]], [row.height], marker=4, markersize=5, color=colour, markeredgewidth=0, clip_on=False)
    if value.upper is not None and value.upper > limits[1]:
        axes.plot([limits[1]], [row.height], marker=5, markersize=5, color=colour, markeredgewidth=0, clip_on=False)
