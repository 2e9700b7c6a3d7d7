"""P-values of a scan against those of chance, and how far their middle is shifted."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import chdtri
from scipy.stats import beta

from biolab.core.arrays import Float
from biolab.reports.legend import INK, MUTED, Legend, in_order
from biolab.reports.values import number

from .layout import plot, rule, seen_apart
from .theme import WIDTH_IN, empty, shorten, theme

_SIDE, _LEFT = 3.2, 0.72


@theme()
def quantile_quantile(scans: pl.DataFrame, legend: Legend) -> Figure:
    """Draw ordered -log10 p-values of one or more scans against those expected if no feature mattered.

    ``scans`` has model (the scan's name) and p_value; nulls are left out. The band holds 95 % of each order statistic
    of independent features; features of one genome are not independent, so a curve may leave it without one of them
    mattering. The median inflation is the median chi-squared over that expected, 1 in the middle of chance.
    """
    found = scans.drop_nulls("p_value")
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    legend = legend.covering(found["model"])
    models = in_order(found["model"], legend.models)
    figure, axes = plot(_SIDE, left=_LEFT, right=WIDTH_IN - _LEFT - _SIDE)
    figure.set_label(legend.prose("alt.quantile_quantile", {"models": ", ".join(models)}))
    sorted_p = {model: np.sort(found.filter(pl.col("model") == model)["p_value"].to_numpy()) for model in models}
    longest = max(values.size for values in sorted_p.values())
    right = 1.04 * -np.log10(0.5 / longest)
    top = 1.08 * -np.log10(max(min(values[0] for values in sorted_p.values()), 1e-300))
    axes.set_xlim(0, right)
    axes.set_ylim(0, max(top, right))
    _chance(axes, longest)
    for model, values in sorted_p.items():
        x, y = -np.log10((np.arange(values.size) + 0.5) / values.size), -np.log10(np.maximum(values, 1e-300))
        kept = seen_apart(x, y, axes)
        words = legend.prose("plot.inflation", {"value": number(inflation(values), 2)})
        label = f"{shorten(legend.model(model), 2.9)}\n{words}"
        colour = legend.model_colour(model)
        axes.plot(x[kept], y[kept], "o", color=colour, markersize=2.6, markeredgewidth=0, label=label, gid=f"p-{model}")
    rule(axes, "both")
    axes.set_xlabel(legend.prose("plot.expected_p"))
    axes.set_ylabel(legend.prose("plot.observed_p"))
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.03, 1.02), frameon=False, handlelength=0.6, markerscale=2,
        labelspacing=0.9,
    )  # fmt: skip
    return figure


def inflation(p_values: Float[np.ndarray, " p"]) -> float:
    """Return the median chi-squared statistic of p-values over the median of chance.

    >>> round(inflation(np.linspace(0.001, 0.999, 999)), 3)
    1.0
    """
    return float(np.median(chdtri(1, p_values)) / chdtri(1, 0.5))


def _chance(axes: Axes, size: int) -> None:
    rank = np.unique(np.geomspace(1, size, 120).round())
    expected = -np.log10((rank - 0.5) / size)
    low, high = (-np.log10(beta.ppf(level, rank, size - rank + 1)) for level in (0.975, 0.025))
    axes.fill_between(expected, low, high, color=MUTED, alpha=0.18, linewidth=0, gid="chance")
    axes.plot([0, expected[0]], [0, expected[0]], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
