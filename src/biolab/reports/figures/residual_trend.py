"""Residuals against time or a covariate, one panel a term, with the smooth trend that the eye looks for."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from biolab.core.arrays import Float
from biolab.reports.legend import INK, MUTED, SITE_COLOURS, Legend

from .layout import panels, rule, seen_apart
from .theme import SMALL_PT, empty, theme

_KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)
_POINTS, _REACH = 80, 1.96


@theme()
def residual_trend(
    residuals: pl.DataFrame,
    legend: Legend,
    *,
    across: str,
    up: str,
    level: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Figure:
    """Draw residuals and their trend, a restricted cubic spline with five knots and its pointwise 95 % band.

    ``residuals`` has term, x, residual; ``across`` and ``up`` name the axes. ``level`` is what each term's trend would
    be if nothing were wrong: the coefficient for scaled Schoenfeld residuals, 0 (the default) for martingale ones.
    ``notes`` stand in a term's panel: the p-value of its test, say. The vertical axis shows the trend and the middle
    80 % of residuals, so that the trend is seen.
    """
    if residuals.is_empty():
        return empty(legend.prose("figure.nothing"))
    terms = residuals["term"].unique(maintain_order=True).to_list()
    figure, found = panels(terms, 1.45, columns=3)
    figure.set_label(legend.prose("alt.residual_trend", {"terms": ", ".join(terms)}))
    for number, (term, axes) in enumerate(zip(terms, found, strict=True)):
        part = residuals.filter(pl.col("term") == term)
        x, y = (part[name].cast(pl.Float64).to_numpy() for name in ("x", "residual"))
        at, trend, error = smooth_trend(x, y)
        below, above = trend - _REACH * error, trend + _REACH * error
        axes.axhline((level or {}).get(term, 0.0), color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=3)
        colour = SITE_COLOURS[0]
        axes.fill_between(at, below, above, color=colour, alpha=0.22, linewidth=0, zorder=4)
        axes.plot(at, trend, color=colour, linewidth=1.6, zorder=5, gid=f"trend-{number}")
        low, high = np.quantile(y, [0.1, 0.9])
        axes.set_ylim(min(low, below.min()), max(high, above.max()))
        axes.set_xlim(*np.quantile(x, [0.0, 0.998]))
        kept = seen_apart(x, y, axes, dots_per_inch=50)
        (dots,) = axes.plot(x[kept], y[kept], "o", color=MUTED, gid=f"residuals-{number}", zorder=2)
        dots.set(alpha=0.3, markersize=2.0, markeredgewidth=0)
        rule(axes)
        axes.set_xlabel(across)
        note = (notes or {}).get(term)
        if note:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
            axes.text(0.98, 0.97, note, transform=axes.transAxes, ha="right", va="top", fontsize=SMALL_PT, bbox=box)
    for axes in found[::3]:
        axes.set_ylabel(up)
    return figure


def smooth_trend(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Fit a restricted cubic spline by least squares: points between the outer knots' tails, trend, standard error."""
    from biolab.survival.calibration_smooth import spline_basis

    knots = np.unique(np.quantile(x, _KNOTS))
    design = np.column_stack([np.ones(x.size), spline_basis(x, knots)])
    at = np.linspace(*np.quantile(x, [0.01, 0.99]), _POINTS)
    points = np.column_stack([np.ones(at.size), spline_basis(at, knots)])
    coef, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    rest = y - design @ coef
    inverse = np.linalg.pinv(design.T @ design) * (rest @ rest) / max(x.size - int(rank), 1)
    return at, points @ coef, np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", points, inverse, points), 0.0))
