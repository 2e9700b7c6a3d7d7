"""How many k-mers of sequences were seen once, twice and so on."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from biolab.reports.legend import SITE_COLOURS, Legend

from .layout import plot, rule
from .theme import empty, theme


@theme()
def kmer_spectrum(spectrum: pl.DataFrame, legend: Legend, *, k: int) -> Figure:
    """Draw distinct k-mers against how often each was seen, both on logarithmic scales.

    ``spectrum`` has multiplicity and kmers. Errors of reading make the peak at one, the genome's depth the next one.
    """
    if spectrum.is_empty():
        return empty(legend.prose("figure.nothing"))
    figure, axes = plot(2.4)
    figure.set_label(legend.prose("sequences.alt_kmer_spectrum", {"k": str(k)}))
    x, y = spectrum["multiplicity"].to_numpy(), spectrum["kmers"].to_numpy()
    axes.vlines(x, 0.5, y, color=SITE_COLOURS[0], linewidth=1.0, gid="kmers")
    axes.plot(x, y, "o", color=SITE_COLOURS[0], markersize=2.6, markeredgewidth=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.8, 1.25 * float(x.max()))
    axes.set_ylim(0.5, 2 * float(np.max(y)))
    axes.set_xlabel(legend.prose("sequences.multiplicity"))
    axes.set_ylabel(legend.prose("sequences.kmers", {"k": str(k)}))
    rule(axes)
    return figure
