"""Distributional calibration: how many patients fell into each tenth of their own predicted survival."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from biolab.reports.legend import INK, Legend, in_order

from .layout import panels
from .theme import SMALL_PT, empty, theme


@theme()
def d_calibration(counts: pl.DataFrame, legend: Legend) -> Figure:
    """Draw observed patients a bin of predicted survival at their own time; the line is what a true model expects.

    ``counts`` has model, lower, upper, observed, expected, as `DCalibration.table` with the model's name, and may have
    note, a word on each model such as its p-value.
    """
    if counts.is_empty():
        return empty(legend.prose("figure.nothing"))
    legend = legend.covering(counts["model"])
    models = in_order(counts["model"], legend.models)
    figure, found = panels([legend.model(model) for model in models], 1.4, columns=3)
    figure.set_label(legend.prose("alt.d_calibration"))
    top = 1.2 * max(counts["observed"].to_list() + counts["expected"].to_list())
    for model, axes in zip(models, found, strict=True):
        mine = counts.filter(pl.col("model") == model)
        lower, width = mine["lower"].to_numpy(), (mine["upper"] - mine["lower"]).to_numpy()
        colour = legend.model_colour(model)
        axes.bar(lower, mine["observed"].to_numpy(), width=width * 0.92, align="edge", color=colour)
        axes.axhline(float(mine["expected"][0]), color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        if "note" in mine.columns:
            note = str(mine["note"][0])
            axes.text(0.98, 0.97, note, transform=axes.transAxes, ha="right", va="top", fontsize=SMALL_PT)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, top)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.set_xlabel(legend.prose("plot.own_survival"))
    for axes in found[::3]:
        axes.set_ylabel(legend.prose("plot.patients"))
    return figure
