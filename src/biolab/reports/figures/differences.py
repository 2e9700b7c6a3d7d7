"""Paired differences to the reference model: a dot and its interval against zero, one panel a measure."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from biolab.reports.legend import MUTED, RULE, Legend, directions, in_order
from biolab.reports.metrics import MetricKey, metric_keys, metric_label, reading
from biolab.reports.values import MISSING, Value, index_values, number

from .theme import EDGE_IN, LINE_IN, SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, wrap, write

_NAMES_IN, _GAP, _TOP, _BOTTOM = 2.2, 0.2, 0.32, 0.62
_PANELS = 3
_KEYS = ("model", "train_site", "test_site", "metric", "horizon")


@theme()
def differences(frame: pl.DataFrame, legend: Legend, *, measures: Sequence[MetricKey] | None = None) -> Figure:
    """Draw each model's difference to the reference on the same patients.

    A filled dot has an interval clear of zero; a hollow one has not. At most three measures stand side by side: by
    default the first three of the frame.
    """
    keys = list(measures or metric_keys(frame))[:_PANELS]
    rows = _rows(frame, legend)
    if not keys or not rows:
        return empty(legend.prose("figure.nothing"))
    depth = rows[-1][0] + 1.0
    height = _TOP + depth * LINE_IN + _BOTTOM
    figure = canvas(height)
    values = index_values(frame, _KEYS, "difference")
    width = (WIDTH_IN - _NAMES_IN - 0.15 - _GAP * (len(keys) - 1)) / len(keys)
    for column, key in enumerate(keys):
        left = _NAMES_IN + column * (width + _GAP)
        axes = place(figure, left, _BOTTOM, width, depth * LINE_IN)
        cells = {
            place_down: values.get((model, *direction, *key), MISSING) for place_down, direction, model in rows if model
        }
        _frame(axes, cells, depth, key, legend)
        for place_down, _, model in rows:
            if model:
                _dot(axes, place_down, cells[place_down], legend.model_colour(model), legend)
        label = shorten(metric_label(key, legend.prose, legend.time_unit, short=True), width)
        write(figure, left + width / 2, height - 0.16, label, ha="center", bold=True)
    for place_down, direction, model in rows:
        y_in = height - _TOP - (place_down + 0.5) * LINE_IN
        if model:
            write(
                figure,
                EDGE_IN + 0.14,
                y_in,
                shorten(legend.model(model), _NAMES_IN - 0.35),
                colour=legend.model_colour(model),
            )
        else:
            write(figure, EDGE_IN, y_in, shorten(legend.direction(*direction, short=True), _NAMES_IN - 0.1), bold=True)
    return figure


def _rows(frame: pl.DataFrame, legend: Legend) -> list[tuple[float, tuple[str, str], str | None]]:
    """Lay out a heading a direction, external ones first, and under it a line a model."""
    models = [model for model in in_order(frame["model"], legend.models) if model != legend.reference_model]
    rows: list[tuple[float, tuple[str, str], str | None]] = []
    place_down = 0.0
    for pair in directions(frame, legend):
        rows.append((place_down, pair, None))
        rows += [(place_down + 1 + line, pair, model) for line, model in enumerate(models)]
        place_down += len(models) + 1.5
    return rows


def _frame(axes: Axes, cells: dict[float, Value], depth: float, key: MetricKey, legend: Legend) -> None:
    numbers = [
        abs(limit) for cell in cells.values() for limit in (cell.estimate, cell.lower, cell.upper) if limit is not None
    ]
    reach = max(numbers, default=0.01) * 1.12 or 0.01
    axes.set_xlim(-reach, reach)
    axes.set_ylim(depth - 0.5, -0.5)
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(4, symmetric=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, _digits(reach), signed=True)))
    better = reading(key.metric).better
    if better != "one":
        words = wrap(
            legend.prose(f"figure.better_{better}"), axes.get_window_extent().width / axes.figure.dpi, SMALL_PT
        )
        axes.set_xlabel("\n".join(words), fontsize=SMALL_PT, color=MUTED, labelpad=4)


def _digits(reach: float) -> int:
    return 3 if reach < 0.02 else 2 if reach < 0.5 else 1


def _dot(axes: Axes, place_down: float, value: Value, colour: str, legend: Legend) -> None:
    if value.estimate is None:
        axes.text(
            0,
            place_down,
            legend.prose("common.missing_short"),
            ha="center",
            va="center",
            fontsize=SMALL_PT,
            color=MUTED,
            backgroundcolor="white",
        )
        return
    if value.lower is not None and value.upper is not None:
        axes.plot([value.lower, value.upper], [place_down] * 2, color=colour, linewidth=1.3, zorder=2)
    clear = value.side_of(0.0) in {"above", "below"}
    axes.plot(
        [value.estimate],
        [place_down],
        marker="o",
        markersize=5,
        color=colour,
        markerfacecolor=colour if clear else "white",
        markeredgewidth=1.2,
        zorder=3,
    )
