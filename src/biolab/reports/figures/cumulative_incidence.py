"""Cumulative incidences of competing causes with pointwise bands."""

from collections.abc import Mapping

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from biolab.reports.legend import SITE_COLOURS, Legend

from .layout import Point, label_beside, plot, rule
from .theme import empty, shorten, theme


@theme()
def cumulative_incidence(
    incidence: pl.DataFrame, legend: Legend, *, causes: Mapping[int, str], until: float | None = None
) -> Figure:
    """Draw the probability of each cause by each time; the causes' curves and the event-free share add up to 1.

    ``incidence`` has cause, time, incidence, lower, upper, as `AalenJohansen.table`; ``causes`` names the codes.
    """
    found = incidence if until is None else incidence.filter(pl.col("time") <= until)
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    figure, axes = plot(2.7, right=1.7)
    figure.set_label(legend.prose("alt.cumulative_incidence", {"causes": ", ".join(causes.values())}))
    ends: list[Point] = []
    for number, cause in enumerate(code for code in causes if code in set(found["cause"])):
        curve = found.filter(pl.col("cause") == cause).sort("time")
        time, height = curve["time"].to_numpy(), curve["incidence"].cast(pl.Float64).to_numpy()
        lower, upper = (curve[limit].cast(pl.Float64).to_numpy() for limit in ("lower", "upper"))
        colour = SITE_COLOURS[number % len(SITE_COLOURS)]
        axes.fill_between(time, lower, upper, step="post", color=colour, alpha=0.16, linewidth=0, gid=f"band-{cause}")
        axes.step(time, height, where="post", color=colour, linewidth=1.6, gid=f"curve-{cause}")
        ends.append(Point(float(time[-1]), float(height[-1]), shorten(causes[cause], 1.5), colour))
    axes.set_xlim(0, float(found["time"].to_numpy().max()) if until is None else until)
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    rule(axes)
    axes.set_xlabel(legend.prose.time_axis(legend.time_unit))
    axes.set_ylabel(legend.prose("plot.incidence"))
    label_beside(axes, ends, right=True)
    return figure
