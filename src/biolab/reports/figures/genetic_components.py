"""Samples by their first two principal components."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from biolab.reports.legend import SITE_COLOURS, Legend
from biolab.reports.values import number

from .layout import plot, rule, seen_apart
from .theme import SMALL_PT, WIDTH_IN, empty, shorten, theme

_SIDE, _LEFT = 3.2, 0.72


@theme()
def genetic_components(components: pl.DataFrame, legend: Legend, *, shares: Sequence[float] = ()) -> Figure:
    """Draw samples at their first two components, each group in its colour.

    ``components`` has pc1, pc2 and, where samples belong to groups, group; ``shares`` are the components' shares of
    variance, written at the axes. A point is a person: such a figure stays where the persons' data may stay.
    """
    if components.is_empty() or "pc2" not in components.columns:
        return empty(legend.prose("figure.nothing"))
    figure, axes = plot(_SIDE, left=_LEFT, right=WIDTH_IN - _LEFT - _SIDE)
    figure.set_label(legend.prose("genotypes.alt_components"))
    grouped = "group" in components.columns
    groups = components["group"].cast(pl.String) if grouped else pl.repeat("", components.height, eager=True)
    for name, set_limits in (("pc1", axes.set_xlim), ("pc2", axes.set_ylim)):
        values = components[name].to_numpy()
        room = 0.06 * (float(np.ptp(values)) or 1.0)
        set_limits(float(values.min()) - room, float(values.max()) + room)
    for place, name in enumerate(sorted(groups.drop_nulls().unique().to_list())):
        x, y = (components.filter(groups == name)[column].to_numpy() for column in ("pc1", "pc2"))
        kept = seen_apart(x, y, axes, dots_per_inch=144.0)
        label = f"{shorten(legend.sites.get(name, name), 2.4, SMALL_PT)} ({x.size:,})" if grouped else None
        axes.plot(
            x[kept], y[kept], "o", color=SITE_COLOURS[place % len(SITE_COLOURS)], markersize=2.6, markeredgewidth=0,
            alpha=0.8, label=label, gid=f"group-{place}",
        )  # fmt: skip
    rule(axes, "both")
    for k, set_label in enumerate((axes.set_xlabel, axes.set_ylabel)):
        share = f" ({number(100 * shares[k], 1)} %)" if k < len(shares) else ""
        set_label(legend.prose("genotypes.component", {"k": str(k + 1)}) + share)
    if grouped:
        axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1.02), frameon=False, handlelength=0.6, markerscale=2)
    return figure
