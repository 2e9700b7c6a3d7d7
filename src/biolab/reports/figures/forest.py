"""Forest plot: each term's hazard ratio at every site and pooled over them, on a log axis."""

from collections.abc import Iterable

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from biolab.reports.legend import MUTED, Legend, in_order
from biolab.reports.values import Value, known, value_of

from .forest_rows import NAMES_IN, NUMBERS_IN, Row, draw_row, heterogeneity, letter_row, weight_of
from .theme import EDGE_IN, LINE_IN, SMALL_PT, WIDTH_IN, canvas, empty, place, theme, write

_TOP, _BOTTOM = 0.28, 0.42
_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_FINE_TICKS = (0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4)
_REACH = 3.0  # a pooled interval over two sites may be endless: the axis follows the sites, and arrows say "further"


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
    axes = place(figure, NAMES_IN, _BOTTOM, WIDTH_IN - NAMES_IN - NUMBERS_IN, depth * LINE_IN)
    limits = _limits(row.value for row in rows)
    _frame(axes, limits, depth, legend)
    _head(figure, height, legend)
    for row in rows:
        draw_row(axes, row, limits, legend)
        letter_row(figure, row, height - _TOP - (row.height + 0.4) * LINE_IN, legend)
    return figure


def _rows(coefficients: pl.DataFrame, pooled: pl.DataFrame, legend: Legend) -> list[Row]:
    rows: list[Row] = []
    height = 0.0
    meta = {row["term"]: row for row in pooled.iter_rows(named=True)}
    for order, term in enumerate(coefficients["term"].unique(maintain_order=True)):
        found = {row["site"]: row for row in coefficients.filter(pl.col("term") == term).iter_rows(named=True)}
        total = meta.get(term, {})
        label = legend.prose.pick(next(iter(found.values())), "label") or term
        rows.append(Row(kind="term", height=height, label=label, note=heterogeneity(total, legend)))
        weights = {site: weight_of(row, known(total.get("tau2")) or 0.0) for site, row in found.items()}
        heaviest = max(weights.values()) or 1.0
        for site in in_order(coefficients["site"], legend.sites):
            height += 1
            value = value_of(found.get(site, {}), "hazard_ratio")
            weight = weights.get(site, 0.0) / heaviest
            rows.append(Row(kind="site", height=height, label=legend.site(site), name=site, value=value, weight=weight))
        if total:
            height += 1
            value = value_of(total, "hazard_ratio")
            rows.append(
                Row(kind="pooled", height=height, label=legend.prose("figure.pooled"), name=str(order), value=value)
            )
        height += 1.45
    return rows


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
