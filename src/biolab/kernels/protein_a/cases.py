"""Small columns: a load, a whole capture, weak binding; and what must not change them."""

from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases

from . import Bed, Grid, protein_a, reference

TOLERANCE = cases.Tolerance(relative=1e-4, absolute=1e-6)
_GRID = Grid(axial_elements=2, axial_degree=2, radial_elements=1, radial_degree=3)
_BED = Bed(
    residence_min=4.0, porosity=0.35, bead_porosity=0.6, peclet=60.0, film_per_min=2.0, pore_per_min=0.3,
    on_l_per_g_min=6.0, off_per_min=0.6, capacity_g_per_l=120.0, acid_slope=4.0,
)  # fmt: skip
_WEAK = Bed(
    residence_min=2.0, porosity=0.4, bead_porosity=0.7, peclet=30.0, film_per_min=5.0, pore_per_min=0.8,
    on_l_per_g_min=0.5, off_per_min=5.0, capacity_g_per_l=20.0,
)  # fmt: skip


def _case(name: str, bed: Bed, rows: list[list[float]]) -> cases.Case:
    return cases.Case(name=name, make=lambda: {"bed": bed, "sections": np.array(rows)})


CASES = (
    _case("load, wash, elute", _BED, [[30.0, 5.0, 0.0], [8.0, 0.0, 0.0], [12.0, 0.0, 1.0]]),
    _case("weak binding", _WEAK, [[5.0, 1.0, 0.0]]),
    _case("nothing comes in", _WEAK, [[5.0, 0.0, 0.0]]),
)


def _halved(arguments: cases.Arguments) -> cases.Arguments:
    half = arguments["sections"] * np.array([0.5, 1.0, 1.0])
    return {**arguments, "sections": np.repeat(half, 2, axis=0), "every": 2}


INVARIANCES: cases.Invariances = {"sections cut in halves": _halved}


def fast(bed: Bed, sections: ndarray, every: int = 1) -> dict[str, ndarray]:
    """Run the compiled column."""
    run = protein_a(bed, sections, grid=_GRID, relative_tolerance=1e-6)
    at = np.searchsorted(run.time_min, np.cumsum(sections[:, 0])[every - 1 :: every] - 1e-9)
    ends = np.stack([run.outlet_g_per_l, run.modulator, run.left_g_per_l], axis=1)[at]
    return {"ends": ends, "held": run.held_g_per_l}


def exact(bed: Bed, sections: ndarray, **_: Any) -> dict[str, ndarray]:
    """Integrate the equations as they stand."""
    return reference.run(bed, sections, _GRID, 1e-5)
