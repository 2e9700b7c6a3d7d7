"""What comes out of a capture column: the curve, and the numbers a process engineer reads from it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.interpolate import CubicHermiteSpline

from biolab.core.arrays import Float
from biolab.kernels.protein_a import Effluent

# Points of a curve that is shown.
_POINTS = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class Breakthrough:
    """A column loaded until protein comes through.

    ``curve`` has time_min, volume_cv, loaded_g_per_l, outlet_g_per_l and outlet_share (of the feed). Capacities are
    grams a litre of packed resin: what had been loaded when the outlet reached 10 % of the feed, less what the liquid
    of the column holds then (``dbc10_g_per_l``), and what is bound at equilibrium with the feed
    (``static_g_per_l``). A load too small to come through leaves ``dbc10_g_per_l`` None.
    """

    curve: pl.DataFrame
    dbc10_g_per_l: float | None
    load10_g_per_l: float | None
    static_g_per_l: float
    lost_g_per_l: float
    balance_error: float
    settings: dict[str, object]

    @property
    def metrics(self) -> dict[str, float]:
        """Capacities, what was lost in the load and how well mass is conserved."""
        found = {
            "dbc10_g_per_l": self.dbc10_g_per_l, "load10_g_per_l": self.load10_g_per_l,
            "static_g_per_l": self.static_g_per_l, "lost_g_per_l": self.lost_g_per_l,
            "balance_error": self.balance_error,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}

    def table(self) -> pl.DataFrame:
        """Return the metrics as a frame."""
        return pl.DataFrame({"metric": list(self.metrics), "value": list(self.metrics.values())})


@dataclass(frozen=True, kw_only=True, eq=False)
class Capture:
    """A load, a wash and an elution.

    ``curve`` has time_min, volume_cv, phase, outlet_g_per_l and ph; ``profile`` what is left in the column (place from
    inlet 0 to outlet 1, held_g_per_l). Amounts are grams a litre of resin: ``lost_g_per_l`` ran through in the load and
    wash (overload), ``pool_g_per_l`` was collected in the elution (in ``pool_cv`` column volumes, from where the outlet
    first exceeds 1 % of the peak to where it last does), ``left_g_per_l`` stayed on the resin.
    """

    curve: pl.DataFrame
    profile: pl.DataFrame
    loaded_g_per_l: float
    lost_g_per_l: float
    pool_g_per_l: float
    pool_cv: float
    left_g_per_l: float
    balance_error: float
    settings: dict[str, object]

    @property
    def recovery(self) -> float:
        """The share of what was loaded that is in the pool."""
        return self.pool_g_per_l / self.loaded_g_per_l

    @property
    def metrics(self) -> dict[str, float]:
        """Amounts, recovery, concentration of the pool and how well mass is conserved."""
        return {
            "loaded_g_per_l": self.loaded_g_per_l,
            "lost_g_per_l": self.lost_g_per_l,
            "pool_g_per_l": self.pool_g_per_l,
            "pool_cv": self.pool_cv,
            "pool_concentration_g_per_l": self.pool_g_per_l / self.pool_cv if self.pool_cv > 0 else 0.0,
            "left_g_per_l": self.left_g_per_l,
            "recovery": self.recovery,
            "balance_error": self.balance_error,
        }

    def table(self) -> pl.DataFrame:
        """Return the metrics as a frame."""
        return pl.DataFrame({"metric": list(self.metrics), "value": list(self.metrics.values())})


def outlet_curve(run: Effluent) -> CubicHermiteSpline:
    """Return the outlet concentration as a function of minutes, from values and slopes of the integrator's steps."""
    return CubicHermiteSpline(run.time_min, run.outlet_g_per_l, run.outlet_slope)


def crossing_min(run: Effluent, level_g_per_l: float) -> float | None:
    """Return when the outlet first reaches a level, between steps too; None if it never does."""
    above = np.flatnonzero(run.outlet_g_per_l >= level_g_per_l)
    if not above.size:
        return None
    if above[0] == 0:
        return 0.0
    k = int(above[0])
    roots = outlet_curve(run).solve(level_g_per_l, extrapolate=False)
    inside = roots[(roots >= run.time_min[k - 1]) & (roots <= run.time_min[k])]
    return float(inside[0]) if inside.size else float(run.time_min[k])


def shown_minutes(ends_min: Float[np.ndarray, " s"]) -> Float[np.ndarray, " t"]:
    """Return the times of a curve: even ones, and the ends of its sections."""
    return np.unique(np.concatenate([np.linspace(0.0, float(ends_min[-1]), _POINTS + 1), ends_min]))
