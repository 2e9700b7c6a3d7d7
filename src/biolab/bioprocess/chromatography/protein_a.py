"""Capture of an antibody on Protein A: what a column holds, loses and gives back."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from biolab.bioprocess.parameters import check_ordered, check_ranges, parameter, parameter_table
from biolab.core import ConfigError
from biolab.kernels.protein_a import Bed, Effluent, Grid, protein_a

from .effluent import Breakthrough, Capture, crossing_min, outlet_curve, shown_minutes
from .transport import film_m_per_s, peclet_of_bed, superficial_m_per_s

_RESIN = "agarose resins of about 85 um with an alkali-stable ligand, as their makers describe them"
_DYNAMIC = "chosen: DBC10 then is 35 g/L at 2.4 min, as makers state for such resins"


@dataclass(frozen=True, kw_only=True)
class ProteinA:
    """A packed Protein A column: general rate model with film, pores and Langmuir binding that acid releases.

    Along the bed: convection and dispersion (Chung and Wen); through the film round each bead (Wilson and Geankoplis);
    diffusion in the pores; dq/dt = k_on p (q_max - q) - k_off(pH) q, with k_off rising ``release_decades_per_ph``
    decades a unit of pH below the binding pH. The pH at a place follows the share of elution buffer there, linearly.
    Host cell proteins, aggregates and the pH the protein itself buffers are not modelled. ``capacity_g_per_l`` is
    grams a litre of packed resin when new; each of ``cycles`` cleanings leaves 1 - ``capacity_loss_per_cycle`` of it.

    References
    ----------
    Gu, Tsai and Tsao (1990), AIChE J. 36:784-788 (general rate model)

    Examples
    --------
    >>> column = ProteinA()
    >>> round(column.breakthrough(60, residence_time_min=2).dbc10_g_per_l)
    31
    >>> column.aged(100).capacity_now_g_per_l < column.capacity_now_g_per_l
    True
    """

    bed_height_cm: float = parameter(20.0, "cm", "height of the packed bed", low=1e-6)
    bead_diameter_um: float = parameter(85.0, "um", "diameter of a bead", _RESIN, low=1e-6)
    porosity: float = parameter(0.35, "1", "liquid between the beads, share of the column", _RESIN, low=0.01, high=0.99)
    bead_porosity: float = parameter(
        0.60, "1", "pores open to the antibody, share of a bead", _RESIN, low=0.01, high=0.99
    )
    capacity_g_per_l: float = parameter(65.0, "g/L resin", "binding sites of new resin", _RESIN, low=1e-6)
    affinity_l_per_g: float = parameter(20.0, "L/g", "k_on / k_off at the binding pH: nearly rectangular", low=1e-6)
    off_per_min: float = parameter(3.0, "1/min", "k_off at the binding pH: fast against diffusion", low=1e-6)
    pore_diffusivity_m2_per_s: float = parameter(5.2e-12, "m2/s", "diffusivity in the pores", _DYNAMIC, low=1e-18)
    diffusivity_m2_per_s: float = parameter(4.0e-11, "m2/s", "diffusivity of IgG in free liquid near 20 °C", low=1e-15)
    binding_ph: float = parameter(7.2, "pH", "pH of feed and wash", high=14.0)
    elution_ph: float = parameter(3.5, "pH", "pH of the elution buffer", high=14.0)
    release_decades_per_ph: float = parameter(
        1.2, "1/pH", "decades of k_off a unit of pH: released below pH 4", high=5.0
    )
    capacity_loss_per_cycle: float = parameter(
        0.001, "1", "share of capacity lost in a cleaning: 10 % in 100", high=0.5
    )
    cycles: int = parameter(0, "1", "cleanings so far")

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "elution_ph", "binding_ph")
        if self.cycles != int(self.cycles):
            raise ConfigError(f"ProteinA: cycles is {self.cycles}; expected a whole number of cleanings.")

    @property
    def capacity_now_g_per_l(self) -> float:
        """Binding sites after the cleanings so far, grams a litre of resin."""
        return self.capacity_g_per_l * (1.0 - self.capacity_loss_per_cycle) ** self.cycles

    def aged(self, cycles: int) -> Self:
        """Return the column after so many more cleanings."""
        return replace(self, cycles=self.cycles + cycles)

    def parameter_table(self) -> pl.DataFrame:
        """Return name, value, unit, meaning and source of every number."""
        return parameter_table(self)

    def static_g_per_l(self, feed_g_per_l: float) -> float:
        """Return what is bound in equilibrium with a feed, grams a litre of resin."""
        bound = self.affinity_l_per_g * feed_g_per_l
        return self.capacity_now_g_per_l * bound / (1.0 + bound)

    def bed(self, residence_time_min: float) -> Bed:
        """Return the numbers of the equations at a residence time."""
        if not 0.0 < residence_time_min < math.inf:
            raise ConfigError(f"residence_time_min is {residence_time_min}; expected minutes > 0.")
        speed, diameter = superficial_m_per_s(self.bed_height_cm, residence_time_min), self.bead_diameter_um * 1e-6
        film = film_m_per_s(speed, diameter, self.diffusivity_m2_per_s, self.porosity)
        return Bed(
            residence_min=residence_time_min,
            porosity=self.porosity,
            bead_porosity=self.bead_porosity,
            peclet=peclet_of_bed(speed, diameter, self.porosity, self.bed_height_cm),
            film_per_min=60.0 * film / (0.5 * diameter),
            pore_per_min=60.0 * self.pore_diffusivity_m2_per_s / (0.5 * diameter) ** 2,
            on_l_per_g_min=self.affinity_l_per_g * self.off_per_min,
            off_per_min=self.off_per_min,
            capacity_g_per_l=self.capacity_now_g_per_l / ((1.0 - self.porosity) * (1.0 - self.bead_porosity)),
            acid_slope=math.log(10.0) * self.release_decades_per_ph * (self.binding_ph - self.elution_ph),
        )

    def breakthrough(
        self,
        load_g_per_l: float = 100.0,
        *,
        residence_time_min: float = 4.0,
        feed_g_per_l: float = 5.0,
        grid: Grid | None = None,
        relative_tolerance: float = 1e-4,
    ) -> Breakthrough:
        """Load a clean column and see when protein comes through; grams are a litre of resin.

        Raises
        ------
        ConfigError
            If a setting is not a positive number.
        FitError
            If the equations cannot be integrated.
        """
        _positive(load_g_per_l=load_g_per_l, feed_g_per_l=feed_g_per_l)
        minutes = load_g_per_l / feed_g_per_l * residence_time_min
        sections = np.array([[minutes, feed_g_per_l, 0.0]])
        run = protein_a(self.bed(residence_time_min), sections, grid=grid, relative_tolerance=relative_tolerance)
        at = crossing_min(run, 0.1 * feed_g_per_l)
        through = None if at is None else at / residence_time_min * feed_g_per_l
        liquid = self.porosity + (1.0 - self.porosity) * self.bead_porosity
        return Breakthrough(
            curve=_load_curve(run, residence_time_min, feed_g_per_l),
            dbc10_g_per_l=None if through is None else through - liquid * feed_g_per_l,
            load10_g_per_l=through,
            static_g_per_l=self.static_g_per_l(feed_g_per_l),
            lost_g_per_l=float(run.left_g_per_l[-1]),
            balance_error=run.balance_error,
            settings={
                **asdict(self), "load_g_per_l": load_g_per_l, "residence_time_min": residence_time_min,
                "feed_g_per_l": feed_g_per_l,
            },
        )  # fmt: skip

    def capture(  # noqa: PLR0913 - a process has these numbers
        self,
        load_g_per_l: float = 35.0,
        *,
        residence_time_min: float = 4.0,
        feed_g_per_l: float = 5.0,
        wash_cv: float = 5.0,
        elution_cv: float = 5.0,
        grid: Grid | None = None,
        relative_tolerance: float = 1e-4,
    ) -> Capture:
        """Load, wash and elute, all at one flow.

        Raises
        ------
        ConfigError
            If a setting is not a positive number.
        FitError
            If the equations cannot be integrated.
        """
        _positive(load_g_per_l=load_g_per_l, feed_g_per_l=feed_g_per_l, wash_cv=wash_cv, elution_cv=elution_cv)
        minutes = residence_time_min * np.array([load_g_per_l / feed_g_per_l, wash_cv, elution_cv])
        sections = np.column_stack([minutes, [feed_g_per_l, 0.0, 0.0], [0.0, 0.0, 1.0]])
        run = protein_a(self.bed(residence_time_min), sections, grid=grid, relative_tolerance=relative_tolerance)
        ends = np.cumsum(minutes)
        lost = float(run.left_g_per_l[np.searchsorted(run.time_min, ends[1] - 1e-9)])
        start, stop = _pool(run, float(ends[1]))
        pooled = np.interp([start, stop], run.time_min, run.left_g_per_l)
        return Capture(
            curve=self._capture_curve(run, ends, residence_time_min),
            profile=pl.DataFrame({"place": run.place, "held_g_per_l": run.held_g_per_l}),
            loaded_g_per_l=load_g_per_l,
            lost_g_per_l=lost,
            pool_g_per_l=float(pooled[1] - pooled[0]),
            pool_cv=(stop - start) / residence_time_min,
            left_g_per_l=float(run.loaded_g_per_l[-1] - run.left_g_per_l[-1]),
            balance_error=run.balance_error,
            settings={
                **asdict(self), "load_g_per_l": load_g_per_l, "residence_time_min": residence_time_min,
                "feed_g_per_l": feed_g_per_l, "wash_cv": wash_cv, "elution_cv": elution_cv,
            },
        )  # fmt: skip

    def _capture_curve(self, run: Effluent, ends: np.ndarray, residence_time_min: float) -> pl.DataFrame:
        minutes = shown_minutes(ends)
        names = np.array(["load", "wash", "elution"])
        share = np.interp(minutes, run.time_min, run.modulator)
        return pl.DataFrame({
            "time_min": minutes,
            "volume_cv": minutes / residence_time_min,
            "phase": names[np.minimum(np.searchsorted(ends, minutes), 2)],
            "outlet_g_per_l": outlet_curve(run)(minutes),
            "ph": self.binding_ph - (self.binding_ph - self.elution_ph) * share,
        })  # fmt: skip


def resin_life(
    column: ProteinA,
    cycles: Sequence[int] = (0, 50, 100, 150, 200),
    *,
    load_g_per_l: float = 35.0,
    residence_time_min: float = 4.0,
    feed_g_per_l: float = 5.0,
) -> pl.DataFrame:
    """Age a resin and load it as if it were new, a row a number of cycles.

    Capacity, DBC10 and what the fixed load loses. ``load_g_per_l`` is the load of the process; DBC10 is found by
    loading on.
    """
    rows = []
    for count in cycles:
        aged = column.aged(count)
        beyond = aged.breakthrough(
            1.3 * aged.capacity_now_g_per_l, residence_time_min=residence_time_min, feed_g_per_l=feed_g_per_l
        )
        lost = np.interp(load_g_per_l, beyond.curve["loaded_g_per_l"], beyond.curve["lost_g_per_l"])
        rows.append({
            "cycles": count, "capacity_g_per_l": aged.capacity_now_g_per_l, "dbc10_g_per_l": beyond.dbc10_g_per_l,
            "load_g_per_l": load_g_per_l, "lost_share": float(lost) / load_g_per_l,
        })  # fmt: skip
    return pl.DataFrame(rows)


def _positive(**settings: float) -> None:
    for name, value in settings.items():
        if not 0.0 < value < math.inf:
            raise ConfigError(f"{name} is {value}; expected a finite number > 0.")


def _load_curve(run: Effluent, residence_time_min: float, feed_g_per_l: float) -> pl.DataFrame:
    minutes = shown_minutes(run.time_min[-1:])
    outlet = outlet_curve(run)
    return pl.DataFrame({
        "time_min": minutes,
        "volume_cv": minutes / residence_time_min,
        "loaded_g_per_l": minutes / residence_time_min * feed_g_per_l,
        "outlet_g_per_l": outlet(minutes),
        "outlet_share": outlet(minutes) / feed_g_per_l,
        "lost_g_per_l": outlet.antiderivative()(minutes) / residence_time_min,
    })  # fmt: skip


def _pool(run: Effluent, elution_start_min: float) -> tuple[float, float]:
    """Return where the elution's outlet first and last exceeds 1 % of its peak."""
    inside = run.time_min >= elution_start_min
    outlet, time = run.outlet_g_per_l[inside], run.time_min[inside]
    high = np.flatnonzero(outlet >= 0.01 * outlet.max())
    return float(time[high[0]]), float(time[high[-1]])
