"""What cross-validation promised at home and what was found elsewhere: one panel a model, one row a testing site."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from biolab.reports.legend import INK, MUTED, OTHERS, RULE, Legend, in_order
from biolab.reports.values import Value, value_of

from .theme import EDGE_IN, LINE_IN, SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, write

_NAMES_IN, _GAP, _TOP, _BOTTOM, _KEY_IN = 1.75, 0.2, 0.3, 0.34, 0.3
_PANELS_A_ROW, _ROW_IN = 3, 2.1 * LINE_IN
_PLACES = {"home": -0.24, "abroad": 0.0, "pooled": 0.24}
_CHANCE = 0.5


@theme()
def transport(validation: pl.DataFrame, summary: pl.DataFrame, legend: Legend, *, metric: str) -> Figure:
    """Draw each model's concordance at every testing site and, in the last row, pooled over the sites.

    Hollow squares are the cross-validation at home, small dots the models of single other sites, diamonds those of all
    others pooled. Single dots have no line of their own: their intervals stand in the tables.
    """
    found = validation.filter(pl.col("metric") == metric, pl.col("horizon").is_null(), pl.col("estimate").is_not_null())
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    models, sites = in_order(found["model"], legend.models), in_order(found["test_site"], legend.sites)
    columns = min(_PANELS_A_ROW, len(models))
    depth = (len(sites) + 1) * _ROW_IN
    block = _TOP + depth + _BOTTOM
    figure = canvas(block * -(-len(models) // columns) + _KEY_IN)
    height = float(figure.get_size_inches()[1])
    width = (WIDTH_IN - _NAMES_IN - 0.12 - _GAP * (columns - 1)) / columns
    limits = _limits(found)
    for index, model in enumerate(models):
        row, column = divmod(index, columns)
        left, top = _NAMES_IN + column * (width + _GAP), height - _KEY_IN - row * block
        axes = place(figure, left, top - _TOP - depth, width, depth)
        _frame(axes, limits, len(sites))
        mine = found.filter(pl.col("model") == model)
        for at, site in enumerate(sites):
            _site(axes, at, mine.filter(pl.col("test_site") == site), legend.model_colour(model))
        overall = summary.filter(pl.col("model") == model, pl.col("metric") == metric)
        for one in overall.iter_rows(named=True):
            _mark(axes, len(sites), one["setting"], value_of(one), legend.model_colour(model), line=True)
        write(figure, left, top - 0.14, shorten(legend.model(model), width), bold=True)
        if column == 0:
            _row_names(figure, sites, top - _TOP, legend)
    _key(figure, height, set(summary["setting"]), legend)
    return figure


def _limits(found: pl.DataFrame) -> tuple[float, float]:
    inside = found.select("estimate", "lower", "upper").unpivot()["value"].drop_nulls()
    low, high = min(_CHANCE, float(inside.quantile(0.01) or _CHANCE)), float(inside.quantile(0.99) or 1.0)
    return max(0.0, low - 0.03), min(1.0, high + 0.03)


def _frame(axes: Axes, limits: tuple[float, float], sites: int) -> None:
    axes.set_xlim(*limits)
    axes.set_ylim(sites + 0.5, -0.5)
    axes.axvline(_CHANCE, color=MUTED, linewidth=0.9, zorder=1)
    axes.axhline(sites - 0.5, color=RULE, linewidth=0.8)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(value, 3):g}"))


def _site(axes: Axes, row: int, found: pl.DataFrame, colour: str) -> None:
    for one in found.iter_rows(named=True):
        train = one["train_site"]
        setting = "pooled" if train == OTHERS else "home" if train == one["test_site"] else "abroad"
        _mark(axes, row, setting, value_of(one), colour, line=setting != "abroad")


def _mark(axes: Axes, row: int, setting: str, value: Value, colour: str, *, line: bool) -> None:
    if value.estimate is None:
        return
    height = row + _PLACES[setting]
    if line and value.lower is not None and value.upper is not None:
        axes.plot([value.lower, value.upper], [height] * 2, color=MUTED if setting == "home" else colour, linewidth=1.2)
    shape, size = {"home": ("s", 4.5), "abroad": ("o", 3.4), "pooled": ("D", 5.0)}[setting]
    ink = MUTED if setting == "home" else colour
    axes.plot(
        [value.estimate], [height], marker=shape, markersize=size, color=ink, linestyle="none", zorder=3,
        markerfacecolor="white" if setting == "home" else ink, markeredgewidth=1.1,
    )  # fmt: skip


def _row_names(figure: Figure, sites: list[str], top: float, legend: Legend) -> None:
    for at, site in enumerate([*sites, ""]):
        label = legend.site(site) if site else legend.prose("figure.all_sites")
        colour = legend.site_colour(site) if site else INK
        text = shorten(label, _NAMES_IN - 0.15)
        write(figure, EDGE_IN, top - (at + 0.5) * _ROW_IN, text, colour=colour, bold=not site)


def _key(figure: Figure, height: float, settings: set[str], legend: Legend) -> None:
    axes = place(figure, 0, height - _KEY_IN, WIDTH_IN, _KEY_IN)
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH_IN)
    axes.set_ylim(0, 1)
    for at, (setting, shape) in enumerate((("home", "s"), ("abroad", "o"), ("pooled", "D"))):
        if setting not in settings:
            continue
        left = _NAMES_IN + at * (WIDTH_IN - _NAMES_IN) / 3
        hollow = setting == "home"
        axes.plot([left + 0.05], [0.6], marker=shape, markersize=4.5, color=MUTED if hollow else INK,
                  markerfacecolor="white" if hollow else INK)  # fmt: skip
        text = legend.prose(f"transport.{setting}")
        write(figure, left + 0.15, height - 0.4 * _KEY_IN, shorten(text, 1.7, SMALL_PT), size=SMALL_PT, colour=MUTED)
