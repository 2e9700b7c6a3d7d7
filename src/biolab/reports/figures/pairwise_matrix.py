"""A number for each pair of things, such as a distance, a score or an identity, as shades and figures."""

import numpy as np
import polars as pl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from biolab.reports.legend import INK, Legend
from biolab.reports.values import number

from .layout import plot
from .theme import SMALL_PT, WIDTH_IN, empty, shorten, theme

_SHADES = LinearSegmentedColormap.from_list("shades", ["#f3f6f8", "#9cc3dc", "#0b4f6c"])
_NAME_IN, _CELL_IN, _WRITTEN = 1.5, 0.42, 14


@theme()
def pairwise_matrix(
    pairs: pl.DataFrame, legend: Legend, *, value: str, first: str = "first", second: str = "second", digits: int = 2
) -> Figure:
    """Draw a value of each pair of names, darker where larger; up to 14 names a side it is written too.

    ``pairs`` has a row a pair. Pairs that are missing, and infinite values, stay white.
    """
    known = pairs.drop_nulls([first, second])
    if known.is_empty():
        return empty(legend.prose("figure.nothing"))
    rows, columns = (known[name].unique(maintain_order=True).to_list() for name in (first, second))
    cells = np.full((len(rows), len(columns)), np.nan)
    for one, other, found in known.select(first, second, pl.col(value).cast(pl.Float64)).iter_rows():
        cells[rows.index(one), columns.index(other)] = np.nan if found is None else found
    cells[~np.isfinite(cells)] = np.nan
    width = min(WIDTH_IN - _NAME_IN - 0.3, _CELL_IN * 2 * len(columns))
    figure, axes = plot(
        min(6.0, max(0.8, _CELL_IN * len(rows))), left=_NAME_IN, right=WIDTH_IN - _NAME_IN - width, top=0.15
    )
    figure.set_label(legend.prose("sequences.alt_pairwise_matrix", {"value": value}))
    edges = [np.arange(size + 1) - 0.5 for size in cells.shape]
    axes.pcolormesh(edges[1], edges[0], np.ma.masked_invalid(cells), cmap=_SHADES, gid="cells")
    axes.invert_yaxis()
    axes.set_xticks(range(len(columns)), [shorten(str(name), 1.0, SMALL_PT) for name in columns], rotation=0)
    axes.set_yticks(range(len(rows)), [shorten(str(name), _NAME_IN - 0.2, SMALL_PT) for name in rows])
    axes.tick_params(length=0)
    if max(cells.shape) <= _WRITTEN:
        middle = (np.nanmin(cells) + np.nanmax(cells)) / 2 if np.isfinite(cells).any() else 0.0
        for (row, column), found in np.ndenumerate(cells):
            if np.isfinite(found):
                colour = "white" if found > middle else INK
                axes.text(
                    column, row, number(float(found), digits), ha="center", va="center", fontsize=SMALL_PT, color=colour
                )
    return figure
