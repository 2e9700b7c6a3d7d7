"""Where each model was trained against where it was tested: one square a pair of sites, one panel a model."""

from dataclasses import dataclass
from itertools import product

import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from biolab.reports.legend import INK, MUTED, Legend, in_order
from biolab.reports.metrics import goodness, largest, reading
from biolab.reports.values import MISSING, Value, index_values, interval, number

from .theme import EDGE_IN, SMALL_PT, TEXT_PT, WIDTH_IN, canvas, empty, sheet, shorten, theme, wrap, write

_GOOD = LinearSegmentedColormap.from_list("good", ["#fafcfd", "#dbe9f1", "#b3d1e2", "#74abc9", "#2a76a1"])
_AROUND_ONE = LinearSegmentedColormap.from_list("around one", ["#4a86bd", "#a8cfe5", "#fbfbfa", "#f6bd9f", "#d1604f"])
_NAMES_IN, _GAP_IN, _HEAD_IN, _LABEL_IN, _CELL_IN = 1.5, 0.16, 0.27, 0.135, 0.46
_PANELS_A_ROW, _INSET, _NOTCH = 4, 0.012, 0.09
_NARROW_IN = 0.55  # a narrower cell has no room for its interval
_NAME_PT = SMALL_PT - 0.6


@dataclass(frozen=True, kw_only=True)
class _Panel:
    """A model's squares: where they stand on the sheet, in inches, and how large one is."""

    name: str
    left: float
    top: float
    cell_width: float
    trains: list[str]
    tests: list[str]


@dataclass(frozen=True, kw_only=True)
class _Shades:
    """A measure and the largest of its values in the figure, by which a measure in units is shaded."""

    metric: str
    largest: float | None

    def of(self, value: float) -> tuple[float, float, float]:
        place = goodness(self.metric, value, self.largest)
        return to_rgb(_AROUND_ONE(0.5 + place / 2) if reading(self.metric).better == "one" else _GOOD(place))


@theme()
def validation_matrix(validation: pl.DataFrame, legend: Legend, *, metric: str, horizon: float | None = None) -> Figure:
    """Draw a measure's matrix of training site by test site for every model.

    Each cell has the estimate over its interval; the cells of a model tested at home by resampling are notched; what
    was not computed is hatched and said to be missing.
    """
    at = pl.col("horizon").is_null() if horizon is None else pl.col("horizon") == horizon
    found = validation.filter((pl.col("metric") == metric) & at)
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    models = in_order(found["model"], legend.models)
    reported = {name: in_order(found[name], legend.sites) for name in ("train_site", "test_site")}
    trains, tests = (
        [*legend.sites, *(site for site in sites if site not in legend.sites)] for sites in reported.values()
    )
    values = index_values(found, ("model", "train_site", "test_site"))
    shades = _Shades(metric=metric, largest=largest(found, metric))
    columns = max(1, min(_PANELS_A_ROW, len(models), int((WIDTH_IN - _NAMES_IN) / (_NARROW_IN * len(tests)))))
    width = (WIDTH_IN - _NAMES_IN - EDGE_IN - _GAP_IN * (columns - 1)) / columns
    cell_width = min(width / len(tests), 1.1)
    names = {site: wrap(legend.site(site), cell_width, _NAME_PT) for site in tests}
    depth = _HEAD_IN + _CELL_IN * len(trains) + _LABEL_IN * (1.2 + max(map(len, names.values()))) + 0.14
    figure = canvas(depth * -(-len(models) // columns))
    axes = sheet(figure)
    for index, model in enumerate(models):
        row, column = divmod(index, columns)
        left = _NAMES_IN + column * (cell_width * len(tests) + _GAP_IN)
        top = figure.get_size_inches()[1] - row * depth - _HEAD_IN
        panel = _Panel(name=str(index), left=left, top=top, cell_width=cell_width, trains=trains, tests=tests)
        title = shorten(legend.model(model), cell_width * len(tests) + _GAP_IN)
        write(figure, left + _INSET, top + 0.12, title, bold=True)
        _cells(
            axes, panel, {pair: values.get((model, *pair), MISSING) for pair in product(trains, tests)}, shades, legend
        )
        _test_names(figure, panel, names, legend)
        if column == 0:
            _train_names(figure, panel, legend)
    return figure


def _cells(axes: Axes, panel: _Panel, cells: dict[tuple[str, str], Value], shades: _Shades, legend: Legend) -> None:
    for (train, test), value in cells.items():
        left = panel.left + panel.tests.index(test) * panel.cell_width
        top = panel.top - panel.trains.index(train) * _CELL_IN
        _cell(axes, (left, top, panel.cell_width), value, shades, legend)
        if train == test:
            x, y = left + _INSET, top - _INSET
            corners = [(x, y), (x + _NOTCH, y), (x, y - _NOTCH)]
            mark = f"internal-{panel.name}-{panel.tests.index(test)}"
            axes.add_patch(Polygon(corners, facecolor=INK, edgecolor="none", gid=mark))


def _cell(axes: Axes, box: tuple[float, float, float], value: Value, shades: _Shades, legend: Legend) -> None:
    left, top, width = box
    colour = "white" if value.estimate is None else shades.of(value.estimate)
    hatch = "////" if value.estimate is None else None
    size = (width - 2 * _INSET, _CELL_IN - 2 * _INSET)
    corner = (left + _INSET, top - _CELL_IN + _INSET)
    axes.add_patch(Rectangle(corner, *size, facecolor=colour, edgecolor="#c3ccd5", linewidth=0.5, hatch=hatch))
    middle = left + width / 2
    missing = legend.prose("common.missing_short")
    if value.estimate is None:
        axes.text(middle, top - _CELL_IN / 2, missing, ha="center", va="center", fontsize=SMALL_PT, color=MUTED)
        return
    ink = _ink(to_rgb(colour))
    digits = reading(shades.metric, shades.largest).digits
    limits = interval(value, digits, legend.prose) if value.has_interval else missing
    if width < 0.9 * _NARROW_IN:
        text = number(value.estimate, min(digits, 2))
        axes.text(middle, top - _CELL_IN / 2, text, ha="center", va="center", color=ink, fontsize=SMALL_PT)
        return
    for down, text, size, weight in (
        (0.37, number(value.estimate, digits), TEXT_PT + 0.5, "bold"),
        (0.71, limits, SMALL_PT - 0.8, "normal"),
    ):
        up = top - down * _CELL_IN
        axes.text(middle, up, text, ha="center", va="center", color=ink, fontsize=size, fontweight=weight)


def _test_names(figure: Figure, panel: _Panel, names: dict[str, list[str]], legend: Legend) -> None:
    bottom = panel.top - _CELL_IN * len(panel.trains) - 0.09
    for column, site in enumerate(panel.tests):
        middle = panel.left + (column + 0.5) * panel.cell_width
        for line, text in enumerate(names[site]):
            down = bottom - line * _LABEL_IN
            write(figure, middle, down, text, ha="center", size=_NAME_PT, colour=legend.site_colour(site))
    middle = panel.left + len(panel.tests) * panel.cell_width / 2
    down = bottom - max(map(len, names.values())) * _LABEL_IN - 0.01
    write(figure, middle, down, legend.prose("figure.tested_at"), ha="center", size=_NAME_PT, colour=MUTED)


def _train_names(figure: Figure, panel: _Panel, legend: Legend) -> None:
    size, colour = _NAME_PT, MUTED
    write(figure, EDGE_IN, panel.top + 0.12, legend.prose("figure.trained_at"), size=size, colour=colour)
    for row, site in enumerate(panel.trains):
        label = shorten(legend.site(site), _NAMES_IN - 0.15, SMALL_PT)
        up = panel.top - (row + 0.5) * _CELL_IN
        write(figure, EDGE_IN, up, label, size=SMALL_PT, colour=legend.site_colour(site))


def _ink(background: tuple[float, float, float]) -> str:
    """Choose the text colour with the better WCAG contrast."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in background)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.0656 else INK
