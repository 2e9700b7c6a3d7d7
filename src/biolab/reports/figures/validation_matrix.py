"""Where each model was trained against where it was tested: one square a pair of sites, one panel a model."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from biolab.reports.legend import INK, MUTED, Legend, in_order
from biolab.reports.metrics import MetricKey, goodness, reading
from biolab.reports.values import MISSING, Value, index_values, interval, number

from .theme import SMALL_PT, TEXT_PT, WIDTH_IN, canvas, empty, place, shorten, theme, write

_GOOD = LinearSegmentedColormap.from_list("good", ["#f7fafc", "#c3dbe8", "#6fa8c7", "#1f6f9c", "#0b4463"])
_AROUND_ONE = LinearSegmentedColormap.from_list("around one", ["#2166ac", "#92c5de", "#fbfbfa", "#f4a582", "#b2182b"])
_NAMES_IN, _GAP_IN, _TOP, _BOTTOM, _CELL_IN = 1.35, 0.16, 0.3, 0.5, 0.46
_PANELS_A_ROW = 4


@theme()
def validation_matrix(
    validation: pl.DataFrame, legend: Legend, *, metric: str, horizon: float | None = None
) -> Figure:
    """Draw a measure's matrix of training site by test site for every model.

    Each cell has the estimate over its interval; the cells of a model tested at home by resampling are notched; what
    was not computed is hatched and said to be missing.
    """
    at = pl.col("horizon").is_null() if horizon is None else pl.col("horizon") == horizon
    found = validation.filter((pl.col("metric") == metric) & at)
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    models = in_order(found["model"], legend.models)
    sites = in_order(pl.concat([found["train_site"], found["test_site"]]), legend.sites)
    values = index_values(found, ("model", "train_site", "test_site"))
    columns = min(_PANELS_A_ROW, len(models))
    width = (WIDTH_IN - _NAMES_IN - 0.1 - _GAP_IN * (_PANELS_A_ROW - 1)) / max(2, columns)
    width = min(width, 0.86 * len(sites)) if columns < _PANELS_A_ROW else width
    panel_height = _CELL_IN * len(sites)
    block = _TOP + panel_height + _BOTTOM
    rows = -(-len(models) // _PANELS_A_ROW)
    figure = canvas(block * rows)
    for index, model in enumerate(models):
        row, column = divmod(index, _PANELS_A_ROW)
        bottom = block * (rows - 1 - row) + _BOTTOM
        left = _NAMES_IN + column * (width + _GAP_IN)
        axes = place(figure, left, bottom, width, panel_height)
        cells = {(train, test): values.get((model, train, test), MISSING) for train in sites for test in sites}
        _panel(axes, cells, sites, MetricKey(metric, horizon), legend)
        write(figure, left, bottom + panel_height + 0.12, shorten(legend.model(model), width), bold=True)
        _test_names(figure, sites, (left, bottom, width), legend)
        if column == 0:
            _train_names(figure, sites, (bottom, panel_height), legend)
    return figure


def _panel(
    axes: Axes, cells: Mapping[tuple[str, str], Value], sites: list[str], key: MetricKey, legend: Legend
) -> None:
    axes.set_xlim(0, len(sites))
    axes.set_ylim(len(sites), 0)
    axes.set_axis_off()
    for (train, test), value in cells.items():
        corner = (sites.index(test), sites.index(train))
        _cell(axes, corner, value, key, legend)
        if train == test:
            x, y = corner[0] + 0.02, corner[1] + 0.025
            colour = INK if value.estimate is None else _ink(_shade(key.metric, value.estimate))
            axes.add_patch(Polygon([(x, y), (x + 0.12, y), (x, y + 0.2)], facecolor=colour, edgecolor="none", gid=f"internal-{train}"))


def _cell(axes: Axes, corner: tuple[int, int], value: Value, key: MetricKey, legend: Legend) -> None:
    x, y = corner
    box = {"xy": (x + 0.02, y + 0.025), "width": 0.96, "height": 0.95, "linewidth": 0.5}
    if value.estimate is None:
        axes.add_patch(Rectangle(**box, facecolor="white", edgecolor="#c9d0d7", hatch="////"))
        axes.text(x + 0.5, y + 0.5, legend.prose("common.missing_short"), ha="center", va="center", fontsize=SMALL_PT, color=MUTED)
        return
    colour = _shade(key.metric, value.estimate)
    axes.add_patch(Rectangle(**box, facecolor=colour, edgecolor="#b8c4cf"))
    digits = reading(key.metric).digits
    axes.text(
        x + 0.5, y + 0.37, number(value.estimate, digits), ha="center", va="center",
        fontsize=TEXT_PT + 0.5, color=_ink(colour), fontweight="bold",
    )  # fmt: skip
    limits = interval(value, digits, legend.prose) if value.has_interval else legend.prose("common.missing_short")
    axes.text(x + 0.5, y + 0.71, limits, ha="center", va="center", fontsize=SMALL_PT - 0.8, color=_ink(colour))


def _test_names(figure: Figure, sites: list[str], panel: tuple[float, float, float], legend: Legend) -> None:
    left, bottom, width = panel
    step = width / len(sites)
    for column, site in enumerate(sites):
        label = shorten(legend.site(site), step, SMALL_PT)
        write(figure, left + (column + 0.5) * step, bottom - 0.1, label, ha="center", size=SMALL_PT, colour=legend.site_colour(site))
    write(figure, left + width / 2, bottom - 0.27, legend.prose("figure.tested_at"), ha="center", size=SMALL_PT - 0.5, colour=MUTED)


def _train_names(figure: Figure, sites: list[str], panel: tuple[float, float], legend: Legend) -> None:
    bottom, height = panel
    step = height / len(sites)
    write(figure, 0.1, bottom + height + 0.12, legend.prose("figure.trained_at"), size=SMALL_PT - 0.5, colour=MUTED)
    for row, site in enumerate(sites):
        label = shorten(legend.site(site), _NAMES_IN - 0.2, SMALL_PT)
        write(figure, 0.1, bottom + height - (row + 0.5) * step, label, size=SMALL_PT, colour=legend.site_colour(site))


def _shade(metric: str, value: float) -> tuple[float, float, float]:
    place_on = goodness(metric, value)
    if reading(metric).better == "one":
        return to_rgb(_AROUND_ONE(0.5 + place_on / 2))
    return to_rgb(_GOOD(place_on))


def _ink(background: tuple[float, float, float]) -> str:
    """Choose the text colour with the better WCAG contrast."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in background)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "white" if luminance < 0.2 else INK
