"""Net benefit over thresholds: what acting on a model's risks is worth beside treating everybody or nobody."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from biolab.reports.legend import INK, MUTED, Legend, in_order

from .layout import Point, label_beside, plot, rule
from .theme import empty, shorten, theme

TREAT_ALL, TREAT_NONE = "treat all", "treat none"


@theme()
def decision_curve(curve: pl.DataFrame, legend: Legend, *, horizon: float, band: str | None = None) -> Figure:
    """Draw each strategy's net benefit; a model is worth using where it is above both default strategies.

    ``curve`` has strategy, threshold, net_benefit, lower, upper, as `DecisionCurve.table`. Only one model's interval is
    drawn, since they would hide each other: that of ``band``, by default the first.
    """
    found = curve.drop_nulls("net_benefit").sort("threshold")
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    strategies = found.filter(~pl.col("strategy").is_in([TREAT_ALL, TREAT_NONE]))["strategy"]
    legend = legend.covering(strategies)
    models = in_order(strategies, legend.models)
    banded = models[:1] if band is None else [band]
    say = legend.prose
    figure, axes = plot(2.9, right=1.6)
    figure.set_label(say("alt.decision_curve", {"models": ", ".join(legend.model(name) for name in models)}))
    defaults = {TREAT_ALL: (MUTED, say("plot.treat_all")), TREAT_NONE: (INK, say("plot.treat_none"))}
    looks = defaults | {name: (legend.model_colour(name), legend.model(name)) for name in models}
    ends: list[Point] = []
    best = max(found["net_benefit"].to_list())
    axes.set_ylim(-0.25 * best, 1.08 * best)
    for name, (colour, label) in looks.items():
        line = found.filter(pl.col("strategy") == name)
        if line.is_empty():
            continue
        threshold, benefit = line["threshold"].to_numpy(), line["net_benefit"].to_numpy()
        style = (0, (4, 2)) if name == TREAT_ALL else "-"
        axes.plot(threshold, benefit, color=colour, linewidth=1.5, linestyle=style, gid=f"curve-{name}", zorder=3)
        if name in banded:
            lower, upper = (line[limit].cast(pl.Float64).to_numpy() for limit in ("lower", "upper"))
            axes.fill_between(threshold, lower, upper, color=colour, alpha=0.14, linewidth=0, gid=f"band-{name}")
        last = [place for place, value in enumerate(benefit) if value >= axes.get_ylim()[0]][-1]
        ends.append(Point(float(threshold[last]), float(benefit[last]), shorten(label, 1.4), colour))
    axes.set_xlim(float(found["threshold"].to_numpy().min()), float(found["threshold"].to_numpy().max()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    rule(axes)
    axes.set_xlabel(say("plot.threshold", {"time": legend.duration(horizon)}))
    axes.set_ylabel(say("plot.net_benefit"))
    label_beside(axes, ends, right=True)
    return figure
