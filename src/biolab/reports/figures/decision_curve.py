"""Net benefit over thresholds: what acting on a model's risks is worth beside treating everybody or nobody."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from biolab.reports.legend import INK, MUTED, Legend, in_order

from .layout import label_beside, plot, rule
from .theme import empty, shorten, theme

TREAT_ALL, TREAT_NONE = "treat all", "treat none"


@theme()
def decision_curve(curve: pl.DataFrame, legend: Legend, *, horizon: float) -> Figure:
    """Draw each strategy's net benefit; a model is worth using where it is above both default strategies.

    ``curve`` has strategy, threshold, net_benefit, lower, upper, as `DecisionCurve.table`.
    """
    found = curve.drop_nulls("net_benefit").sort("threshold")
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    models = [name for name in in_order(found["strategy"], legend.models) if name not in {TREAT_ALL, TREAT_NONE}]
    legend = legend.covering(models)
    say = legend.prose
    figure, axes = plot(2.9, right=1.6)
    figure.set_label(say("alt.decision_curve", {"models": ", ".join(legend.model(name) for name in models)}))
    defaults = {TREAT_ALL: (MUTED, say("plot.treat_all")), TREAT_NONE: (INK, say("plot.treat_none"))}
    looks = defaults | {name: (legend.model_colour(name), legend.model(name)) for name in models}
    ends: list[tuple[float, float, str]] = []
    best = max(found["net_benefit"].to_list())
    axes.set_ylim(-0.25 * best, 1.08 * best)
    for name, (colour, label) in looks.items():
        line = found.filter(pl.col("strategy") == name)
        if line.is_empty():
            continue
        threshold, benefit = line["threshold"].to_numpy(), line["net_benefit"].to_numpy()
        style = (0, (4, 2)) if name == TREAT_ALL else "-"
        axes.plot(threshold, benefit, color=colour, linewidth=1.5, linestyle=style, gid=f"curve-{name}", zorder=3)
        if name not in defaults:
            limits = (line[limit].cast(pl.Float64).to_numpy() for limit in ("lower", "upper"))
            axes.fill_between(threshold, *limits, color=colour, alpha=0.13, linewidth=0, gid=f"band-{name}")
        last = [place for place, value in enumerate(benefit) if value >= axes.get_ylim()[0]][-1]
        ends.append((float(threshold[last]), float(benefit[last]), shorten(label, 1.4)))
    axes.set_xlim(float(found["threshold"].to_numpy().min()), float(found["threshold"].to_numpy().max()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    rule(axes)
    axes.set_xlabel(say("plot.threshold", {"time": legend.duration(horizon)}))
    axes.set_ylabel(say("plot.net_benefit"))
    label_beside(axes, ends, right=True)
    return figure
