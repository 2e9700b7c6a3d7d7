"""The z-statistics of one cohort against another's, to see whether findings point the same way."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from biolab.reports.legend import INK, MUTED, SITE_COLOURS, Legend

from .layout import plot, rule, seen_apart
from .theme import SMALL_PT, WIDTH_IN, empty, shorten, theme

_SIDE, _LEFT = 3.3, 0.72


@theme()
def replication(pairs: pl.DataFrame, legend: Legend, *, names: tuple[str, str]) -> Figure:
    """Draw each feature's z-statistic at the discovering cohort against the other's, followed-up features in colour.

    ``pairs`` has feature, z, z_other and selected (whether the feature was chosen at the first cohort to be followed
    up); ``names`` are the cohorts'. In the tinted quarters both point the same way; dotted lines are z = ±1.96 in the
    second cohort.
    """
    found = pairs.drop_nulls(["z", "z_other"])
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    figure, axes = plot(_SIDE, left=_LEFT, right=WIDTH_IN - _LEFT - _SIDE)
    figure.set_label(legend.prose("alt.replication", {"first": names[0], "second": names[1]}))
    x, y = found["z"].to_numpy(), found["z_other"].to_numpy()
    reach = 1.06 * float(np.abs(np.concatenate([x, y])).max())
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    for corner in (0, -reach):
        axes.fill_between([corner, corner + reach], corner, corner + reach, color=MUTED, alpha=0.08, linewidth=0)
    chosen = found["selected"].to_numpy()
    same = x * y > 0
    for rows, colour, size, key in (
        (~chosen, "#b9c1c9", 1.8, "others"),
        (chosen & ~same, SITE_COLOURS[1], 3.2, "opposite"),
        (chosen & same, SITE_COLOURS[0], 3.2, "same"),
    ):
        kept = seen_apart(x[rows], y[rows], axes, dots_per_inch=48 if key == "others" else 72)
        label = _label(legend, key, int(rows.sum()))
        across, up = x[rows][kept], y[rows][kept]
        axes.plot(across, up, "o", color=colour, markersize=size, markeredgewidth=0, label=label, gid=key, zorder=3)
    for level in (-1.96, 1.96):
        axes.axhline(level, color=INK, linewidth=0.7, linestyle=(0, (1, 2)), zorder=2)
    for line in (axes.axhline, axes.axvline):
        line(0, color=MUTED, linewidth=0.8, zorder=1)
    rule(axes, "both")
    axes.set_xlabel(legend.prose("plot.z_at", {"cohort": shorten(names[0], 2.6)}))
    axes.set_ylabel(legend.prose("plot.z_at", {"cohort": shorten(names[1], 2.6)}))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.03, 1.02), frameon=False, fontsize=SMALL_PT,
        handlelength=0.6, markerscale=2,
    )  # fmt: skip
    return figure


def _label(legend: Legend, key: str, count: int) -> str:
    values = {"n": f"{count:,}"}
    if key == "same":
        return legend.prose("plot.same_direction", values)
    return legend.prose("plot.opposite_direction", values) if key == "opposite" else legend.prose("plot.rest", values)
