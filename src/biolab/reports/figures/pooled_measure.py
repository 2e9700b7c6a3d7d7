"""A measure of prediction over testing sites: a forest plot of every model, and funnels of estimate against error."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from biolab.reports.legend import INK, MUTED, Legend, in_order
from biolab.reports.metrics import MetricKey, metric_label, reading
from biolab.reports.values import Value, known, value_of

from .forest_rows import NAMES_IN, NUMBERS_IN, Row, draw_row, heterogeneity, letter_row
from .layout import panels, rule
from .theme import EDGE_IN, LINE_IN, SMALL_PT, WIDTH_IN, canvas, empty, place, theme, write

_TOP, _BOTTOM, _FUNNEL_IN, _COLUMNS = 0.28, 0.42, 1.7, 3
_Z = 1.959963984540054


@theme()
def pooled_forest(sites: pl.DataFrame, pooled: pl.DataFrame, legend: Legend, *, key: MetricKey) -> Figure:
    """Draw one measure of every model: squares for testing sites, a diamond pooled, a bar for the prediction interval.

    The bar is where the measure is expected at a new site; it needs three sites.
    """
    rows = _rows(_of(sites, key), _of(pooled, key), legend)
    if not rows:
        return empty(legend.prose("figure.nothing"))
    depth = rows[-1].height + 1.0
    height = _TOP + depth * LINE_IN + _BOTTOM
    figure = canvas(height)
    axes = place(figure, NAMES_IN, _BOTTOM, WIDTH_IN - NAMES_IN - NUMBERS_IN, depth * LINE_IN)
    ideal = 1.0 if reading(key.metric).better == "one" else None
    limits = _limits(rows, ideal)
    _frame(axes, limits, depth, metric_label(key, legend.prose, legend.time_unit), ideal)
    right = legend.prose("figure.measure_column")
    write(figure, EDGE_IN, height - 0.13, legend.prose("figure.tested_at"), size=SMALL_PT, colour=MUTED)
    write(figure, WIDTH_IN - EDGE_IN, height - 0.13, right, ha="right", size=SMALL_PT, colour=MUTED)
    for row in rows:
        draw_row(axes, row, limits, legend)
        digits = reading(key.metric).digits
        letter_row(figure, row, height - _TOP - (row.height + 0.4) * LINE_IN, legend, digits=digits)
    return figure


@theme()
def funnel(sites: pl.DataFrame, pooled: pl.DataFrame, legend: Legend, *, key: MetricKey) -> Figure:
    """Draw each model's site estimates against their standard errors, on the scale of pooling, precise ones on top.

    Dotted lines bound where 95 % of sites would lie around the pooled estimate if they differed by chance alone.
    """
    own, totals = _of(sites, key), _of(pooled, key)
    models = in_order(totals["model"], legend.models)
    if not models:
        return empty(legend.prose("figure.nothing"))
    figure, places = panels([legend.model(model) for model in models], _FUNNEL_IN, columns=_COLUMNS)
    deepest = float(np.max(own["standard_error"].to_numpy())) * 1.15
    for model, axes in zip(models, places, strict=True):
        points = own.filter(pl.col("model") == model)
        y, error = points["transformed"].to_numpy(), points["standard_error"].to_numpy()
        middle = float(y @ points["weight"].to_numpy())
        axes.plot([middle, middle], [0, deepest], color=MUTED, linewidth=0.8)
        for side in (-_Z, _Z):
            axes.plot([middle, middle + side * deepest], [0, deepest], color=MUTED, linewidth=0.8, linestyle=":")
        colours = [legend.site_colour(site) for site in points["site"]]
        axes.scatter(y, error, s=22, color=colours, zorder=3, linewidths=0)
        reach = max(_Z * deepest, float(np.abs(y - middle).max())) * 1.1
        axes.set_xlim(middle - reach, middle + reach)
        axes.set_ylim(deepest, 0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel(legend.prose("figure.pooling_scale"))
        axes.set_ylabel(legend.prose("figure.standard_error"))
        rule(axes, "x")
    return figure


def _of(frame: pl.DataFrame, key: MetricKey) -> pl.DataFrame:
    at = pl.col("horizon").is_null() if key.horizon is None else pl.col("horizon") == key.horizon
    return frame.filter((pl.col("metric") == key.metric) & at)


def _rows(sites: pl.DataFrame, pooled: pl.DataFrame, legend: Legend) -> list[Row]:
    rows: list[Row] = []
    height = 0.0
    totals = {row["model"]: row for row in pooled.iter_rows(named=True)}
    for order, model in enumerate(in_order(sites["model"], legend.models)):
        total = totals.get(model, {})
        rows.append(Row(kind="term", height=height, label=legend.model(model), note=heterogeneity(total, legend)))
        found = {row["site"]: row for row in sites.filter(pl.col("model") == model).iter_rows(named=True)}
        heaviest = max(row["weight"] for row in found.values()) or 1.0
        for site in in_order(sites["site"], legend.sites):
            height += 1
            row = found.get(site, {})
            weight = (known(row.get("weight")) or 0.0) / heaviest
            label = legend.site(site)
            rows.append(Row(kind="site", height=height, label=label, name=site, value=value_of(row), weight=weight))
        if total:
            height += 1
            label = legend.prose("figure.pooled")
            rows.append(Row(kind="pooled", height=height, label=label, name=str(order), value=value_of(total)))
        if known(total.get("prediction_lower")) is not None:
            height += 1
            ahead = Value(estimate=total["estimate"], lower=total["prediction_lower"], upper=total["prediction_upper"])
            rows.append(Row(kind="prediction", height=height, label=legend.prose("figure.new_site"), value=ahead))
        height += 1.45
    return rows


def _limits(rows: list[Row], ideal: float | None) -> tuple[float, float]:
    """Span the sites' intervals and, within a reach of them, what is pooled: over few sites that may be endless."""
    drawn = [row for row in rows if row.value.estimate is not None]
    points = [row.value.estimate for row in drawn if row.value.estimate is not None]
    own = [end for row in drawn if row.kind == "site" for end in (row.value.lower, row.value.upper) if end is not None]
    low, high = min([*points, *own, *([] if ideal is None else [ideal])]), max([*points, *own, ideal or 0.0])
    reach = 0.75 * max(high - low, 0.05)
    ends = [end for row in drawn for end in (row.value.lower, row.value.upper) if end is not None]
    near = [end for end in ends if low - reach <= end <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _frame(axes: Axes, limits: tuple[float, float], depth: float, label: str, ideal: float | None) -> None:
    axes.set_xlim(limits)
    axes.set_ylim(depth - 0.4, -0.4)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    if ideal is not None:
        axes.axvline(ideal, color=INK, linewidth=0.8, zorder=1)
    axes.set_xlabel(label, labelpad=4)
