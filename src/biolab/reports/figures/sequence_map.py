"""What stands where along a sequence: reading frames, cuts, primers, liabilities or variants, a track each."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from biolab.reports.legend import INK, MODEL_COLOURS, RULE, Legend

from .layout import plot
from .theme import SMALL_PT, empty, shorten, theme, width_in

_TRACK_IN, _NAME_IN = 0.42, 1.35


@theme()
def sequence_map(items: pl.DataFrame, legend: Legend, *, length: int, unit: str = "bp") -> Figure:
    """Draw intervals along a sequence of some length, one track a kind, named where there is room.

    ``items`` has track, start (0-based), end (excluded), and may have label. An interval narrower than a line is drawn
    as one.
    """
    if items.is_empty() or length < 1:
        return empty(legend.prose("figure.nothing"))
    tracks = items["track"].unique(maintain_order=True).to_list()
    figure, axes = plot(_TRACK_IN * len(tracks), left=_NAME_IN)
    figure.set_label(legend.prose("sequences.alt_sequence_map", {"tracks": ", ".join(map(str, tracks))}))
    axes.set_xlim(0, length)
    axes.set_ylim(len(tracks) - 0.5, -0.5)
    wide = axes.get_window_extent().width / axes.figure.dpi
    least = length * 0.012 / wide
    for place, track in enumerate(tracks):
        axes.axhline(place + 0.22, color=RULE, linewidth=0.8, zorder=1)
        colour, written = MODEL_COLOURS[place % len(MODEL_COLOURS)], -1.0
        mine = items.filter(pl.col("track") == track).sort("start")
        for row in mine.iter_rows(named=True):
            size = max(row["end"] - row["start"], least)
            axes.add_patch(Rectangle((row["start"], place + 0.06), size, 0.32, color=colour, linewidth=0, zorder=2))
            label = shorten(str(row.get("label") or ""), 1.2, SMALL_PT)
            reach = width_in(label, SMALL_PT) / wide * length
            at = min(row["start"], length - reach)
            if label and at > written:
                axes.text(at, place - 0.16, label, fontsize=SMALL_PT, color=INK, va="center", ha="left")
                written = at + reach + length * 0.06 / wide
    axes.set_yticks(
        [place + 0.2 for place in range(len(tracks))],
        [shorten(str(name), _NAME_IN - 0.15, SMALL_PT) for name in tracks],
    )
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(legend.prose("sequences.along", {"unit": unit}))
    return figure
