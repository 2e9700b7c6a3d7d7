"""Smooth calibration curves of several models: observed against predicted risk, ideally the diagonal."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from biolab.reports.legend import MUTED, Legend, in_order

from .layout import plot, rule
from .theme import WIDTH_IN, empty, shorten, theme

_SIDE, _LEFT = 3.3, 0.8


@theme()
def smooth_calibration(
    curves: pl.DataFrame, legend: Legend, *, horizon: float, groups: pl.DataFrame | None = None
) -> Figure:
    """Draw each model's observed risk, as a flexible model estimates it, against the predicted one.

    ``curves`` has model, predicted, observed (as `SmoothCalibration.curve`), and may have note, a word on each model
    such as its ICI. Dots with intervals are the ``groups`` of patients, if given: model, predicted, observed, lower,
    upper, as `CalibrationCurve.table`.
    """
    if curves.is_empty():
        return empty(legend.prose("figure.nothing"))
    legend = legend.covering(curves["model"])
    models = in_order(curves["model"], legend.models)
    values = {"time": legend.duration(horizon)}
    figure, axes = plot(_SIDE, left=_LEFT, right=WIDTH_IN - _LEFT - _SIDE)
    figure.set_label(legend.prose("alt.smooth_calibration", values))
    largest = max(curves["predicted"].to_list() + curves["observed"].to_list())
    top = 1.0 if largest > 0.88 else 1.06 * largest
    axes.plot([0, top], [0, top], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    for model in models:
        mine, colour = curves.filter(pl.col("model") == model), legend.model_colour(model)
        line = mine.sort("predicted")
        note = "" if "note" not in mine.columns else mine["note"].drop_nulls().head(1).to_list()
        label = shorten(f"{legend.model(model)}: {note[0]}" if note else legend.model(model), 2.6)
        axes.plot(line["predicted"], line["observed"], color=colour, linewidth=1.7, label=label, gid=f"curve-{model}")
        if groups is not None:
            _dots(axes, groups.filter(pl.col("model") == model).drop_nulls("observed"), colour, model)
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


def _dots(axes: Axes, groups: pl.DataFrame, colour: str, model: str) -> None:
    at, limits = groups["predicted"].to_numpy(), groups.select("lower", "upper").cast(pl.Float64).to_numpy()
    axes.vlines(at, limits[:, 0], limits[:, 1], color=colour, linewidth=0.9, alpha=0.5)
    axes.plot(at, groups["observed"].to_numpy(), "o", color=colour, markersize=3.6, gid=f"groups-{model}")
