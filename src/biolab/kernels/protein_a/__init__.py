"""A packed bed of porous beads (general rate model) that binds one protein, released by acid."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float

from . import cpu
from .bed import Bed as Bed
from .grid import Grid as Grid
from .grid import Operators, banded, operators
from .stepping import Run


@dataclass(frozen=True, kw_only=True, eq=False)
class Effluent:
    """What left the column, a row a step, and what is in it at the end; amounts in grams a litre of column."""

    time_min: Float[ndarray, " t"]
    outlet_g_per_l: Float[ndarray, " t"]
    outlet_slope: Float[ndarray, " t"]
    modulator: Float[ndarray, " t"]
    left_g_per_l: Float[ndarray, " t"]
    loaded_g_per_l: Float[ndarray, " t"]
    held_g_per_l: Float[ndarray, " z"]
    place: Float[ndarray, " z"]
    balance_error: float
    rejected: int


def system_of(bed: Bed, parts: Operators) -> cpu.System:
    """Put a column's numbers into the matrices of a grid."""
    interstitial = bed.residence_min * bed.porosity
    liquid = bed.porosity + (1.0 - bed.porosity) * bed.bead_porosity
    moving = (parts.advection + parts.dispersion / bed.peclet) / interstitial
    share = bed.porosity / liquid
    return cpu.System(
        bed=banded(moving, parts.axial_half),
        acid=banded(moving * share, parts.axial_half),
        pore=banded(parts.laplacian * bed.pore_per_min, parts.radial_half),
        protein_inlet=parts.inlet / interstitial,
        acid_inlet=parts.inlet * share / interstitial,
        into=bed.film_per_min * parts.surface / bed.bead_porosity,
        out=3.0 * bed.film_per_min * (1.0 - bed.porosity) / bed.porosity,
        ratio=(1.0 - bed.bead_porosity) / bed.bead_porosity,
        on=float(bed.on_l_per_g_min),
        off=float(bed.off_per_min),
        slope=float(bed.acid_slope),
        capacity=float(bed.capacity_g_per_l),
        flow=1.0 / bed.residence_min,
    )


def protein_a(
    bed: Bed, sections: Float[ndarray, "s 3"], *, grid: Grid | None = None, relative_tolerance: float = 1e-4
) -> Effluent:
    """Run a clean column through sections of constant inflow: minutes, protein g/L and modulator at the inlet.

    Discontinuous Galerkin along the bed, weighted continuous elements across the beads (see ``grid``), an adaptive
    fourth-order Rosenbrock method in time. ``balance_error`` is what came in, less what left, less what is held, as a
    share of what came in.

    Raises
    ------
    ConfigError
        If a number of the column or of the grid makes no sense.
    DataError
        If sections are not rows of positive minutes and finite concentrations, 0 or more.
    FitError
        If the integration stops; the message says when.

    References
    ----------
    Gu, Tsai and Tsao (1990), AIChE J. 36:784-788 (general rate model)

    Cockburn and Shu (1998), SIAM J. Numer. Anal. 35:2440-2463, doi:10.1137/S0036142997316712 (local dispersion)

    Examples
    --------
    >>> bed = Bed(residence_min=4, porosity=0.35, bead_porosity=0.6, peclet=500, film_per_min=2, pore_per_min=0.3,
    ...           on_l_per_g_min=60, off_per_min=3, capacity_g_per_l=250)
    >>> run = protein_a(bed, np.array([[40.0, 5.0, 0.0]]), grid=Grid(axial_elements=4, radial_elements=2))
    >>> bool(abs(run.balance_error) < 1e-9)
    True
    """  # fmt: skip
    table = np.ascontiguousarray(sections, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 3 or not len(table):
        raise DataError(f"sections have shape {table.shape}; expected rows of minutes, protein and modulator, (s, 3).")
    wrong = np.flatnonzero(~((table >= 0).all(axis=1) & np.isfinite(table).all(axis=1) & (table[:, 0] > 0)))
    if wrong.size:
        raise DataError(
            f"section {wrong[0]} is {table[wrong[0]].tolist()}; expected minutes > 0 and concentrations >= 0, finite."
        )
    chosen = grid if grid is not None else Grid()
    parts = operators(chosen)
    system = system_of(bed, parts)
    run = Run(system=system, state=np.zeros((chosen.axial_nodes, 2 + 2 * chosen.radial_nodes)))
    highest, nr = max(float(table[:, 1].max()), 1e-9), chosen.radial_nodes
    allowed = np.concatenate([[highest, 1.0], np.full(nr, highest), np.full(nr, bed.capacity_g_per_l)])
    run.integrate(table, relative_tolerance * allowed, relative_tolerance, 1e-3 * bed.residence_min * bed.porosity)
    return _effluent(bed, parts, table, run)


def _effluent(bed: Bed, parts: Operators, sections: Float[ndarray, "s 3"], run: Run) -> Effluent:
    state, found, nr = run.state, np.array(run.rows), parts.radial_weights.size
    pores, bound = state[:, 2 : 2 + nr] @ parts.radial_weights, state[:, 2 + nr :] @ parts.radial_weights
    bead = bed.bead_porosity * pores + (1.0 - bed.bead_porosity) * bound
    held = bed.porosity * state[:, 0] + (1.0 - bed.porosity) * bead
    ends = np.concatenate([[0.0], np.cumsum(sections[:, 0])])
    amounts = np.concatenate([[0.0], np.cumsum(sections[:, 0] * sections[:, 1])]) / bed.residence_min
    loaded = np.interp(found[:, 0], ends, amounts)
    came = max(float(loaded[-1]), np.finfo(float).tiny)
    return Effluent(
        time_min=found[:, 0],
        outlet_g_per_l=found[:, 1],
        outlet_slope=found[:, 2],
        modulator=found[:, 3],
        left_g_per_l=found[:, 4],
        loaded_g_per_l=loaded,
        held_g_per_l=held,
        place=parts.axial_places,
        balance_error=float(loaded[-1] - found[-1, 4] - parts.axial_weights @ held) / came,
        rejected=run.rejected,
    )
