"""The path of a penalised model: every coefficient against the penalty and, under it, what cross-validation says."""

import math

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from biolab.core.arrays import Float
from biolab.reports.legend import INK, MODEL_COLOURS, MUTED, SITE_COLOURS, Legend

from .layout import Point, label_beside, rule
from .theme import SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme

_LEFT, _RIGHT, _BOTTOM, _TOP, _GAP = 0.85, 1.3, 0.5, 0.42, 0.22
_PATH_IN, _CURVE_IN = 2.7, 1.5
_COLOURS, _FAINT = (*MODEL_COLOURS, *SITE_COLOURS), "#b9c1c9"


@theme()
def penalised_path(
    coefficients: pl.DataFrame, legend: Legend, *, validation: pl.DataFrame | None = None, named: int = 10
) -> Figure:
    """Draw coefficients against lambda, the penalty weakening to the right, and the cross-validation curve under them.

    ``coefficients`` has lambda, feature, coefficient (a row each); ``validation`` is `CoxPathCV.path_`: lambda,
    log_likelihood, standard_error, degrees_of_freedom, chosen. The ``named`` largest coefficients at the chosen lambda
    (without one, at the last) are named. Dotted: the chosen lambda; hollow: the best cross-validated one.
    """
    if coefficients.is_empty():
        return empty(legend.prose("figure.nothing"))
    lower = 0.0 if validation is None else _CURVE_IN + _GAP
    figure = canvas(_BOTTOM + lower + _PATH_IN + _TOP)
    figure.set_label(legend.prose("alt.penalised_path"))
    width = WIDTH_IN - _LEFT - _RIGHT
    upper = place(figure, _LEFT, _BOTTOM + lower, width, _PATH_IN)
    chosen = float("nan") if validation is None else float(validation.filter(pl.col("chosen"))["lambda"][0])
    _coefficients(upper, coefficients, chosen, named)
    upper.set_ylabel(legend.prose("plot.coefficient"))
    if validation is None:
        upper.set_xlabel(legend.prose("plot.penalty"))
        return figure
    below = place(figure, _LEFT, _BOTTOM, width, _CURVE_IN)
    upper.tick_params(labelbottom=False)
    _validation(below, validation)
    _penalties(below, coefficients["lambda"].to_numpy())
    below.set_ylabel(legend.prose("plot.cross_validated"))
    below.set_xlabel(legend.prose("plot.penalty"))
    _kept(upper, validation, legend)
    for axes in (upper, below):
        axes.axvline(chosen, color=INK, linewidth=0.9, linestyle=(0, (1, 2)), zorder=2)
    return figure


def _coefficients(axes: Axes, coefficients: pl.DataFrame, chosen: float, named: int) -> None:
    wide = coefficients.pivot("feature", index="lambda", values="coefficient").sort("lambda", descending=True)
    lambdas = wide["lambda"].to_numpy()
    at = -1 if math.isnan(chosen) else int(np.abs(lambdas - chosen).argmin())
    path = {name: wide[name].to_numpy() for name in wide.columns[1:]}
    size = {name: abs(float(values[at])) for name, values in path.items()}
    largest = [name for name in sorted(size, key=lambda name: -size[name])[:named] if size[name] > 0]
    colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(largest)}
    _penalties(axes, lambdas)
    for name in [name for name in path if name not in largest and path[name].any()] + largest[::-1]:
        colour = colours.get(name, _FAINT)
        weight, order = (1.4, 3) if name in largest else (0.7, 1)
        axes.plot(lambdas, path[name], color=colour, linewidth=weight, zorder=order, gid=f"path-{name}")
    axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
    rule(axes)
    _names(axes, [Point(1.0, float(path[name][-1]), name, colours[name]) for name in largest])


def _penalties(axes: Axes, lambdas: Float[np.ndarray, " l"]) -> None:
    """Run the axis from the strongest penalty to the weakest."""
    axes.set_xscale("log")
    axes.set_xlim(lambdas.max(), lambdas.min())
    decades = range(math.floor(math.log10(lambdas.min())), math.ceil(math.log10(lambdas.max())) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if lambdas.min() <= tick <= lambdas.max()]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _names(axes: Axes, ends: list[Point]) -> None:
    """Name lines at the right edge; the axis is logarithmic and runs downwards, so lines are drawn in its fractions."""
    axes.set_ylim(*axes.get_ylim())
    over = axes.figure.add_axes(axes.get_position().bounds, frame_on=False)
    over.set_xlim(0, 1)
    over.set_ylim(axes.get_ylim())
    over.set_axis_off()
    label_beside(over, [end._replace(name=shorten(end.name, _RIGHT - 0.15, SMALL_PT)) for end in ends], right=True)


def _validation(axes: Axes, validation: pl.DataFrame) -> None:
    lambdas, gain, error = (validation[name].to_numpy() for name in ("lambda", "log_likelihood", "standard_error"))
    axes.fill_between(lambdas, gain - error, gain + error, color=MUTED, alpha=0.18, linewidth=0, gid="band")
    axes.plot(lambdas, gain, color=INK, linewidth=1.4, gid="curve")
    best = int(gain.argmax())
    axes.plot(lambdas[best], gain[best], "o", color=INK, markerfacecolor="white", markersize=5, gid="best")
    rule(axes)


def _kept(axes: Axes, validation: pl.DataFrame, legend: Legend) -> None:
    """Write along the top how many coefficients are not 0."""
    top = axes.secondary_xaxis("top")
    places = np.linspace(0, validation.height - 1, 7).round().astype(int)
    lambdas, kept = validation["lambda"].to_numpy()[places], validation["degrees_of_freedom"].to_numpy()[places]
    top.xaxis.set_major_locator(FixedLocator(lambdas.tolist()))
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xticks(lambdas.tolist(), labels=[str(number) for number in kept])
    top.set_xlabel(legend.prose("plot.not_zero"), fontsize=SMALL_PT, color=MUTED)
    top.spines["top"].set_visible(False)
