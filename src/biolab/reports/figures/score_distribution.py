"""How scores of persons are spread against a reference group."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biolab.core.arrays import Float
from biolab.reports.legend import INK, SITE_COLOURS, Legend

from .layout import panels, rule
from .theme import SMALL_PT, empty, shorten, theme

_BINS, _PER_BIN = 40, 8  # at most, and persons of the smallest group a bin on average


@theme()
def score_distribution(scores: pl.DataFrame, legend: Legend) -> Figure:
    """Draw, for each score, the shares of a group's persons in bins of the score.

    ``scores`` has score (its name), group and z, the distance from the reference group's mean in its standard
    deviations, as `biolab.genotypes.PolygenicScores.percentiles` gives it; the curve is the normal distribution.
    """
    found = scores.drop_nulls("z")
    if found.is_empty():
        return empty(legend.prose("figure.nothing"))
    names = found["score"].unique(maintain_order=True).to_list()
    groups = sorted(found["group"].unique().to_list())
    figure, every = panels(names, 1.7, columns=2)
    figure.set_label(legend.prose("genotypes.alt_scores", {"scores": ", ".join(names)}))
    smallest = int(found.group_by("score", "group").len()["len"].min() or 1)  # ty: ignore[invalid-argument-type]
    bins = min(_BINS, max(8, smallest // _PER_BIN))
    edges = np.linspace(*_limits(found["z"].to_numpy()), bins + 1)
    for name, axes in zip(names, every, strict=True):
        for place, group in enumerate(groups):
            here = found.filter((pl.col("score") == name) & (pl.col("group") == group))["z"].to_numpy()
            label, colour = legend.sites.get(group, group), SITE_COLOURS[place % len(SITE_COLOURS)]
            _steps(axes, here, edges, colour, label, f"{name}-{place}")
        normal = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi) * (edges[1] - edges[0])
        axes.plot(edges, normal, color=INK, linewidth=0.7, linestyle=(0, (4, 3)), zorder=2)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, None)
        rule(axes)
        axes.set_xlabel(legend.prose("genotypes.score_z"))
        axes.set_ylabel(legend.prose("genotypes.share_of_group"))
    if len(groups) > 1:
        every[0].legend(loc="upper right", frameon=False, fontsize=SMALL_PT, handlelength=1.0)
    return figure


def _limits(z: Float[np.ndarray, " n"]) -> tuple[float, float]:
    reach = max(3.5, float(np.quantile(np.abs(z), 0.999)))
    return -reach, reach


def _steps(
    axes: Axes, z: Float[np.ndarray, " n"], edges: Float[np.ndarray, " b"], colour: str, label: str, gid: str
) -> None:
    share = np.histogram(z, bins=edges)[0] / max(z.size, 1)
    axes.stairs(share, edges, color=colour, linewidth=1.1, label=shorten(label, 1.2, SMALL_PT), gid=f"scores-{gid}")
