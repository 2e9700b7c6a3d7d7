"""Quality and composition of sequencing reads along their length."""

import polars as pl
from matplotlib.figure import Figure

from biolab.reports.legend import MODEL_COLOURS, MUTED, SITE_COLOURS, Legend

from .layout import panels, rule
from .theme import empty, theme


@theme()
def read_quality(positions: pl.DataFrame, legend: Legend) -> Figure:
    """Draw the quality of bases by position (median, quartiles, 10 to 90 %), and the share of each letter.

    ``positions`` is the table of a quality profile: position, median, lower_quartile, upper_quartile, q10, q90,
    a_share, c_share, g_share, t_share, other_share.
    """
    if positions.is_empty():
        return empty(legend.prose("figure.nothing"))
    names = [legend.prose("sequences.quality"), legend.prose("sequences.composition")]
    figure, (quality, letters) = panels(names, 2.1, columns=2)
    figure.set_label(legend.prose("sequences.alt_read_quality"))
    x = positions["position"].to_numpy()
    for low, high, opacity in (("q10", "q90", 0.18), ("lower_quartile", "upper_quartile", 0.35)):
        low_edge, high_edge = positions[low].to_numpy(), positions[high].to_numpy()
        quality.fill_between(x, low_edge, high_edge, color=SITE_COLOURS[0], alpha=opacity, linewidth=0, gid=low)
    quality.plot(x, positions["median"].to_numpy(), color=SITE_COLOURS[0], linewidth=1.4, gid="median")
    quality.set_ylim(0, max(42, int(positions["q90"].to_numpy().max()) + 2))
    for letter, colour in zip("acgt", MODEL_COLOURS, strict=False):
        letters.plot(x, positions[f"{letter}_share"].to_numpy(), color=colour, linewidth=1.1, label=letter.upper())
    letters.plot(x, positions["other_share"].to_numpy(), color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)), label="N")
    shares = positions.select("a_share", "c_share", "g_share", "t_share", "other_share").to_numpy()
    letters.set_ylim(0, 1.25 * max(float(shares.max()), 0.01))  # room for the legend above the lines
    letters.legend(loc="upper right", ncols=5, frameon=False, handlelength=1.0, columnspacing=0.8)
    for axes, label in ((quality, legend.prose("sequences.phred")), (letters, legend.prose("sequences.share"))):
        axes.set_xlim(0.5, float(x.max()) + 0.5)
        axes.set_xlabel(legend.prose("sequences.position"))
        axes.set_ylabel(label)
        rule(axes)
    return figure
