"""Breakthrough against converged runs of CADET-Core; protein_a_cadet.py says how they were made, with which settings.

DBC10 is the load at the minute when the outlet is 10 % of the feed. CADET's own two grids differ by up to 0.25 % there.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from biolab.bioprocess.chromatography.effluent import crossing_min, outlet_curve
from biolab.kernels.protein_a import Bed, Grid, protein_a

GOLD = json.loads(Path(__file__).with_name("protein_a_cadet.json").read_text())
FINE = Grid(axial_elements=20, axial_degree=4, radial_elements=14, radial_degree=4)


def ours(column, grid, tolerance):
    sections = np.array([[column["minutes"], column["feed_g_per_l"], 0.0]])
    return protein_a(Bed(**column["bed"]), sections, grid=grid, relative_tolerance=tolerance)


def minutes_apart(column, run):
    """Return how far each share's minute is from CADET's, as a share of it."""
    told = {float(s): m for s, m in column["fine"]["minutes_at_share"].items() if m is not None}
    found = {s: crossing_min(run, s * column["feed_g_per_l"]) for s in told}
    return {s: abs(found[s] / told[s] - 1.0) for s in told}


@pytest.mark.parametrize("name", ["the same, 2 min", "weak and slow binding"])
def test_dbc10_on_the_usual_grid(name):
    column = GOLD["columns"][name]
    apart = minutes_apart(column, ours(column, None, 1e-4))
    assert apart[0.1] < 5e-3
    assert max(apart[0.2], apart[0.5]) < 4e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLD["columns"])
def test_whole_curves_on_a_fine_grid(name):
    column = GOLD["columns"][name]
    run = ours(column, FINE, 1e-5)
    apart = minutes_apart(column, run)
    assert apart[0.1] < 1e-3
    curve = np.array(column["fine"]["curve"])
    times = np.linspace(0.0, column["minutes"], 4001)[::100]
    assert np.abs(outlet_curve(run)(times) - curve).max() < 0.006 * column["feed_g_per_l"]
