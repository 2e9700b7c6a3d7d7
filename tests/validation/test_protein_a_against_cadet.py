"""Breakthrough and elution against converged runs of CADET-Core; protein_a_cadet.py says how they were made.

DBC10 is the load at the minute when the outlet is 10 % of the feed. CADET's own two grids differ by up to 0.25 % there.
Elution is by a gradient of acid, after a load and a wash.
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


def captured(name, grid, tolerance, steps=160):
    """Run a load, a wash and a gradient, its share of acid rising in small steps."""
    column = GOLD["captures"][name]
    load, wash, ramp, acid = column["minutes"]
    share = (np.arange(steps) + 0.5) / steps
    rising = np.column_stack([np.full(steps, ramp / steps), np.zeros(steps), share])
    sections = np.vstack([[load, column["feed_g_per_l"], 0.0], [wash, 0.0, 0.0], rising, [acid, 0.0, 1.0]])
    return protein_a(Bed(**column["bed"]), sections, grid=grid, relative_tolerance=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLD["captures"])
def test_wash_and_elution(name):
    column = GOLD["captures"][name]
    gold, minutes = column["fine"], column["minutes"]
    begin = minutes[0] + minutes[1]
    run = captured(name, Grid(axial_elements=12, radial_elements=6), 1e-4)
    times = np.linspace(0.0, sum(minutes), 4001)
    found = np.interp(times, run.time_min, run.outlet_g_per_l)
    residence = column["bed"]["residence_min"]
    eluted = np.where(times >= begin, found, 0.0)
    pool = np.trapezoid(eluted, times) / residence
    assert np.interp(begin, run.time_min, run.left_g_per_l) == pytest.approx(gold["lost_g_per_l"], abs=0.01, rel=5e-3)
    assert pool == pytest.approx(gold["eluted_g_per_l"], rel=2e-3)
    assert eluted.max() == pytest.approx(gold["peak_g_per_l"], rel=0.01)
    assert times[eluted.argmax()] == pytest.approx(gold["peak_min"], abs=0.1)
    mean = np.trapezoid(times * eluted, times) / residence / pool
    assert mean == pytest.approx(gold["mean_min"], abs=0.05)
    assert np.abs(found[::20] - np.array(gold["curve"])).max() < 0.02 * gold["peak_g_per_l"]
