"""What a capture column must do, whatever its numbers."""

import numpy as np
import pytest

from biolab.bioprocess import ProteinA, resin_life
from biolab.core import ConfigError
from biolab.kernels.protein_a import Grid

COARSE = Grid(axial_elements=6, axial_degree=3, radial_elements=3, radial_degree=3)


def dbc10(column=None, residence=4.0, feed=5.0):
    found = (column or ProteinA()).breakthrough(
        80.0, residence_time_min=residence, feed_g_per_l=feed, grid=COARSE, relative_tolerance=1e-4
    )
    return found.dbc10_g_per_l


def test_capacity_rises_with_residence_time_and_falls_with_bead_size():
    usual = dbc10()
    assert dbc10(residence=2) < usual < ProteinA().static_g_per_l(5.0)
    assert dbc10(ProteinA(bead_diameter_um=60)) > usual


def test_a_breakthrough_is_told_whole():
    found = ProteinA().breakthrough(90.0, grid=COARSE, relative_tolerance=1e-5)
    curve = found.curve
    at = np.interp(found.load10_g_per_l, curve["loaded_g_per_l"], curve["outlet_share"])
    assert at == pytest.approx(0.1, abs=1e-3)
    assert found.lost_g_per_l == pytest.approx(curve["lost_g_per_l"][-1], rel=1e-4)
    assert abs(found.balance_error) < 1e-9
    assert found.metrics["dbc10_g_per_l"] < found.metrics["static_g_per_l"]
    assert found.settings["load_g_per_l"] == 90.0
    assert found.table().height == len(found.metrics)


def test_a_small_load_does_not_come_through():
    found = ProteinA().breakthrough(10.0, grid=COARSE)
    assert found.dbc10_g_per_l is None
    assert "dbc10_g_per_l" not in found.metrics
    assert found.lost_g_per_l < 0.01


def test_a_capture_gives_back_what_was_loaded_and_an_overload_loses_it():
    wise, greedy = (
        ProteinA().capture(load, residence_time_min=4.0, grid=COARSE, relative_tolerance=1e-5) for load in (30.0, 75.0)
    )
    assert wise.recovery > 0.97
    assert wise.lost_g_per_l < 0.02 * 30
    assert greedy.lost_g_per_l > 10
    for run in (wise, greedy):
        assert run.lost_g_per_l + run.pool_g_per_l + run.left_g_per_l == pytest.approx(run.loaded_g_per_l, rel=0.02)
        assert abs(run.balance_error) < 1e-9
    assert wise.metrics["pool_concentration_g_per_l"] > 5.0
    assert wise.curve["ph"][0] == pytest.approx(7.2)
    assert wise.curve["ph"][-1] == pytest.approx(3.5, abs=0.01)
    assert wise.curve["phase"].unique(maintain_order=True).to_list() == ["load", "wash", "elution"]


@pytest.mark.slow
def test_a_resin_ages():
    life = resin_life(ProteinA(), (0, 200), load_g_per_l=40.0)
    assert life["capacity_g_per_l"][1] == pytest.approx(65 * 0.999**200)
    assert life["dbc10_g_per_l"][1] < life["dbc10_g_per_l"][0]
    assert life["lost_share"][1] > life["lost_share"][0]


def test_parameters_come_with_unit_and_source():
    table = ProteinA().parameter_table()
    assert table["unit"].null_count() == table["source"].null_count() == 0
    assert table.filter(name="bed_height_cm")["value"][0] == 20.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"porosity": 0.0}, "porosity is 0.0 1; expected a number, 0.01 to 0.99"),
        ({"bead_porosity": 1.0}, "bead_porosity is 1.0"),
        ({"elution_ph": 8.0}, "expected elution_ph below binding_ph"),
        ({"cycles": -1}, "cycles is -1"),
        ({"cycles": 1.5}, "cycles is 1.5; expected a whole number"),
    ],
)
def test_impossible_columns_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        ProteinA(**settings)


def test_impossible_runs_are_refused():
    with pytest.raises(ConfigError, match="load_g_per_l is -1"):
        ProteinA().breakthrough(-1.0)
    with pytest.raises(ConfigError, match="residence_time_min is 0"):
        ProteinA().breakthrough(residence_time_min=0.0)
    with pytest.raises(ConfigError, match="elution_cv is nan"):
        ProteinA().capture(elution_cv=float("nan"))
