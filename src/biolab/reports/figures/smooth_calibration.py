"""Smooth calibration curves of several models: observed against predicted risk, ideally the diagonal."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from biolab.reports.legend import MUTED, Legend, in_order

from .layout import plot, rule
from .theme import WIDTH_IN, empty, shorten, theme

_SIDE, _LEFT = 3.3, 0.8


@theme()
def smooth_calibration(curves: pl.DataFrame, legend: Legend, *, horizon: float) -> Figure:
    """Draw each model's observed risk, as a flexible model estimates it, against the predicted one.

    ``curves`` has model, predicted, observed (as `SmoothCalibration.curve`), and may have note, a word on each model
    such as its ICI, and group, predicted and observed risk in groups of patients with lower and upper, drawn as dots:
    rows whose ``kind`` is "group".
    """
    if curves.is_empty():
        return empty(legend.prose("figure.nothing"))
    models = in_order(curves["model"], legend.models)
    legend = legend.covering(models)
    values = {"time": legend.duration(horizon)}
    figure, axes = plot(_SIDE, left=_LEFT, right=WIDTH_IN - _LEFT - _SIDE)
    figure.set_label(legend.prose("alt.smooth_calibration", values))
    kind = pl.col("kind") == "group" if "kind" in curves.columns else pl.lit(value=False)
    top = min(1.0, 1.04 * max(curves["predicted"].to_list() + curves["observed"].to_list()))
    axes.plot([0, top], [0, top], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    for model in models:
        mine, colour = curves.filter(pl.col("model") == model), legend.model_colour(model)
        line = mine.filter(~kind).sort("predicted")
        note = "" if "note" not in mine.columns else mine["note"].drop_nulls().head(1).to_list()
        label = shorten(f"{legend.model(model)}  {note[0]}" if note else legend.model(model), 2.6)
        axes.plot(line["predicted"], line["observed"], color=colour, linewidth=1.7, label=label, gid=f"curve-{model}")
        for row in mine.filter(kind).iter_rows(named=True):
            axes.plot([row["predicted"]] * 2, [row["lower"], row["upper"]], color=colour, linewidth=0.9, alpha=0.6)
            axes.plot(row["predicted"], row["observed"], "o", color=colour, markersize=3.5, gid=f"group-{model}")
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    rule(axes, "both")
    axes.set_xlabel(legend.prose("figure.predicted_risk", values))
    axes.set_ylabel(legend.prose("figure.observed_risk", values))
    axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1.02), frameon=False, handlelength=1.6)
    return figure
