"""The rows of a forest plot: headings, a square a site, a diamond and a bar for what is pooled."""

import math
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from biolab.reports.legend import INK, MUTED, RULE, Legend
from biolab.reports.values import MISSING, Value, estimate, interval, known, number

from .theme import EDGE_IN, SMALL_PT, WIDTH_IN, shorten, write

NAMES_IN, NUMBERS_IN = 2.15, 1.75


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a forest plot, at a height in lines from the top; ``prediction`` holds the prediction interval."""

    kind: Literal["term", "site", "pooled", "prediction"]
    height: float
    label: str
    name: str = ""
    value: Value = MISSING
    weight: float = 0.0
    note: str = ""


def weight_of(row: dict[str, object], tau2: float) -> float:
    """Return a site's weight among those pooled, before they are made to sum to one."""
    error = known(row.get("standard_error"))
    return 1.0 / (error**2 + tau2) if error else 0.0


def heterogeneity(total: dict[str, object], legend: Legend) -> str:
    """Write I² and τ², nothing where they are not known."""
    i2, tau2 = known(total.get("i2")), known(total.get("tau2"))
    if i2 is None or tau2 is None:
        return ""
    return legend.prose("figure.heterogeneity", {"i2": number(i2 * 100, 0), "tau2": number(tau2, 3)})


def letter_row(figure: Figure, row: Row, y_in: float, legend: Legend, *, digits: int = 2) -> None:
    """Write a row's name on the left and its numbers on the right."""
    if row.kind == "term":
        write(figure, EDGE_IN, y_in, shorten(row.label, 3.2), bold=True)
        write(figure, WIDTH_IN - EDGE_IN, y_in, row.note, ha="right", size=SMALL_PT, colour=MUTED)
        return
    pooled = row.kind == "pooled"
    write(figure, EDGE_IN + 0.14, y_in, shorten(row.label, NAMES_IN - 0.35), bold=pooled)
    text = estimate(row.value, digits, legend.prose)
    if row.kind == "prediction":
        text = f"({interval(row.value, digits, legend.prose)})"
    colour = MUTED if row.value.estimate is None else INK
    write(figure, WIDTH_IN - EDGE_IN, y_in, text, ha="right", bold=pooled, colour=colour)


def draw_row(axes: Axes, row: Row, limits: tuple[float, float], legend: Legend) -> None:
    """Draw a row's estimate and interval; one that leaves the axis ends in an arrow."""
    value = row.value
    if row.kind == "term":
        axes.axhline(row.height - 0.55, color=RULE, linewidth=0.5, xmin=-0.75, clip_on=True, zorder=0)
        return
    ratio = axes.get_xscale() == "log"
    if value.estimate is None or (ratio and value.estimate <= 0):
        return
    if row.kind == "prediction":
        _bar(axes, row, limits)
        return
    fits = row.kind == "pooled" and _fits(value, limits)
    colour = INK if row.kind == "pooled" else legend.site_colour(row.name)
    if value.lower is not None and value.upper is not None and not fits:
        ends = max(value.lower, limits[0]), min(value.upper, limits[1])
        axes.plot(ends, [row.height] * 2, color=colour, linewidth=1.1, solid_capstyle="butt", zorder=2)
        _arrows(axes, row, limits, colour)
    if row.kind == "site":
        (square,) = axes.plot([value.estimate], [row.height], "s", color=colour, zorder=3)
        square.set(markersize=3.0 + 4.0 * math.sqrt(row.weight), markeredgewidth=0)
        return
    low, high = _diamond(value, limits, ratio=ratio)
    middle, half = value.estimate, 0.34
    corners = [(low, row.height), (middle, row.height - half), (high, row.height), (middle, row.height + half)]
    axes.add_patch(Polygon(corners, facecolor=colour, edgecolor="none", zorder=3, gid=f"pooled-{row.name}"))


def _bar(axes: Axes, row: Row, limits: tuple[float, float]) -> None:
    if row.value.lower is not None and row.value.upper is not None:
        ends = max(row.value.lower, limits[0]), min(row.value.upper, limits[1])
        axes.plot(ends, [row.height] * 2, color=MUTED, linewidth=3.0, solid_capstyle="butt", zorder=2, alpha=0.6)
        _arrows(axes, row, limits, MUTED)


def _fits(value: Value, limits: tuple[float, float]) -> bool:
    if value.lower is None or value.upper is None:
        return False
    return limits[0] <= value.lower and value.upper <= limits[1]


def _diamond(value: Value, limits: tuple[float, float], *, ratio: bool) -> tuple[float, float]:
    """Span the interval where it fits the axis; else a diamond of standard width on a line that shows the limits."""
    middle = value.estimate or 0.0
    if value.lower is not None and value.upper is not None and _fits(value, limits):
        return value.lower, value.upper
    if not ratio:
        half = 0.018 * (limits[1] - limits[0])
        return middle - half, middle + half
    times = (limits[1] / limits[0]) ** 0.018
    return middle / times, middle * times


def _arrows(axes: Axes, row: Row, limits: tuple[float, float], colour: str) -> None:
    value = row.value
    if value.lower is not None and value.lower < limits[0]:
        axes.plot([limits[0]], [row.height], marker=4, markersize=5, color=colour, markeredgewidth=0, clip_on=False)
    if value.upper is not None and value.upper > limits[1]:
        axes.plot([limits[1]], [row.height], marker=5, markersize=5, color=colour, markeredgewidth=0, clip_on=False)
