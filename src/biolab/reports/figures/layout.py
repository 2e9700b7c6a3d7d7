"""Where axes and labels stand: one plot, a grid of panels, and labels that don't touch."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biolab.core.arrays import Float
from biolab.reports.legend import INK, RULE

from .theme import SMALL_PT, WIDTH_IN, canvas, place, shorten, write

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _HEAD = 0.72, 0.18, 0.2, 0.5, 0.62, 0.3


class Point(NamedTuple):
    """A point with a name to write beside it."""

    x: float
    y: float
    name: str
    colour: str = INK


def plot(height_in: float, *, left: float = _LEFT, right: float = _RIGHT, top: float = _TOP) -> tuple[Figure, Axes]:
    """Make a figure of one plot, its margins in inches."""
    figure = canvas(top + height_in + _BOTTOM)
    return figure, place(figure, left, _BOTTOM, WIDTH_IN - left - right, height_in)


def panels(names: Sequence[str], height_in: float, *, columns: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of titled panels, row by row."""
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    width = (WIDTH_IN - _LEFT - _RIGHT - _GAP * (columns - 1)) / columns
    block = _HEAD + height_in + _BOTTOM
    figure = canvas(block * rows)
    found: list[Axes] = []
    for number, name in enumerate(names):
        row, column = divmod(number, columns)
        left, bottom = _LEFT + column * (width + _GAP), block * (rows - 1 - row) + _BOTTOM
        found.append(place(figure, left, bottom, width, height_in))
        write(figure, left, bottom + height_in + 0.14, shorten(name, width + _GAP / 2), bold=True)
    return figure, found


def rule(axes: Axes, axis: Literal["x", "y", "both"] = "y") -> None:
    """Draw thin rules behind the data."""
    axes.grid(visible=True, axis=axis, color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def spread_apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending places as little as needed to stand a gap apart, within limits where they can.

    >>> spread_apart([0.0, 0.1, 5.0], 1.0, 0.0, 10.0)
    [0.0, 1.0, 5.0]
    """
    found: list[float] = []
    for at in places:
        found.append(max(at, found[-1] + gap) if found else max(at, low))
    limit = high
    for index in range(len(found) - 1, -1, -1):
        found[index] = min(found[index], limit)
        limit = found[index] - gap
    return found


def label_beside(axes: Axes, points: Sequence[Point], *, right: bool, edge: float | None = None) -> None:
    """Name points in a column beside the axes, or beside a place within them, each with a thin line to its point."""
    ordered = sorted(points, key=lambda point: point.y)
    low, high = axes.get_ylim()
    height = axes.get_window_extent().height / axes.figure.dpi
    gap = (high - low) * 0.135 / height
    heights = spread_apart([point.y for point in ordered], gap, low + gap / 2, high - gap / 2)
    edge = axes.get_xlim()[1 if right else 0] if edge is None else edge
    reach = (axes.get_xlim()[1] - axes.get_xlim()[0]) * 0.02 * (1 if right else -1)
    for (x, y, name, colour), at in zip(ordered, heights, strict=True):
        axes.plot([x, edge, edge + reach], [y, at, at], color=RULE, linewidth=0.6, clip_on=False, zorder=1)
        axes.text(
            edge + reach * 1.3, at, name, ha="left" if right else "right", va="center",
            fontsize=SMALL_PT, color=colour, clip_on=False,
        )  # fmt: skip


def seen_apart(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], axes: Axes, *, dots_per_inch: float = 72.0
) -> np.ndarray:
    """Choose the rows of points inside the axes, one a dot of a fine grid: the rest would hide behind it."""
    box, places = axes.get_window_extent(), []
    inside: list[np.ndarray] = []
    for values, limits, size in ((x, axes.get_xlim(), box.width), (y, axes.get_ylim(), box.height)):
        dots = size / axes.figure.dpi * dots_per_inch
        places.append(np.floor((values - limits[0]) / (limits[1] - limits[0]) * dots))
        inside.append((values >= min(limits)) & (values <= max(limits)))
    rows = np.flatnonzero(np.logical_and(*inside))
    return rows[np.sort(np.unique(np.stack(places, axis=1)[rows], axis=0, return_index=True)[1])]
