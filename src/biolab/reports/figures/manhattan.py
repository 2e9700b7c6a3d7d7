"""P-values of a scan along the genome."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biolab.core.arrays import Float
from biolab.reports.legend import INK, MUTED, SITE_COLOURS, Legend

from .layout import plot, rule, seen_apart
from .theme import SMALL_PT, WIDTH_IN, empty, shorten, theme, width_in

_GREYS = ("#5a6673", "#aab3bc")
_LEFT, _RIGHT = 0.72, 0.18
# Between chromosomes, as a share of the genome shown; narrower chromosomes than a label's width stay without one.
_GAP = 0.006


@theme()
def manhattan(scan: pl.DataFrame, legend: Legend, *, limit: float = 5e-8, named: int = 8) -> Figure:
    """Draw each variant's -log10 p at its position, chromosomes side by side, those below the limit in colour.

    ``scan`` has chromosome, position, variant_id and p_value, as of `biolab.genotypes.associate`; nulls are left out.
    The strongest variant of each stretch below the limit is named (of those within 1 % of the genome one).
    """
    found = scan.drop_nulls(["chromosome", "position", "p_value"])
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    figure, axes = plot(2.9, left=_LEFT, right=_RIGHT)
    figure.set_label(legend.prose("alt.manhattan"))
    names = sorted(found["chromosome"].unique().to_list(), key=_order)
    across, middles, edges = _laid_out(found, names)
    up = -np.log10(np.maximum(found["p_value"].to_numpy(), 1e-300))
    line = -np.log10(limit)
    axes.set_xlim(-_GAP, edges[-1] + _GAP)
    axes.set_ylim(0, 1.12 * max(float(up.max()), line))
    even = found["chromosome"].replace_strict(dict(zip(names, range(len(names)), strict=True))).to_numpy() % 2 == 0
    strong = up > line
    for chosen, colour, size, gid in (
        (even & ~strong, _GREYS[0], 2.0, "even"),
        (~even & ~strong, _GREYS[1], 2.0, "odd"),
        (strong, SITE_COLOURS[1], 3.4, "below-limit"),
    ):
        x, y = across[chosen], up[chosen]
        kept = seen_apart(x, y, axes)
        axes.plot(x[kept], y[kept], "o", color=colour, markersize=size, markeredgewidth=0, gid=gid, zorder=3)
    axes.axhline(line, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=2)
    rule(axes)
    _name_chromosomes(axes, names, middles, edges)
    _name_leads(axes, found["variant_id"].to_list(), across, up, np.flatnonzero(strong), named)
    axes.set_xlabel(legend.prose("plot.chromosome"))
    axes.set_ylabel(legend.prose("plot.evidence"))
    count = {"limit": f"{limit:g}", "found": f"{int(strong.sum()):,}", "total": f"{found.height:,}"}
    axes.set_title(legend.prose("plot.variants_below_limit", count), fontsize=SMALL_PT, color=MUTED, loc="left")
    return figure


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (1000, name)


def _laid_out(found: pl.DataFrame, names: list[str]) -> tuple[Float[np.ndarray, " m"], list[float], list[float]]:
    """Return places from 0 on, in shares of the genome shown, and each chromosome's middle and end."""
    position, chromosome = found["position"].to_numpy().astype(np.float64), found["chromosome"].to_numpy()
    spans = {name: (position[chromosome == name].min(), position[chromosome == name].max()) for name in names}
    total = sum(high - low for low, high in spans.values()) or 1.0
    across, start, middles, edges = np.empty(position.size), 0.0, [], []
    for name in names:
        low, high = spans[name]
        here = chromosome == name
        across[here] = start + (position[here] - low) / total
        middles.append(start + (high - low) / total / 2)
        edges.append(start + (high - low) / total)
        start = edges[-1] + _GAP
    return across, middles, edges


def _name_chromosomes(axes: Axes, names: list[str], middles: list[float], edges: list[float]) -> None:
    inch = (WIDTH_IN - _LEFT - _RIGHT) / (edges[-1] + 2 * _GAP)
    shown, taken = [], -1.0
    for name, middle in zip(names, middles, strict=True):
        half = width_in(name, SMALL_PT) / 2 + 0.03
        if middle * inch - half > taken:
            shown.append((middle, name))
            taken = middle * inch + half
    axes.set_xticks([middle for middle, _ in shown], [name for _, name in shown])
    axes.tick_params(axis="x", length=0)


def _name_leads(
    axes: Axes,
    names: list[str],
    across: Float[np.ndarray, " m"],
    up: Float[np.ndarray, " m"],
    strong: np.ndarray,
    named: int,
) -> None:
    """Name the strongest variants, none within 1 % of the genome of a stronger one."""
    taken: list[float] = []
    for row in strong[np.argsort(-up[strong], kind="stable")].tolist():
        if len(taken) == named:
            return
        if all(abs(across[row] - place) > 0.01 for place in taken):
            taken.append(float(across[row]))
            right = across[row] > 0.85 * axes.get_xlim()[1]
            axes.annotate(
                shorten(names[row], 1.1, SMALL_PT), (across[row], up[row]), xytext=(-4 if right else 4, 0),
                textcoords="offset points", fontsize=SMALL_PT, color=INK, ha="right" if right else "left", va="center",
            )  # fmt: skip
