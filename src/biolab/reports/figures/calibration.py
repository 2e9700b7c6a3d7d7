"""Predicted against observed risk in groups of patients, one panel a model and direction."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from biolab.reports.legend import MUTED, RULE, Legend, directions, in_order
from biolab.reports.values import known

from .theme import SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, write

_LEFT, _GAP, _HEAD, _NAME, _BOTTOM = 0.62, 0.22, 0.28, 0.3, 0.5
_PANELS_A_ROW = 4
Direction = tuple[str, str]


@theme()
def calibration(groups: pl.DataFrame, legend: Legend, *, horizon: float) -> Figure:
    """Draw observed (Kaplan-Meier) against predicted risk by a horizon; on the diagonal predictions are right.

    Rows are directions, external ones first; columns are models; bars are the observed risk's interval.
    """
    found = groups.filter((pl.col("horizon") == horizon) & pl.col("predicted").is_not_null())
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    models = in_order(found["model"], legend.models)
    columns = max(3, min(_PANELS_A_ROW, len(models)))
    side = (WIDTH_IN - _LEFT - 0.15 - _GAP * (columns - 1)) / columns
    strips = [
        (direction, models[first : first + columns])
        for direction in directions(found, legend)
        for first in range(0, len(models), columns)
    ]
    block = _NAME + _HEAD + side + 0.22
    figure = canvas(block * len(strips) + _BOTTOM - 0.12)
    top = _top(found)
    for row, (direction, names) in enumerate(strips):
        bottom = block * (len(strips) - 1 - row) + _BOTTOM
        text = shorten(legend.direction(*direction), WIDTH_IN - _LEFT)
        write(figure, _LEFT, bottom + side + _HEAD + 0.08, text, bold=True)
        for column, model in enumerate(names):
            left = _LEFT + column * (side + _GAP)
            axes = place(figure, left, bottom, side, side)
            _panel(axes, _of(found, model, direction), legend.model_colour(model), top)
            write(
                figure,
                left,
                bottom + side + 0.11,
                shorten(legend.model(model), side + _GAP, SMALL_PT),
                size=SMALL_PT,
                colour=legend.model_colour(model),
            )
            axes.tick_params(labelleft=column == 0)
            if _of(found, model, direction).is_empty():
                axes.text(
                    0.5,
                    0.5,
                    legend.prose("common.missing_short"),
                    ha="center",
                    va="center",
                    transform=axes.transAxes,
                    color=MUTED,
                )
    _axis_names(figure, legend, horizon)
    return figure


def _of(found: pl.DataFrame, model: str, direction: Direction) -> pl.DataFrame:
    train, test = direction
    one = (pl.col("model") == model) & (pl.col("train_site") == train) & (pl.col("test_site") == test)
    return found.filter(one).sort("predicted")


def _top(found: pl.DataFrame) -> float:
    """Let the axes end a little above the largest finite value, at most at 1."""
    numbers = [known(value) for name in ("predicted", "observed", "upper") for value in found[name].to_list()]
    largest = max((value for value in numbers if value is not None), default=1.0)
    return min(1.0, max(0.1, largest * 1.06))


def _panel(axes: Axes, groups: pl.DataFrame, colour: str, top: float) -> None:
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.plot([0, top], [0, top], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.grid(visible=True, color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    points = []
    for row in groups.iter_rows(named=True):
        predicted, observed = known(row["predicted"]), known(row["observed"])
        if predicted is None or observed is None:
            continue
        points.append((predicted, observed))
        lower, upper = known(row["lower"]), known(row["upper"])
        if lower is not None and upper is not None:
            axes.plot([predicted] * 2, [lower, upper], color=colour, linewidth=1.1, alpha=0.75, zorder=2)
    if points:
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=0.8, alpha=0.5, zorder=2)
        axes.plot(
            *zip(*points, strict=True),
            marker="o",
            markersize=4.2,
            linestyle="none",
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.6,
            zorder=3,
            clip_on=False,
        )


def _axis_names(figure: Figure, legend: Legend, horizon: float) -> None:
    values = {"time": legend.duration(horizon)}
    write(figure, (_LEFT + WIDTH_IN) / 2, 0.14, legend.prose("figure.predicted_risk", values), ha="center")
    label = write(
        figure, 0.14, figure.get_size_inches()[1] / 2, legend.prose("figure.observed_risk", values), ha="center"
    )
    label.set_rotation(90)
    label.set_rotation_mode("anchor")
