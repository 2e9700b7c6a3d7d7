"""The column's equations as they stand, on the same grid, integrated by an implicit Runge-Kutta method of order 5."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float

from .bed import Bed
from .grid import Grid, Operators, operators


def derivative(bed: Bed, parts: Operators, inflow: Float[ndarray, " 2"], y: ndarray) -> ndarray:
    """Return dy/dt of the state (bed, modulator, pores, bound, what has left); complex states too."""
    nz, nr = parts.axial_weights.size, parts.radial_weights.size
    c, m = y[:nz], y[nz : 2 * nz]
    p, q = y[2 * nz : -1].reshape(2, nz, nr)
    interstitial = bed.residence_min * bed.porosity
    flow = (parts.advection + parts.dispersion / bed.peclet) / interstitial
    film = bed.film_per_min * (c - p[:, -1])
    binding = bed.on_l_per_g_min * p * (bed.capacity_g_per_l - q)
    binding = binding - bed.off_per_min * np.exp(bed.acid_slope * m)[:, None] * q
    into = bed.bead_porosity * bed.pore_per_min * (p @ parts.laplacian.T)
    into[:, -1] += film * parts.surface
    liquid = bed.porosity + (1.0 - bed.porosity) * bed.bead_porosity
    dc = flow @ c + parts.inlet * inflow[0] / interstitial - 3.0 * film * (1.0 - bed.porosity) / bed.porosity
    dm = (flow @ m + parts.inlet * inflow[1] / interstitial) * bed.porosity / liquid
    dp = (into - (1.0 - bed.bead_porosity) * binding) / bed.bead_porosity
    return np.concatenate([dc, dm, dp.ravel(), binding.ravel(), [c[-1] / bed.residence_min]])


def jacobian(slope: Callable[[ndarray], ndarray], y: Float[ndarray, " n"]) -> Float[ndarray, "n n"]:
    """Return the derivative of ``slope`` by complex steps, exact to rounding."""
    steps = 1e-30j * np.eye(y.size)
    return np.stack([slope(y + step).imag * 1e30 for step in steps], axis=1)


def run(bed: Bed, sections: Float[ndarray, "s 3"], grid: Grid, tolerance: float) -> dict[str, Float[ndarray, "..."]]:
    """Return outlet, modulator and what has left at the end of every section, and what is held at the end of all."""
    from scipy.integrate import solve_ivp

    parts, nz, nr = operators(grid), grid.axial_nodes, grid.radial_nodes
    y, rows = np.zeros(2 * nz * (1 + nr) + 1), []
    for minutes, *inflow in sections:
        slope = partial(derivative, bed, parts, np.array(inflow))
        solved = solve_ivp(
            lambda _, v, f=slope: f(v),
            (0.0, minutes),
            y,
            method="Radau",
            rtol=tolerance,
            atol=1e-9,
            jac=lambda _, v, f=slope: jacobian(f, v),
        )
        y = solved.y[:, -1]
        rows.append([y[nz - 1], y[2 * nz - 1], y[-1]])
    p, q = y[2 * nz : -1].reshape(2, nz, nr) @ parts.radial_weights
    bead = bed.bead_porosity * p + (1.0 - bed.bead_porosity) * q
    return {"ends": np.array(rows), "held": bed.porosity * y[:nz] + (1.0 - bed.porosity) * bead}
