"""Effects of a scan against their evidence, the strongest by name."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from biolab.reports.legend import MUTED, SITE_COLOURS, Legend

from .layout import Point, label_beside, plot, rule, seen_apart
from .theme import SMALL_PT, empty, shorten, theme

_NAMES_IN = 1.2


@theme()
def volcano(scan: pl.DataFrame, legend: Legend, *, limit: float = 0.05, named: int = 12, unit: str = "") -> Figure:
    """Draw each feature's log hazard ratio against -log10 p, those of a q-value below the limit in colour.

    ``scan`` has feature, coef, p_value, q_value, as of `cox_scan`; nulls are left out. Harmful features (coefficient
    above 0) are vermilion, protective ones blue; the ``named`` smallest p-values are named. ``unit`` says per what
    the coefficient is.
    """
    found = scan.drop_nulls(["coef", "p_value"]).sort("p_value")
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    figure, axes = plot(3.3)
    figure.set_label(legend.prose("alt.volcano"))
    x, y = found["coef"].to_numpy(), -np.log10(np.maximum(found["p_value"].to_numpy(), 1e-300))
    reach = 1.05 * float(np.abs(x[: max(named, int(found.height * 0.999))]).max())
    wide = axes.get_window_extent().width / axes.figure.dpi
    edge = reach * wide / (wide - 2 * _NAMES_IN)  # names stand within the axes, on both sides of the points
    axes.set_xlim(-edge, edge)
    axes.set_ylim(0, 1.06 * float(y[0]))
    clear = (found["q_value"].fill_null(1.0) < limit).to_numpy()
    for chosen, colour, size, name in (
        (~clear, "#aab3bc", 2.2, "others"),
        (clear & (x > 0), SITE_COLOURS[1], 3.4, "harmful"),
        (clear & (x < 0), SITE_COLOURS[0], 3.4, "protective"),
    ):
        across, up = np.clip(x[chosen], -reach, reach), y[chosen]
        kept = seen_apart(across, up, axes)
        axes.plot(across[kept], up[kept], "o", color=colour, markersize=size, markeredgewidth=0, gid=name, zorder=3)
    axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
    rule(axes)
    count = {"limit": f"{limit:g}", "found": f"{int(clear.sum()):,}", "total": f"{found.height:,}"}
    axes.set_title(legend.prose("plot.below_limit", count), fontsize=SMALL_PT, color=MUTED, loc="left")
    axes.set_xlabel(legend.prose("plot.log_hazard_ratio", {"unit": unit}) if unit else legend.prose("plot.log_ratio"))
    axes.set_ylabel(legend.prose("plot.evidence"))
    names = found["feature"].head(named).to_list()
    top = [Point(float(x[k]), float(y[k]), shorten(name, _NAMES_IN - 0.2, SMALL_PT)) for k, name in enumerate(names)]
    label_beside(axes, [point for point in top if point.x >= 0], right=True, edge=reach)
    label_beside(axes, [point for point in top if point.x < 0], right=False, edge=-reach)
    return figure
