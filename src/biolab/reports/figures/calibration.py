"""Predicted against observed risk in groups of patients, one panel a model and direction."""

from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from biolab.reports.legend import INK, MUTED, RULE, Legend, directions, in_order
from biolab.reports.values import known

from .theme import SMALL_PT, WIDTH_IN, canvas, empty, sheet, shorten, theme, write

_LEFT, _GAP, _HEAD_IN, _TICKS_IN, _BOTTOM = 0.62, 0.22, 0.55, 0.27, 0.24
_PANELS_A_ROW = 4
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class _Panel:
    """A square on the sheet, in inches, whose both axes run from 0 to ``top``."""

    name: str
    left: float
    bottom: float
    side: float
    top: float

    def at(self, predicted: float, observed: float) -> Point:
        return self.left + predicted / self.top * self.side, self.bottom + observed / self.top * self.side


@theme()
def calibration(groups: pl.DataFrame, legend: Legend, *, horizon: float | None) -> Figure:
    """Draw observed against predicted risk; on the diagonal predictions are right.

    By a horizon the observed risk is Kaplan-Meier's; without one (a class) it is the share of patients.

    Rows are directions, external ones first; columns are models; bars are the observed risk's interval. Groups without
    a number are left out.
    """
    at = pl.col("horizon").is_null() if horizon is None else pl.col("horizon") == horizon
    found = groups.filter(at & pl.col("predicted").is_not_null())
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    models = in_order(found["model"], legend.models)
    columns = min(_PANELS_A_ROW, len(models))
    side = min((WIDTH_IN - _LEFT - 0.15 - _GAP * (columns - 1)) / columns, 2.2)
    starts = range(0, len(models), columns)
    strips = [(pair, models[start : start + columns]) for pair in directions(found, legend) for start in starts]
    block = _HEAD_IN + side + _TICKS_IN
    figure = canvas(block * len(strips) + _BOTTOM)
    axes = sheet(figure)
    top = _top(found)
    for row, (pair, names) in enumerate(strips):
        bottom = block * (len(strips) - 1 - row) + _TICKS_IN + _BOTTOM
        heading = shorten(legend.direction(*pair), WIDTH_IN - _LEFT)
        write(figure, _LEFT, bottom + side + 0.36, heading, bold=True)
        for column, model in enumerate(names):
            left = _LEFT + column * (side + _GAP)
            panel = _Panel(name=f"{row}-{column}", left=left, bottom=bottom, side=side, top=top)
            colour = legend.model_colour(model)
            title = shorten(legend.model(model), side + _GAP / 2, SMALL_PT)
            write(figure, panel.left, bottom + side + 0.12, title, size=SMALL_PT, colour=colour)
            _frame(figure, axes, panel, numbered=column == 0)
            if not _groups(axes, panel, _of(found, model, pair), colour):
                missing = legend.prose("common.missing_short")
                write(figure, panel.left + side / 2, bottom + side / 2, missing, ha="center", colour=MUTED)
    _axis_names(figure, legend, horizon)
    return figure


def _of(found: pl.DataFrame, model: str, pair: tuple[str, str]) -> pl.DataFrame:
    train, test = pair
    one = (pl.col("model") == model) & (pl.col("train_site") == train) & (pl.col("test_site") == test)
    return found.filter(one).sort("predicted")


def _top(found: pl.DataFrame) -> float:
    """Let the axes end a little above the largest number, at most at 1."""
    numbers = [known(value) for name in ("predicted", "observed", "upper") for value in found[name].to_list()]
    largest = max((value for value in numbers if value is not None), default=1.0)
    return min(1.0, max(0.1, largest * 1.06))


def _frame(figure: Figure, axes: Axes, panel: _Panel, *, numbered: bool) -> None:
    top = panel.top
    ticks = [tick for tick in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top) if 0 <= tick <= top]
    lines = [[panel.at(tick, 0), panel.at(tick, top)] for tick in ticks]
    lines += [[panel.at(0, tick), panel.at(top, tick)] for tick in ticks]
    axes.add_collection(LineCollection(lines, colors=RULE, linewidths=0.5, zorder=0))
    corner = [panel.at(0, top), panel.at(0, 0), panel.at(top, 0)]
    axes.add_collection(LineCollection([corner], colors=MUTED, linewidths=0.7, zorder=1))
    ideal = [panel.at(0, 0), panel.at(top, top)]
    axes.add_collection(LineCollection([ideal], colors=MUTED, linewidths=0.8, linestyles=[(0, (4, 3))], zorder=1))
    for tick in ticks:
        x, y = panel.at(tick, tick)
        write(figure, x, panel.bottom - 0.1, f"{tick:.0%}", ha="center", size=SMALL_PT, colour=INK)
        if numbered:
            write(figure, panel.left - 0.06, y, f"{tick:.0%}", ha="right", size=SMALL_PT, colour=INK)


def _groups(axes: Axes, panel: _Panel, groups: pl.DataFrame, colour: str) -> list[Point]:
    """Draw the groups that have both numbers and return their points."""
    points: list[Point] = []
    bars: list[list[Point]] = []
    for row in groups.iter_rows(named=True):
        predicted, observed, lower, upper = (known(row[name]) for name in ("predicted", "observed", "lower", "upper"))
        if predicted is None or observed is None:
            continue
        points.append(panel.at(predicted, observed))
        if lower is not None and upper is not None:
            bars.append([panel.at(predicted, lower), panel.at(predicted, upper)])
    if points:
        across, up = zip(*points, strict=True)
        axes.add_collection(LineCollection(bars, colors=colour, linewidths=1.1, alpha=0.75, zorder=2))
        axes.add_collection(LineCollection([points], colors=colour, linewidths=0.8, alpha=0.5, zorder=2))
        (dots,) = axes.plot(across, up, "o", color=colour, zorder=3, gid=f"groups-{panel.name}")
        dots.set(markersize=4.2, markeredgecolor="white", markeredgewidth=0.6)
    return points


def _axis_names(figure: Figure, legend: Legend, horizon: float | None) -> None:
    values = {"time": "" if horizon is None else legend.duration(horizon)}
    middle = figure.get_size_inches()[1] / 2
    kind = "share" if horizon is None else "risk"
    write(figure, (_LEFT + WIDTH_IN) / 2, 0.1, legend.prose(f"figure.predicted_{kind}", values), ha="center")
    label = write(figure, 0.12, middle, legend.prose(f"figure.observed_{kind}", values), ha="center")
    label.set_rotation(90)
    label.set_rotation_mode("anchor")
