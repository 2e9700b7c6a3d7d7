"""The stages of a Rosenbrock step, whose linear systems fall into beads: banded solves, and no dense matrix anywhere.

Bound protein is eliminated node by node, the pores bead by bead (a band), and what is left is a band along the bed.
Cost of a step: beads x nodes.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

from .method import A, C


@njit(cache=True, nogil=True, error_model="numpy")
def _factor(band: Float[ndarray, "n b"], half: int) -> None:
    """Replace a band by its LU factors; no pivoting is needed for these operators."""
    n = band.shape[0]
    for k in range(n):
        inverse = 1.0 / band[k, half]
        band[k, half] = inverse
        for i in range(k + 1, min(n, k + half + 1)):
            factor = band[i, half + k - i] * inverse
            band[i, half + k - i] = factor
            for j in range(k + 1, min(n, k + half + 1)):
                band[i, half + j - i] -= factor * band[k, half + j - k]


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(band: Float[ndarray, "n b"], half: int, x: Float[ndarray, " n"]) -> None:
    """Solve in place with factors of a band."""
    n = band.shape[0]
    for i in range(n):
        total = x[i]
        for j in range(max(0, i - half), i):
            total -= band[i, half + j - i] * x[j]
        x[i] = total
    for i in range(n - 1, -1, -1):
        total = x[i]
        for j in range(i + 1, min(n, i + half + 1)):
            total -= band[i, half + j - i] * x[j]
        x[i] = total * band[i, half]


@njit(cache=True, nogil=True, error_model="numpy")
def _times(band: Float[ndarray, "n b"], half: int, x: Float[ndarray, " n"], i: int) -> float:
    """Return row i of the product of a band and a vector."""
    total = 0.0
    for j in range(max(0, i - half), min(band.shape[0], i + half + 1)):
        total += band[i, half + j - i] * x[j]
    return total


class System(NamedTuple):
    """The discretised column: bands, what the inlet feeds, and the rates that stand at each node.

    ``into`` and ``out``: the film's rate into a bead's last node and out of the bed; ``ratio`` = (1 - e_p) / e_p;
    ``on``, ``off``: association and dissociation; ``slope``: d log(off) / d modulator; ``flow``: column volumes a
    minute.
    """

    bed: Float[ndarray, "z b"]
    acid: Float[ndarray, "z b"]
    pore: Float[ndarray, "r b"]
    protein_inlet: Float[ndarray, " z"]
    acid_inlet: Float[ndarray, " z"]
    into: float
    out: float
    ratio: float
    on: float
    off: float
    slope: float
    capacity: float
    flow: float


class Factors(NamedTuple):
    """LU factors of a step, and of each node of each bead: what turns residuals into stages."""

    bed: Float[ndarray, "z b"]
    acid: Float[ndarray, "z b"]
    pore: Float[ndarray, "z r b"]
    spread: Float[ndarray, "z r"]  # answer of the pores to one unit in the bed
    bound: Float[ndarray, "z r"]  # answer of bound protein to one unit in the pore
    turn: Float[ndarray, "z r"]  # 1 / (g - d binding / d q)
    tilt: Float[ndarray, "z r"]  # d binding / d modulator


@njit(cache=True, nogil=True, error_model="numpy")
def factorise(system: System, y: Float[ndarray, "z w"], g: float, lu: Factors) -> None:
    """Factor g - J at a state y = (bed, modulator, pores, bound) of each node along the bed."""
    nz, nr = lu.spread.shape
    bed_half, pore_half = (system.bed.shape[1] - 1) // 2, (system.pore.shape[1] - 1) // 2
    for i in range(nz):
        for b in range(system.bed.shape[1]):
            lu.acid[i, b], lu.bed[i, b] = -system.acid[i, b], -system.bed[i, b]
        release = system.off * np.exp(system.slope * y[i, 1])
        for j in range(nr):
            p, q = y[i, 2 + j], y[i, 2 + nr + j]
            lu.turn[i, j] = 1.0 / (g + system.on * p + release)
            lu.bound[i, j] = system.on * (system.capacity - q) * lu.turn[i, j]
            lu.tilt[i, j] = -system.slope * release * q
            for b in range(system.pore.shape[1]):
                lu.pore[i, j, b] = -system.pore[j, b]
            lu.pore[i, j, pore_half] += g * (1.0 + system.ratio * lu.bound[i, j])
            lu.spread[i, j] = 0.0
        lu.pore[i, nr - 1, pore_half] += system.into
        lu.spread[i, nr - 1] = system.into
        _factor(lu.pore[i], pore_half)
        _solve(lu.pore[i], pore_half, lu.spread[i])
        lu.bed[i, bed_half] += g + system.out * (1.0 - lu.spread[i, nr - 1])
        lu.acid[i, bed_half] += g
    _factor(lu.bed, bed_half)
    _factor(lu.acid, bed_half)


@njit(cache=True, nogil=True, error_model="numpy")
def gather(
    ratio: float, y: Float[ndarray, "z w"], stages: Float[ndarray, "k z w"], k: int, h: float,
    at: Float[ndarray, "z w"],
) -> None:  # fmt: skip
    """Set ``at`` to the state of stage k, and ``stages[k]`` to what earlier stages add (pores: free and bound)."""
    nz, width = y.shape
    nr = (width - 2) // 2
    for i in range(nz):
        for w in range(width):
            state, known = y[i, w], 0.0
            for a in range(k):
                state += A[k, a] * stages[a, i, w]
                known += C[k, a] * stages[a, i, w]
            at[i, w], stages[k, i, w] = state, known / h
        for w in range(2, 2 + nr):
            stages[k, i, w] += ratio * stages[k, i, w + nr]


@njit(cache=True, nogil=True, error_model="numpy")
def solve_stage(  # noqa: PLR0913, PLR0917 - compiled functions take positions only
    system: System, inflow: Float[ndarray, " 2"], at: Float[ndarray, "z w"], g: float, lu: Factors,
    stage: Float[ndarray, "z w"], line: Float[ndarray, "3 z"],
) -> None:  # fmt: skip
    """Solve one stage in place: modulator, then pores as far as they are known, bed, and back into the beads."""
    nz, nr = lu.spread.shape
    bed_half, pore_half = (system.bed.shape[1] - 1) // 2, (system.pore.shape[1] - 1) // 2
    bed, acid, now = line[0], line[1], line[2]
    for i in range(nz):
        now[i] = at[i, 1]
    for i in range(nz):
        acid[i] = stage[i, 1] + _times(system.acid, bed_half, now, i) + system.acid_inlet[i] * inflow[1]
    _solve(lu.acid, bed_half, acid)
    for i in range(nz):
        now[i], stage[i, 1] = at[i, 0], acid[i]
    for i in range(nz):
        release, film = system.off * np.exp(system.slope * at[i, 1]), at[i, 0] - at[i, 1 + nr]
        pores, held, solved = at[i, 2 : 2 + nr], at[i, 2 + nr :], stage[i, 2 : 2 + nr]
        for j in range(nr):
            binding = system.on * pores[j] * (system.capacity - held[j]) - release * held[j]
            known = (stage[i, 2 + nr + j] + binding + lu.tilt[i, j] * acid[i]) * lu.turn[i, j]
            stage[i, 2 + nr + j] = known
            solved[j] += _times(system.pore, pore_half, pores, j) - g * system.ratio * known
        solved[nr - 1] += system.into * film
        _solve(lu.pore[i], pore_half, solved)
        bed[i] = stage[i, 0] + _times(system.bed, bed_half, now, i) + system.protein_inlet[i] * inflow[0]
        bed[i] += system.out * (solved[nr - 1] - film)
    _solve(lu.bed, bed_half, bed)
    for i in range(nz):
        stage[i, 0] = bed[i]
        for j in range(nr):
            stage[i, 2 + j] += lu.spread[i, j] * bed[i]
            stage[i, 2 + nr + j] += lu.bound[i, j] * stage[i, 2 + j]
