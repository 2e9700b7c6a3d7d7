"""Kaplan-Meier curves of the sites with pointwise bands, and the numbers at risk under the axis."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
from matplotlib.transforms import blended_transform_factory

from biolab.reports.legend import MUTED, RULE, SITE_COLOURS, Legend, in_order
from biolab.reports.values import count

from .theme import EDGE_IN, LINE_IN, SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, write

_LEFT, _RIGHT, _PLOT_HEIGHT, _TOP = 1.6, 0.34, 2.9, 0.3
_PANELS_A_ROW, _PANEL_IN = 4, 1.55


@theme()
def kaplan_meier(
    curves: pl.DataFrame,
    at_risk: pl.DataFrame,
    legend: Legend,
    *,
    endpoint: str,
    horizons: Sequence[float] = (),
    minimum_cell: int = 10,
) -> Figure:
    """Draw a survival step curve a site, horizons as dotted lines and a table of the numbers at risk.

    ``curves`` has site, time, survival, lower, upper; ``at_risk`` has site, time, at_risk, whose nulls were
    suppressed and are written as ``<minimum_cell``. More sites than can be told apart by colour have a panel each, with
    the others behind in grey.
    """
    if curves.is_empty():
        return empty(legend.prose("figure.nothing"))
    sites = in_order(curves["site"], legend.sites)
    if len(sites) > len(SITE_COLOURS):
        return _multiples(curves, at_risk, legend, sites)
    table_height = 0.62 + (len(sites) + 1) * LINE_IN * 1.15
    figure = canvas(_TOP + _PLOT_HEIGHT + table_height)
    axes = place(figure, _LEFT, table_height, WIDTH_IN - _LEFT - _RIGHT, _PLOT_HEIGHT)
    for index, site in enumerate(sites):
        _curve(axes, curves.filter(pl.col("site") == site).sort("time"), legend.site_colour(site), index)
    end = max(float(time) for time in curves["time"].drop_nulls())
    _frame(axes, end, at_risk, legend)
    axes.set_ylabel(shorten(endpoint, _PLOT_HEIGHT), rotation_mode="anchor", labelpad=8)
    for horizon in horizons:
        if horizon <= end:
            axes.axvline(horizon, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2.5)), zorder=1)
            axes.annotate(
                legend.duration(horizon), (horizon, 1.0), (0, 5), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", fontsize=SMALL_PT, color=MUTED,
            )  # fmt: skip
    _numbers_at_risk(figure, axes, at_risk, legend, minimum_cell)
    _names(axes, sites, legend)
    return figure


def _multiples(curves: pl.DataFrame, at_risk: pl.DataFrame, legend: Legend, sites: list[str]) -> Figure:
    """Draw a small panel a site."""
    rows = -(-len(sites) // _PANELS_A_ROW)
    width = (WIDTH_IN - 0.45 - 0.15 * (_PANELS_A_ROW - 1)) / _PANELS_A_ROW
    figure = canvas(rows * _PANEL_IN + 0.25)
    end = max(float(time) for time in curves["time"].drop_nulls())
    apart = {site: curves.filter(pl.col("site") == site).sort("time") for site in sites}
    first = at_risk.sort("time").group_by("site", maintain_order=True).first()
    patients = {row["site"]: row["at_risk"] for row in first.iter_rows(named=True)}
    for index, site in enumerate(sites):
        row, column = divmod(index, _PANELS_A_ROW)
        left = 0.42 + column * (width + 0.15)
        axes = place(figure, left, 0.45 + (rows - 1 - row) * _PANEL_IN, width, _PANEL_IN - 0.6)
        for other in sites:
            axes.step(apart[other]["time"], apart[other]["survival"], where="post", color=RULE, linewidth=0.7, zorder=1)
        _curve(axes, apart[site], legend.site_colour(site), index)
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MultipleLocator(0.5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        if column:
            axes.set_yticklabels([])
        told = {"site": legend.site(site), "patients": f"{patients[site]:,.0f}"}
        title = shorten(legend.prose("figure.curve_of", told), width)
        write(figure, left, 0.45 + (rows - row) * _PANEL_IN - 0.5, title, size=SMALL_PT, bold=True)
    axis = legend.prose.time_axis(legend.time_unit)
    write(figure, WIDTH_IN / 2, 0.1, axis, ha="center", size=SMALL_PT, colour=MUTED)
    return figure


def _curve(axes: Axes, curve: pl.DataFrame, colour: str, index: int) -> None:
    time, survival = curve["time"].to_numpy(), curve["survival"].cast(pl.Float64).to_numpy()
    lower, upper = (curve[limit].cast(pl.Float64).to_numpy() for limit in ("lower", "upper"))
    axes.fill_between(time, lower, upper, step="post", color=colour, alpha=0.16, linewidth=0, gid=f"band-{index}")
    axes.step(time, survival, where="post", color=colour, linewidth=1.6, gid=f"curve-{index}", zorder=3)


def _frame(axes: Axes, end: float, at_risk: pl.DataFrame, legend: Legend) -> None:
    times = sorted({float(time) for time in at_risk["time"].drop_nulls()})
    axes.set_xlim(0, max(end, times[-1] if times else 0.0))
    axes.set_ylim(0, 1)
    axes.set_xticks(times) if times else None
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(MultipleLocator(0.25))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.grid(visible=True, axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(legend.prose.time_axis(legend.time_unit), labelpad=4)


def _names(axes: Axes, sites: list[str], legend: Legend) -> None:
    lines = [Line2D([], [], color=legend.site_colour(site), linewidth=2.2) for site in sites]
    names = [shorten(legend.site(site), 3.4) for site in sites]
    axes.legend(lines, names, loc="lower left", frameon=False, handlelength=1.4, borderaxespad=0.6)


def _numbers_at_risk(figure: Figure, axes: Axes, at_risk: pl.DataFrame, legend: Legend, minimum_cell: int) -> None:
    _, up = figure.get_size_inches()
    top = axes.get_position().y0 * up - 0.62
    write(figure, EDGE_IN, top + 0.04, legend.prose("figure.at_risk"), size=SMALL_PT, colour=MUTED)
    under = blended_transform_factory(axes.transData, figure.transFigure)
    for row, site in enumerate(in_order(at_risk["site"], legend.sites)):
        height = top - (row + 0.85) * LINE_IN * 1.15
        label = shorten(legend.site(site), _LEFT - 0.4, SMALL_PT)
        write(figure, EDGE_IN, height, label, size=SMALL_PT, colour=legend.site_colour(site), bold=True)
        for time, number in at_risk.filter(pl.col("site") == site).select("time", "at_risk").iter_rows():
            axes.text(
                time, height / up, count(number, minimum_cell), transform=under,
                ha="center", va="center", fontsize=SMALL_PT,
            )  # fmt: skip
