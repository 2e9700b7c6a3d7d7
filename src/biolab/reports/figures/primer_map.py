"""Where primers sit on a template, which way they are lengthened, and how warm they melt."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from biolab.reports.legend import INK, MODEL_COLOURS, Legend

from .layout import plot, rule
from .theme import SMALL_PT, empty, shorten, theme, width_in

_HEIGHT_IN, _HIGH_IN, _POINT_IN, _LEAST_IN, _WORD_IN = 2.2, 0.1, 0.08, 0.12, 0.17
_LEAST_SPAN_C = 4.0


@theme()
def primer_map(sites: pl.DataFrame, legend: Legend, *, length: int) -> Figure:
    """Draw primers as arrows from their 5' to their 3' end along a template, at the height of their melting point.

    ``sites`` has name, start (0-based), end (excluded), strand (+1, -1), melting_temperature_c and gc_share, as
    `PrimerProperties.sites` makes them. Names stand over the arrows, with the share of G and C, where there is room.
    """
    if sites.is_empty() or length < 1:
        return empty(legend.prose("figure.nothing"))
    figure, axes = plot(_HEIGHT_IN)
    names = sites["name"].unique(maintain_order=True)
    figure.set_label(legend.prose("sequences.alt_primer_map", {"primers": ", ".join(names)}))
    warmth = sites["melting_temperature_c"].to_list()
    middle, span = (min(warmth) + max(warmth)) / 2, max(max(warmth) - min(warmth), _LEAST_SPAN_C)
    axes.set_xlim(0, length)
    axes.set_ylim(middle - 0.75 * span, middle + 0.75 * span)
    rule(axes)
    box = axes.get_window_extent()
    across, up = length / (box.width / figure.dpi), 1.5 * span / (box.height / figure.dpi)
    taken: list[tuple[float, float, float]] = []
    for row in sites.sort("start", "name").iter_rows(named=True):
        axes.add_patch(_arrow(row, across, up))
        share = legend.prose("sequences.primer", {"gc": f"{100 * row['gc_share']:.0f}"})
        word = f"{shorten(row['name'], 1.2, SMALL_PT)} {share}"
        reach, height = width_in(word, SMALL_PT) * across, row["melting_temperature_c"] + _WORD_IN * up
        at = max(0.0, min((row["start"] + row["end"] - reach) / 2, length - reach))
        if all(at > end or at + reach < begin or abs(height - level) > _WORD_IN * up for begin, end, level in taken):
            axes.text(at, height, word, fontsize=SMALL_PT, color=INK, va="center", ha="left")
            taken.append((at, at + reach, height))
    axes.set_xlabel(legend.prose("sequences.along", {"unit": "bp"}))
    axes.set_ylabel(legend.prose("sequences.melting"))
    return figure


def _arrow(row: dict[str, float], across: float, up: float) -> Polygon:
    """Make an arrow over the bases of a primer; one too short to be seen is drawn longer at its 5' end."""
    forward = row["strand"] > 0
    tip, foot = (row["end"], row["start"]) if forward else (row["start"], row["end"])
    way = 1 if forward else -1
    foot = tip - way * max(abs(tip - foot), _LEAST_IN * across)
    neck = tip - way * min(_POINT_IN * across, abs(tip - foot))
    middle, half = row["melting_temperature_c"], _HIGH_IN * up / 2
    outline = [
        (foot, middle - half),
        (neck, middle - half),
        (tip, middle),
        (neck, middle + half),
        (foot, middle + half),
    ]
    return Polygon(outline, color=MODEL_COLOURS[0 if forward else 2], linewidth=0, zorder=2, gid="primer")
